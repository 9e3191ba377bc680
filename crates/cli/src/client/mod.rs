//! The client of the API: what every verb of the command line and the demo speak through.
//! Generic calls by path, a few typed ones on top, and a tail that survives dropped connections.

mod calls;
mod catch_up;
mod envelope;
mod error;
mod http;
mod logs;
mod pages;
mod resume;
mod secret_types;
mod socket;
mod tail;
mod types;
mod wait;

pub use catch_up::WholeLog;
pub use envelope::{Answer, Pagination};
pub use error::{ApiError, ClientError};
pub use http::Client;
pub use logs::{Direction, LogFilter, LogQuery};
pub(crate) use secret_types::{SecretGroup, Tag};
pub use tail::{Patience, Tail, TailOptions};
pub use types::{Build, BuildPath, LogLine, Notification, Plan, Project, Region, Service};
pub(crate) use types::{Figures, Phase, Queue, SkippedCommit};
pub use wait::News;

pub(crate) use envelope::{parse, parse_rows};
pub(crate) use http::is_loopback;
