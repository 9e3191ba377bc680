//! The dense numbers by which lists are walked. Whatever a list belongs to keeps the last one, and is
//! locked from then on, so that numbers have no gaps and are seen in their order.

use crate::StoreError;
use crate::sql::{Session, params};

/// Which list.
#[derive(Clone, Copy)]
pub(crate) struct Numbers {
    table: &'static str,
    key: &'static str,
    last: &'static str,
}

const fn of_team(last: &'static str) -> Numbers {
    Numbers {
        table: "teams",
        key: "id",
        last,
    }
}

const fn of_project(last: &'static str) -> Numbers {
    Numbers {
        table: "projects",
        key: "uid",
        last,
    }
}

pub(crate) const PROJECTS: Numbers = of_team("last_project_number");
pub(crate) const ROLES: Numbers = of_team("last_role_number");
pub(crate) const MEMBERS: Numbers = of_team("last_member_number");
pub(crate) const TAGS: Numbers = of_team("last_tag_number");
pub(crate) const CREDENTIALS: Numbers = of_team("last_credential_number");
pub(crate) const ACCOUNT_SECRETS: Numbers = of_team("last_secret_number");
pub(crate) const NOTIFICATIONS: Numbers = of_team("last_notification_number");
pub(crate) const SERVICES: Numbers = of_project("last_service_number");
pub(crate) const SECRET_GROUPS: Numbers = of_project("last_secret_number");

impl Numbers {
    /// The next number of the owner's list.
    ///
    /// # Errors
    /// [`StoreError::Gone`] when the owner is.
    pub(crate) async fn next(self, tx: &mut Session<'_>, owner: &str) -> Result<i64, StoreError> {
        let Numbers { table, key, last } = self;
        let sql =
            format!("UPDATE {table} SET {last} = {last} + 1 WHERE {key} = $1 RETURNING {last}");
        let next = tx.row(&sql, params![owner], |row| row.get(0)).await?;
        next.ok_or(StoreError::Gone)
    }
}
