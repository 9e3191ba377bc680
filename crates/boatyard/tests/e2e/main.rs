//! What users do, against real servers with real engines, registries and repositories.

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
mod statuses;
