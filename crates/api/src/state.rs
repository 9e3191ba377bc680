//! What every call can reach.

use crate::edge::{Answers, RateLimit, Sealer};
use crate::routes::vcs::Told;
use crate::watch::{Bell, Watching};
use crate::{Settings, Telemetry};
use logs::LogStore;
use registry::Registry;
use std::sync::Arc;
use store::Store;
use tokio_util::sync::CancellationToken;

/// Shared by all calls; cheap to clone.
pub(crate) type State = Arc<Shared>;

pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) logs: LogStore,
    pub(crate) registry: Registry,
    pub(crate) git: git::Git,
    pub(crate) watching: Watching,
    /// Has repositories looked at soon.
    pub(crate) bell: Bell,
    pub(crate) telemetry: Telemetry,
    pub(crate) settings: Settings,
    pub(crate) rate: RateLimit,
    pub(crate) sealer: Sealer,
    pub(crate) answers: Answers,
    pub(crate) told: Told,
    /// The server is stopping: what waits for something to happen answers now.
    pub(crate) stop: CancellationToken,
}
