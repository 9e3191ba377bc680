//! Secrets and tags, as far as the verbs look into them.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// A group of secrets, or a secret of the account, which has less.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SecretGroup {
    /// The id in URLs.
    pub id: String,
    /// The name that a person chose.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// `secret` or `config`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where a group's values go.
    pub secret_type: Option<String>,
    /// Which group's values count.
    pub priority: Option<i64>,
    /// The values by part, where the token may read them; lists leave them out.
    pub secrets: Value,
    /// When it was changed last.
    pub updated_at: Option<Timestamp>,
}

/// A tag.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Tag {
    /// The id in URLs.
    pub id: String,
    /// The name that a person chose.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Its colour, like `#EF233C`.
    pub color: Option<String>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
}
