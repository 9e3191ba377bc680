//! Tags: words that a team puts on its services.

use crate::Millis;

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
