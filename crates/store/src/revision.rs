//! No change is lost: what is written was made from what was read, so it may be written only as long as
//! that is what is there. The time of the last change tells, which rises with every change.
//!
//! What is changed column by column, like a tag, loses nothing, and needs none of this.

use crate::sql::{Session, params};
use crate::{StoreError, now};
use domain::Millis;

/// A row that changes are made from.
#[derive(Clone, Copy)]
pub(crate) struct Revised<'a> {
    table: &'static str,
    key: Key<'a>,
}

#[derive(Clone, Copy)]
enum Key<'a> {
    Uid(&'a str),
    InTeam(&'a str, &'a str),
}

pub(crate) fn project(uid: &str) -> Revised<'_> {
    by_uid("projects", uid)
}

pub(crate) fn service(uid: &str) -> Revised<'_> {
    by_uid("services", uid)
}

pub(crate) fn secret_group(uid: &str) -> Revised<'_> {
    by_uid("secret_groups", uid)
}

pub(crate) fn account_secret(uid: &str) -> Revised<'_> {
    by_uid("account_secrets", uid)
}

pub(crate) fn registry_credential(uid: &str) -> Revised<'_> {
    by_uid("registry_credentials", uid)
}

pub(crate) fn integration(uid: &str) -> Revised<'_> {
    by_uid("notification_integrations", uid)
}

pub(crate) fn role<'a>(team: &'a str, id: &'a str) -> Revised<'a> {
    Revised {
        table: "roles",
        key: Key::InTeam(team, id),
    }
}

fn by_uid<'a>(table: &'static str, uid: &'a str) -> Revised<'a> {
    Revised {
        table,
        key: Key::Uid(uid),
    }
}

impl Revised<'_> {
    /// Locks the row for a change that was made from what was `seen` (its `updated_at`), and dates the
    /// change; `false` when the row is gone.
    ///
    /// # Errors
    /// [`StoreError::Changed`] when it is not what was seen any more.
    pub(crate) async fn hold(self, tx: &mut Session<'_>, seen: Millis) -> Result<bool, StoreError> {
        // Two changes in one millisecond, or after the clock was set back, differ all the same.
        let next = now().max(seen + 1);
        let Revised { table, key } = self;
        let held = match key {
            Key::Uid(uid) => {
                let sql = format!(
                    "UPDATE {table} SET updated_at = $2 WHERE uid = $1 AND updated_at = $3"
                );
                tx.execute(&sql, params![uid, next, seen]).await?
            }
            Key::InTeam(team, id) => {
                let sql = format!(
                    "UPDATE {table} SET updated_at = $3 WHERE team = $1 AND id = $2 AND updated_at = $4"
                );
                tx.execute(&sql, params![team, id, next, seen]).await?
            }
        };
        if held == 0 && self.is_there(tx).await? {
            return Err(StoreError::Changed);
        }
        Ok(held > 0)
    }

    async fn is_there(self, tx: &mut Session<'_>) -> Result<bool, StoreError> {
        let Revised { table, key } = self;
        let found = match key {
            Key::Uid(uid) => {
                let sql = format!("SELECT 1 FROM {table} WHERE uid = $1");
                tx.row(&sql, params![uid], |_| Ok(())).await?
            }
            Key::InTeam(team, id) => {
                let sql = format!("SELECT 1 FROM {table} WHERE team = $1 AND id = $2");
                tx.row(&sql, params![team, id], |_| Ok(())).await?
            }
        };
        Ok(found.is_some())
    }
}
