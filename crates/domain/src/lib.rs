//! What things are in Boatyard: builds and their status machine, services, projects, plans,
//! permissions, names. Pure: nothing in here does I/O, so every rule can be tested by calling it.

pub mod access;
pub mod account_secret;
pub mod build;
pub mod build_rules;
pub mod fields;
pub mod file;
pub mod metrics;
pub mod notification;
pub mod permission;
pub mod phase;
pub mod plan;
pub mod project;
pub mod pull_request;
pub mod queue;
pub mod reason;
pub mod registry_address;
pub mod registry_credential;
pub mod repository;
pub mod secret;
pub mod secret_group;
pub mod secret_values;
pub mod service;
pub mod slug;
pub mod status;
pub mod tag;
pub mod team;
pub mod template;
pub mod vcs;
pub mod watch;

pub use access::{Grant, Projects, Rights};
pub use account_secret::AccountSecret;
pub use build::{Build, BuildRequest, Creator, Image, PushTo, Trigger};
pub use file::FileContent;
pub use metrics::{Metric, Sample, Usage};
pub use permission::{Permission, PermissionSet, Role};
pub use plan::Plan;
pub use project::Project;
pub use pull_request::PullRequest;
pub use reason::Reason;
pub use registry_credential::RegistryCredential;
pub use secret::Secret;
pub use secret_group::SecretGroup;
pub use secret_values::{SecretChanges, SecretValues};
pub use service::{Service, ServiceSpec};
pub use status::Status;
pub use tag::Tag;
pub use team::{Member, Restrictions, Team, TeamRole};
pub use watch::Watch;

/// Milliseconds since 1970-01-01T00:00:00Z: the one unit of time in the store and the domain.
pub type Millis = i64;
