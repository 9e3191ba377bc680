//! What every call shares: the envelope, errors, tokens, the rate limit, bodies, pagination.

mod again;
mod answers;
mod audit;
mod body;
mod call;
mod caller;
mod cursor;
mod document;
mod envelope;
mod error;
mod pagination;
mod path;
mod problems;
mod rate;
mod time;

pub(crate) use answers::{Answers, Kept};
pub(crate) use body::{Body, NoQuery, Params};
pub(crate) use call::{Call, Declared, TOKEN, call};
pub(crate) use caller::{Caller, authenticate, bearer};
pub(crate) use cursor::Sealer;
pub(crate) use envelope::{Data, Listed, Nothing, Pagination};
pub(crate) use error::{ApiError, ErrorId, ErrorView};
pub(crate) use pagination::{PageQuery, Paging, Start};
pub(crate) use path::{Path, Place};
pub(crate) use problems::Problems;
pub(crate) use rate::{RateLimit, limit_rate};
pub(crate) use time::{iso_micros, iso_millis, parse_iso};
