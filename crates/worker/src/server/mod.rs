//! Talking to the server: calls that survive its absence, and the tasks that keep a build's
//! lease, ship its log and hear when it has to stop.

mod buffer;
mod client;
mod log;
mod reports;
mod samples;
mod session;

pub(crate) use client::{CallError, Client, until_answered};
pub(crate) use log::Log;
pub(crate) use samples::Samples;
pub(crate) use session::Session;
