//! The store's promises, told over SQLite and PostgreSQL alike.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a harness fails the test it serves"
)]

mod builds;
mod deletions;
mod details;
mod finding;
mod layer_caches;
mod migrations;
mod names;
mod notifications;
mod outlook;
mod place;
mod plans;
mod raw;
mod registry_credentials;
mod restrictions;
mod revisions;
mod rotation;
mod sealing;
mod secret_groups;
mod tags;
mod teams;
mod tokens;
mod transitions;
mod unreadable;
mod vcs;
mod versions;
mod watches;
