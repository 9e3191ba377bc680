//! What users do, against real servers with real engines, registries and repositories.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a harness fails the test it serves"
)]

mod harness;

mod aborts;
mod admin;
mod bad_input;
mod builds;
mod cache;
mod clients;
mod contract;
mod credentials;
mod debian;
mod deletions;
mod demo;
mod dockerfiles;
mod images;
mod isolation;
mod limits;
mod logs;
mod openapi;
mod outages;
mod permissions;
mod pushes;
mod queue;
mod readme;
mod recovery;
mod registry;
mod secrets;
mod source_faults;
mod sources;
mod statuses;
