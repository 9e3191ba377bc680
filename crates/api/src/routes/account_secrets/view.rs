//! A secret of the account as the wire shows it.

use crate::edge::{Caller, Data, iso_millis};
use domain::account_secret::AccountValues;
use domain::secret_group::SecretKind;
use domain::{AccountSecret, Permission as P};
use schemars::JsonSchema;
use serde::Serialize;

/// A secret without its values.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AccountSecretSummary")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Summary {
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(rename = "type")]
    kind: SecretKind,
    created_at: String,
    updated_at: String,
}

impl From<AccountSecret> for Summary {
    fn from(secret: AccountSecret) -> Self {
        Summary {
            id: secret.id,
            name: secret.name,
            description: secret.description,
            kind: secret.kind,
            created_at: iso_millis(secret.created_at),
            updated_at: iso_millis(secret.updated_at),
        }
    }
}

/// A secret.
#[derive(Serialize, JsonSchema)]
pub(crate) struct SecretView {
    #[serde(flatten)]
    summary: Summary,
    /// Absent where the caller may not read them.
    #[serde(skip_serializing_if = "Option::is_none")]
    secrets: Option<AccountValues>,
}

/// A secret as the caller may see it.
pub(super) fn view(
    caller: &Caller,
    secret: AccountSecret,
    values: AccountValues,
) -> Data<SecretView> {
    let secrets = may_read(caller).then_some(values);
    Data {
        data: SecretView {
            summary: secret.into(),
            secrets,
        },
    }
}

pub(super) fn may_read(caller: &Caller) -> bool {
    caller.has(P::AccountSecretRead)
}
