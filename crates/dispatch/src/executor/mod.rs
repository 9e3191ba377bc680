//! Where workers run: a process on this machine, or a pod.

mod leftovers;
mod local;

pub use local::{LocalExecutor, LocalSettings};

use async_trait::async_trait;
use domain::{Plan, Reason, Secret};
use std::collections::HashSet;

/// What an executor needs to start a worker.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The build's stable identity.
    pub build_uid: String,
    /// The one-build token of this attempt.
    pub token: Secret,
}

/// How a worker's process ended.
#[derive(Clone, Debug)]
pub struct Exit {
    /// The build it worked on.
    pub build_uid: String,
    /// The attempt, where the executor knows it; `None` for an adopted worker.
    pub attempt: Option<i64>,
    /// How it ended, as a phrase: "was killed by signal 9".
    pub how: String,
}

/// A worker could not be started.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ExecutorError(pub String);

/// Starts and stops workers. Exits are reported through the channel it was made with.
#[async_trait]
pub trait Executor: Send + Sync {
    /// Why this executor can never hold such a build as things stand; `None` when it can.
    fn obstacle(
        &self,
        plan: &Plan,
        architecture: Option<domain::service::Architecture>,
    ) -> Option<(Reason, String)>;

    /// Starts a worker; returns once it is on its way.
    async fn launch(&self, launch: Launch, attempt: i64) -> Result<(), ExecutorError>;

    /// Takes over a worker that an earlier server started; `false` when it is gone.
    async fn adopt(&self, build_uid: &str, process: &str) -> bool;

    /// Makes sure nothing of the build runs any more, and that what it left is out of the way of
    /// another attempt; removing that goes on afterwards. With `patiently`, the worker gets a moment
    /// to end by itself first.
    async fn clear(&self, build_uid: &str, patiently: bool);

    /// Clears what is left of builds that are not among the `open` ones, whose worker and server
    /// ended before they could. Nothing may be handed out before this returns; removing goes on
    /// afterwards.
    async fn sweep(&self, open: &HashSet<String>);
}
