//! What users do, against real servers with real engines, registries and repositories.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a harness fails the test it serves"
)]

mod harness;

mod aborts;
mod admin;
mod architectures;
mod audit;
mod bad_input;
mod build_metrics;
mod builds;
mod bundles;
mod cache;
mod changes;
mod clients;
mod contract;
mod core_dumps;
mod credentials;
mod debian;
mod deletions;
mod demo;
mod dockerfiles;
mod finding;
mod fork_sources;
mod forks;
mod further_permissions;
mod git_options;
mod images;
mod isolation;
mod keys;
mod limits;
mod linked;
mod logs;
mod notifications;
mod openapi;
mod outages;
mod permissions;
mod pushes;
mod queue;
mod readme;
mod recovery;
mod registry;
mod repositories;
mod secret_groups;
mod secret_verbs;
mod secrets;
mod service_fields;
mod source_faults;
mod sources;
mod statuses;
mod tags;
mod teams;
mod telemetry;
mod vcs;
mod watching;
