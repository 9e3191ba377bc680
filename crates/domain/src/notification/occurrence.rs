//! Something that happened, as it was then.

use crate::Build;
use crate::notification::Event;
use serde::{Deserialize, Serialize};

/// An event with all that is told about it, kept from the moment it happened: the build moves on, and
/// all of it may be deleted before a receiver is there. Stored as JSON: fields may be added with a
/// default, never renamed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occurrence {
    /// What happened.
    pub event: Event,
    /// The build as it was.
    pub build: Build,
    /// Its project.
    pub project: Named,
    /// Its service.
    pub service: Named,
}

/// The id and the name of something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The id in URLs.
    pub id: String,
    /// The name a person gave it.
    pub name: String,
}
