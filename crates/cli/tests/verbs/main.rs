//! The verbs against a server made for the occasion.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a harness fails the test it serves"
)]

mod changes;
mod connection;
mod errors;
mod fake;
mod help;
mod insight;
mod lists;
mod logs;
mod person;
mod waiting;
