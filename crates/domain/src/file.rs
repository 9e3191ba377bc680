//! Contents that travel inside JSON: build files and secret mounts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A file's contents as the contract writes them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileContent {
    /// The contents in base64 (standard alphabet).
    pub data: String,
    /// What the contents were before that: `utf-8` is text, into which values are templated; any
    /// other is bytes.
    #[serde(default = "utf8")]
    pub encoding: String,
}

fn utf8() -> String {
    "utf-8".to_owned()
}

/// Contents are often secret.
impl std::fmt::Debug for FileContent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileContent")
            .field("encoding", &self.encoding)
            .finish_non_exhaustive()
    }
}
