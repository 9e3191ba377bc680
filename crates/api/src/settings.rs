//! What the operator decided, as far as the API needs to know.

use domain::Plan;
use std::time::Duration;

/// The API's settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Host and port of the registry as clients name it, the front of every `registry.uri`.
    pub registry_host: String,
    /// Host and port of the registry as workers reach it.
    pub worker_registry_host: String,
    /// The id of the one region.
    pub region: String,
    /// Plans that services may name.
    pub plans: Vec<Plan>,
    /// The plan of a service that names none.
    pub default_plan: Plan,
    /// Requests an hour per token; 0 is no limit.
    pub rate_limit: u32,
    /// How long a build may run, in seconds.
    pub time_limit_seconds: u64,
    /// Ephemeral storage of a service that asks for none, in MB.
    pub ephemeral_storage_mb: u64,
    /// How large a service's layer cache may grow when it does not say, in MB.
    pub cache_storage_mb: Option<u64>,
    /// Protocols a repository's URL may have.
    pub git_protocols: git::Protocols,
    /// Builds that may be in flight at the same time.
    pub places: usize,
    /// Whether the figures of the whole service need no token.
    pub metrics_public: bool,
    /// How long a worker's lease lasts without a heartbeat.
    pub lease: Duration,
}

impl Settings {
    /// The plan with this id.
    pub fn plan(&self, id: &str) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.id == id)
    }
}
