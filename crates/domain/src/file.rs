//! Contents that travel inside JSON: build files and secret mounts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
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

impl FileContent {
    /// A text.
    pub fn of_text(text: &str) -> FileContent {
        FileContent {
            data: STANDARD.encode(text),
            encoding: utf8(),
        }
    }

    /// The contents; `None` when they are not base64.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        STANDARD.decode(&self.data).ok()
    }

    /// Whether the contents are text.
    pub fn is_text(&self) -> bool {
        matches!(self.encoding.as_str(), "utf-8" | "utf8")
    }

    /// The contents, if they are text.
    pub fn text(&self) -> Option<String> {
        let bytes = self.is_text().then(|| self.bytes()).flatten()?;
        String::from_utf8(bytes).ok()
    }
}

/// Contents are often secret.
impl std::fmt::Debug for FileContent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileContent")
            .field("encoding", &self.encoding)
            .finish_non_exhaustive()
    }
}
