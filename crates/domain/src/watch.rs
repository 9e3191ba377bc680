//! What is known of a repository that is looked at for new commits.

use crate::Millis;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the looks at a service's repository go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    /// When its heads were first noted: commits that were there then build only when they are asked for.
    pub since: Option<Millis>,
    /// What is wrong, while something is, as a sentence for a person.
    pub problem: Option<String>,
    /// The newest commit that was held back.
    pub last_skipped: Option<Skipped>,
}

/// A commit that its service's rules held back. Stored as JSON: fields may be added with a default,
/// never renamed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The commit.
    pub sha: String,
    /// The ref that it is the head of, like `refs/heads/main`.
    #[serde(rename = "ref")]
    pub name: String,
    /// Why.
    pub reason: SkipReason,
    /// When.
    pub at: Millis,
}

/// Why a commit was held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// Its message has one of `ciIgnoreFlags`.
    IgnoreFlag,
    /// Nothing changed that `pathIgnoreRules` let build.
    Paths,
}
