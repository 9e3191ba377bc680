//! Which server, with which token: flags, environment, remembered contexts, or the server on this
//! very machine, in this order.

pub(crate) mod contexts;
mod explain;
mod hints;
mod local;
mod resolve;
mod session;
mod words;

pub(crate) use local::host as local_host;
pub(crate) use resolve::same_host;
pub(crate) use session::{Place, Session};
pub(crate) use words::for_person;
