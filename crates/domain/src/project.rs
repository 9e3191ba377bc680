//! A project: the room that services share.

use crate::Millis;
use crate::registry_credential::Provider;
use serde::{Deserialize, Serialize};

/// A project as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Stable identity (uuid v7), never shown; survives nothing but deletion.
    pub uid: String,
    /// The team it belongs to.
    pub team: String,
    /// The id in URLs, derived from the name when it was made.
    pub id: String,
    /// The name a person gave it.
    pub name: String,
    /// A short description.
    pub description: Option<String>,
    /// A colour for pages, `#RRGGBB`.
    pub color: Option<String>,
    /// The region builds run in.
    pub region: String,
    /// The registry that the images of its builds go to, where that is not this server's.
    pub custom_registry: Option<CustomRegistry>,
    /// Dense number in its team, by which lists are walked.
    pub number: i64,
    /// When it was made.
    pub created_at: Millis,
    /// When it last changed.
    pub updated_at: Millis,
}

/// A registry of a project's own. Stored as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomRegistry {
    /// Whether images go there.
    pub enabled: bool,
    /// The id of the credential that images are pushed with.
    pub credential_id: String,
    /// The kind of registry, which a credential keeps for as long as it is there.
    pub provider: Provider,
}
