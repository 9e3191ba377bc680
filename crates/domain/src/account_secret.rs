//! Secrets of an account: values that the arguments and text files of any project may refer to.

use crate::{FileContent, Millis, secret_group::SecretKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A secret of an account, without its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSecret {
    /// Stable identity (uuid v7), never shown.
    pub uid: String,
    /// The team it belongs to.
    pub team: String,
    /// Dense number in its team, by which lists are walked.
    pub number: i64,
    /// The id in URLs and references.
    pub id: String,
    /// The name a person gave it.
    pub name: String,
    /// A short description.
    pub description: Option<String>,
    /// What kind of values it holds.
    pub kind: SecretKind,
    /// When it was made.
    pub created_at: Millis,
    /// When it last changed.
    pub updated_at: Millis,
}

/// Its values.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct AccountValues {
    /// Values by name, objects and lists as well.
    pub values: Map<String, Value>,
    /// Files by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, AccountFile>,
}

/// A file of an account's secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccountFile {
    /// Where it belongs, for whoever refers to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The contents in base64 (standard alphabet).
    pub data: String,
    /// What the contents were before that; `utf-8` is text.
    #[serde(default = "utf8")]
    pub encoding: String,
}

fn utf8() -> String {
    "utf-8".to_owned()
}

impl AccountFile {
    /// The contents.
    pub fn content(&self) -> FileContent {
        FileContent {
            data: self.data.clone(),
            encoding: self.encoding.clone(),
        }
    }
}

/// Names only.
impl std::fmt::Debug for AccountValues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccountValues")
            .field("values", &self.values.keys())
            .field("files", &self.files.keys())
            .finish()
    }
}

/// A reference to a secret of the account: `secrets.ID.values.KEY` or `secrets.ID.files.NAME.data`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference<'a> {
    /// The secret's id.
    pub id: &'a str,
    rest: &'a str,
}

impl<'a> Reference<'a> {
    /// Reads one.
    pub fn parse(name: &'a str) -> Option<Reference<'a>> {
        let (id, rest) = name.strip_prefix("secrets.")?.split_once('.')?;
        Some(Reference { id, rest })
    }

    /// What it stands for.
    pub fn resolve(&self, secret: &AccountValues) -> Option<String> {
        if let Some(path) = self.rest.strip_prefix("values.") {
            return plain(look_up(&secret.values, path)?);
        }
        let (name, field) = self.rest.strip_prefix("files.")?.rsplit_once('.')?;
        let file = secret.files.get(name)?;
        match field {
            "path" => file.path.clone(),
            // What is no text cannot stand in one but in base64.
            "data" => Some(file.content().text().unwrap_or_else(|| file.data.clone())),
            _ => None,
        }
    }
}

/// A value by its path: `a.b.0`. A name with dots in it is found, too.
fn look_up<'v>(values: &'v Map<String, Value>, path: &str) -> Option<&'v Value> {
    if let Some(value) = values.get(path) {
        return Some(value);
    }
    path.match_indices('.').find_map(|(at, _)| {
        let (name, rest) = (&path[..at], &path[at + 1..]);
        match values.get(name)? {
            Value::Object(inner) => look_up(inner, rest),
            list => list.pointer(&format!("/{}", rest.replace('.', "/"))),
        }
    })
}

/// A value as text: a string as it is, everything else as JSON.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        other => serde_json::to_string(other).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_find_what_they_name() {
        let secret: AccountValues = serde_json::from_value(serde_json::json!({
            "values": {"db": {"user": "ada", "ports": [5432, 5433]}, "db.host": "db.example.com", "on": true},
            "files": {
                "cert": {"path": "/etc/cert.pem", "data": "aGk="},
                "blob": {"data": "/w==", "encoding": "binary"},
            },
        }))
        .unwrap();
        let find = |name: &str| Reference::parse(name)?.resolve(&secret);
        assert_eq!(find("secrets.x.values.db.user").as_deref(), Some("ada"));
        assert_eq!(find("secrets.x.values.db.ports.1").as_deref(), Some("5433"));
        assert_eq!(
            find("secrets.x.values.db.ports").as_deref(),
            Some("[5432,5433]")
        );
        assert_eq!(
            find("secrets.x.values.db.host").as_deref(),
            Some("db.example.com")
        );
        assert_eq!(find("secrets.x.values.on").as_deref(), Some("true"));
        assert_eq!(find("secrets.x.files.cert.data").as_deref(), Some("hi"));
        assert_eq!(
            find("secrets.x.files.cert.path").as_deref(),
            Some("/etc/cert.pem")
        );
        assert_eq!(find("secrets.x.files.blob.data").as_deref(), Some("/w=="));
        for unknown in [
            "secrets.x",
            "secrets.x.values.nope",
            "secrets.x.values.db.nope",
            "values.db",
            "secrets.x.files.cert",
            "secrets.x.files.nope.data",
            "secrets.x.other.db",
        ] {
            assert_eq!(find(unknown), None, "{unknown}");
        }
        assert_eq!(
            Reference::parse("secrets.my-db.values.a").unwrap().id,
            "my-db"
        );
    }
}
