//! What a caller may say about a secret of the account.

use crate::edge::{ApiError, Problems};
use domain::account_secret::{AccountFile, AccountValues};
use domain::fields;
use domain::secret_group::SecretKind;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The body of create, put and patch.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SecretInput {
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: Option<SecretKind>,
    pub(super) secrets: Option<ValuesInput>,
    gitops: Option<Value>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "AccountValuesInput")]
#[serde(deny_unknown_fields)]
pub(crate) struct ValuesInput {
    values: Option<Map<String, Value>>,
    files: Option<BTreeMap<String, AccountFile>>,
}

impl SecretInput {
    pub(super) fn check(&self, new: bool) -> Result<(), ApiError> {
        let mut problems = Problems::default();
        match &self.name {
            None if new => problems.add("name", "is required"),
            Some(_) if !new => {
                problems.add("name", "cannot be changed: the secret's id derives from it");
            }
            name => problems.check_some("name", name.as_deref(), fields::secret_name),
        }
        if new && self.kind.is_none() {
            problems.add("type", "is required: secret or config");
        }
        let description = self.description.as_deref();
        problems.check_some("description", description, fields::description);
        problems.refuse("gitops", self.gitops.is_some());
        let files = self
            .secrets
            .as_ref()
            .and_then(|secrets| secrets.files.as_ref());
        for (name, file) in files.into_iter().flatten() {
            let field = format!("secrets.files.{name}");
            problems.check(&field, fields::argument_key(name));
            problems.check(&field, fields::file_content(&file.content()));
            let path = format!("{field}.path");
            problems.check_some(&path, file.path.as_deref(), fields::file_path);
        }
        problems.into_result()
    }
}

/// Each part that is given replaces the whole part.
pub(super) fn lay_on(values: &mut AccountValues, input: Option<ValuesInput>) {
    let Some(input) = input else { return };
    if let Some(given) = input.values {
        values.values = given;
    }
    if let Some(files) = input.files {
        values.files = files;
    }
}
