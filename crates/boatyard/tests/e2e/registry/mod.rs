//! The embedded registry: call by call beside Debian's docker-registry as its oracle, then with
//! real clients, large layers, and garbage collected while everybody goes on.

pub(crate) mod harness;

mod access;
mod blobs;
mod docker;
mod garbage;
mod large;
mod listing;
mod manifests;
mod uploads;
