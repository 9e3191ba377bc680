//! From QUEUED to a worker: whose turn it is, limits, leases, and what happens when a worker dies.
//! Knows executors, not engines.

mod closer;
mod deleted;
mod dispatcher;
pub mod executor;
mod fair;
mod gone;

pub use closer::close_logs;
pub use deleted::delete_logs;
pub use dispatcher::{Dispatcher, Limits};
pub use executor::{Executor, ExecutorError, Launch, LocalExecutor};
