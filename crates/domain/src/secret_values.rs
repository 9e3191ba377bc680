//! What a build is given besides its source: arguments, files and mounts. A service has them, groups
//! of secrets have them, and a build has what it inherited when it was accepted.

use crate::FileContent;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Values, each under the name by which a build knows it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SecretValues {
    /// Build arguments, by name.
    pub variables: BTreeMap<String, String>,
    /// Files in the build context, by absolute path.
    pub files: BTreeMap<String, FileContent>,
    /// What `RUN --mount=type=secret` finds, by the mount's id.
    pub mounts: BTreeMap<String, FileContent>,
}

impl SecretValues {
    /// Whether there is nothing at all.
    pub fn is_empty(&self) -> bool {
        self.variables.is_empty() && self.files.is_empty() && self.mounts.is_empty()
    }

    /// Lays other values over these: where both have a name, `over` wins.
    pub fn extend(&mut self, over: SecretValues) {
        self.variables.extend(over.variables);
        self.files.extend(over.files);
        self.mounts.extend(over.mounts);
    }
}

/// Names only.
impl std::fmt::Debug for SecretValues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretValues")
            .field("variables", &self.variables.keys())
            .field("files", &self.files.keys())
            .field("mounts", &self.mounts.keys())
            .finish()
    }
}

/// What changes in values: each part that is given replaces the whole part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretChanges {
    /// The new variables.
    pub variables: Option<BTreeMap<String, String>>,
    /// The new files.
    pub files: Option<BTreeMap<String, FileContent>>,
    /// The new mounts.
    pub mounts: Option<BTreeMap<String, FileContent>>,
}

impl SecretChanges {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        *self == SecretChanges::default()
    }

    /// Makes the changes.
    pub fn apply(self, values: &mut SecretValues) {
        let SecretChanges {
            variables,
            files,
            mounts,
        } = self;
        replace(&mut values.variables, variables);
        replace(&mut values.files, files);
        replace(&mut values.mounts, mounts);
    }
}

fn replace<T>(kept: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *kept = given;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    #[test]
    fn a_part_that_is_given_replaces_the_whole_part() {
        let mut values = SecretValues {
            variables: variables(&[("A", "1"), ("B", "2")]),
            ..SecretValues::default()
        };
        SecretChanges::default().apply(&mut values);
        assert_eq!(values.variables.len(), 2);
        let changes = SecretChanges {
            variables: Some(variables(&[("C", "3")])),
            ..SecretChanges::default()
        };
        changes.apply(&mut values);
        assert_eq!(values.variables, variables(&[("C", "3")]));
    }

    #[test]
    fn values_do_not_show_themselves() {
        let values = SecretValues {
            variables: variables(&[("KEY", "hush")]),
            ..SecretValues::default()
        };
        let shown = format!("{values:?}");
        assert!(shown.contains("KEY") && !shown.contains("hush"), "{shown}");
    }
}
