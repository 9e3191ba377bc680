//! What users do, against real servers with real engines, registries and repositories.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a harness fails the test it serves"
)]

mod harness;

mod admin;
mod bad_input;
mod builds;
mod clients;
mod contract;
mod images;
mod logs;
mod queue;
mod recovery;
mod registry;
mod statuses;
