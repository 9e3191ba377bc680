//! Which addresses this server may contact on a user's behalf, and an HTTP client that contacts no
//! others.
//!
//! A user who may name a repository or a webhook could name `http://169.254.169.254/` or a
//! database on the server's own network. So a name is resolved first, and what it resolves to is
//! checked; the caller then connects to the very addresses found, because a second look at the name
//! may give another answer.

mod http;
mod policy;
mod public;

pub use http::{HttpClient, HttpError};
pub use policy::{OutboundError, OutboundPolicy};
pub use public::is_public;
