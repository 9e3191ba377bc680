//! The columns that hold sealed values.

use crate::StoreError;
use crate::services::to_json;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use vault::Vault;

/// One of them. A value is bound to its column and row: copied elsewhere it does not open.
pub(crate) struct Column {
    pub(super) table: &'static str,
    /// With the table's name in front.
    name: &'static str,
    /// Without it.
    pub(super) column: &'static str,
    /// Rows after `$1`, `$2` at the most: the row's key and the sealed value.
    pub(super) page: &'static str,
    /// Puts `$3` into row `$1`, if it still holds `$2`.
    pub(super) replace: &'static str,
    /// A row whose value is not like `$1`.
    pub(super) other: &'static str,
}

macro_rules! column {
    ($table:literal, $key:literal, $column:literal) => {
        Column {
            table: $table,
            name: concat!($table, ".", $column),
            column: $column,
            page: concat!(
                "SELECT ",
                $key,
                ", ",
                $column,
                " FROM ",
                $table,
                " WHERE ",
                $key,
                " > $1 AND ",
                $column,
                " IS NOT NULL ORDER BY ",
                $key,
                " LIMIT $2"
            ),
            replace: concat!(
                "UPDATE ",
                $table,
                " SET ",
                $column,
                " = $3 WHERE ",
                $key,
                " = $1 AND ",
                $column,
                " = $2"
            ),
            other: concat!(
                "SELECT 1 FROM ",
                $table,
                " WHERE ",
                $column,
                " NOT LIKE $1 LIMIT 1"
            ),
        }
    };
}

/// A service's repository, which may have a login in it.
pub(crate) const PROJECT_URL: Column = column!("services", "uid", "project_url");
/// A service's arguments, files and mounts.
pub(crate) const SERVICE_SECRETS: Column = column!("services", "uid", "secrets");
/// What of a build's request is secret.
pub(crate) const BUILD_SECRETS: Column = column!("builds", "uid", "secrets");
/// The values of a group of secrets.
pub(crate) const GROUP_SECRETS: Column = column!("secret_groups", "uid", "secrets");
/// The values of a secret of a team.
pub(crate) const ACCOUNT_SECRETS: Column = column!("account_secrets", "uid", "secrets");
/// Where a notification integration sends to, and what it is known by there.
pub(crate) const NOTIFICATION_RECEIVER: Column =
    column!("notification_integrations", "uid", "receiver");

/// The token of a linked account at a forge.
pub(crate) const VCS_TOKEN: Column = column!("vcs_links", "uid", "token");
/// User name and password of a credential of a registry.
pub(crate) const REGISTRY_LOGIN: Column = column!("registry_credentials", "uid", "login");

/// Every column that holds sealed values: what is not in here is lost with the next change of keys.
pub(super) const ALL: [&Column; 8] = [
    &PROJECT_URL,
    &SERVICE_SECRETS,
    &BUILD_SECRETS,
    &GROUP_SECRETS,
    &ACCOUNT_SECRETS,
    &NOTIFICATION_RECEIVER,
    &VCS_TOKEN,
    &REGISTRY_LOGIN,
];

/// The tables that have such columns, each once.
pub(super) fn tables() -> BTreeSet<&'static str> {
    ALL.iter().map(|column| column.table).collect()
}

impl Column {
    pub(super) fn context(&self, row: &str) -> String {
        format!("{}:{row}", self.name)
    }

    /// Seals a value for a row.
    pub(crate) fn seal(&self, vault: &Vault, row: &str, value: &str) -> Result<String, StoreError> {
        Ok(vault.seal(&self.context(row), value)?)
    }

    /// Opens a row's value.
    pub(crate) fn open(
        &self,
        vault: &Vault,
        row: &str,
        sealed: &str,
    ) -> Result<String, StoreError> {
        Ok(vault.open(&self.context(row), sealed)?)
    }

    /// Seals something as JSON.
    pub(crate) fn seal_json<T: Serialize>(
        &self,
        vault: &Vault,
        row: &str,
        value: &T,
    ) -> Result<String, StoreError> {
        self.seal(vault, row, &to_json(value)?)
    }

    /// Opens something that was sealed as JSON.
    pub(crate) fn open_json<T: DeserializeOwned>(
        &self,
        vault: &Vault,
        row: &str,
        sealed: &str,
    ) -> Result<T, StoreError> {
        let json = self.open(vault, row, sealed)?;
        // The parser's own words could quote the secret.
        serde_json::from_str(&json)
            .map_err(|_| StoreError::corrupt(format!("bad JSON in {}", self.context(row))))
    }
}
