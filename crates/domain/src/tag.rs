//! Tags: words that a team puts on its services.

use crate::Millis;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A tag as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The team.
    pub team: String,
    /// The id in URLs, derived from the name when it was made.
    pub id: String,
    /// The name a person gave it.
    pub name: String,
    /// A short description.
    pub description: Option<String>,
    /// A colour for pages, `#RRGGBB`.
    pub color: Option<String>,
    /// Dense number in its team, by which lists are walked.
    pub number: i64,
    /// When it was made.
    pub created_at: Millis,
    /// When it last changed.
    pub updated_at: Millis,
}

/// How many of some tags a service must have to be meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TagMatch {
    /// All of them.
    And,
    /// At least one.
    #[default]
    Or,
}

impl TagMatch {
    /// Whether a service with the tags `has` is meant by `wanted`. No tag means nothing.
    pub fn holds(self, wanted: &[String], has: &[String]) -> bool {
        let there = |tag: &String| has.contains(tag);
        match self {
            TagMatch::And => !wanted.is_empty() && wanted.iter().all(there),
            TagMatch::Or => wanted.iter().any(there),
        }
    }
}
