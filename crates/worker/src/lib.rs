//! The worker: one build from start to end, in a process of its own.
//!
//! It claims the build, fetches the source, lets an engine build and push the image, and tells the
//! server how it ended: exactly one conclusion with one typed reason. The server may be away for
//! minutes meanwhile; the build goes on, and its log and phases are delivered when the server is
//! back. What the build started never outlives it.
//!
//! [`run`] is the door; [`WorkerConfig::from_env`] has the table of environment variables.

mod build_files;
mod bundle;
mod cache;
mod config;
mod course;
mod disk;
mod engine;
mod failure;
mod fence;
mod gateway;
mod git_limits;
mod growth;
mod halt;
mod lines;
mod mask;
mod measures;
mod meter;
mod mounts;
mod outcome;
mod registry;
mod server;
mod source;
mod tidy;
mod token;
mod upload;
mod workspace;

pub use bundle::unpack_errand;
pub use config::{
    ConfigError, ENV_CACHE_DIR, ENV_DIR, ENV_ENGINE, ENV_GIT_PROTOCOLS, ENV_GIT_STALL_TIMEOUT,
    ENV_OUTBOUND_ALLOW, ENV_REGISTRY_MIRRORS, ENV_SSH_KEY, ENV_SSH_KNOWN_HOSTS, ENV_STEP_NETWORK,
    EngineChoice, StepNetwork, WorkerConfig, registry_mirrors,
};
pub use course::run;
pub use fence::{become_veiled, hand_over_listeners, probe_isolation};
pub use outcome::Outcome;
pub use source::{GitAccess, git_for};
pub use tidy::{cached_services, mirrors_in, prune_mirrors, remove_cache, remove_earlier_caches};
pub use token::Token;
