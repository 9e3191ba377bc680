//! What every call shares: the envelope, errors, tokens, the rate limit, bodies, pagination.

mod answers;
mod body;
mod caller;
mod cursor;
mod envelope;
mod error;
mod pagination;
mod path;
mod problems;
mod rate;
mod time;

pub(crate) use answers::Answers;
pub(crate) use body::{Body, Params};
pub use caller::DEFAULT_TEAM;
pub(crate) use caller::{Caller, authenticate, bearer};
pub(crate) use cursor::Sealer;
pub(crate) use envelope::{Data, Listed, Nothing, Pagination};
pub(crate) use error::ApiError;
pub(crate) use pagination::{PageQuery, Start};
pub(crate) use path::Path;
pub(crate) use problems::Problems;
pub(crate) use rate::{RateLimit, limit_rate};
pub(crate) use time::{iso_micros, iso_millis, parse_iso};
