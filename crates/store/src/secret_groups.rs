//! Groups of secrets of a project.

use crate::sealing::GROUP_SECRETS;
use crate::services::to_json;
use crate::sql::{Row, Session, params};
use crate::{Store, StoreError, now, numbers, revision};
use domain::secret_group::{GROUPS, GroupSettings};
use domain::{SecretChanges, SecretGroup, SecretValues};
use vault::Vault;

/// The columns of a group, in the order [`group`] reads them.
macro_rules! group_columns {
    () => {
        "uid, project_uid, number, id, name, settings, created_at, updated_at"
    };
}

/// How many columns that is: where further columns of a statement begin.
const GROUP_COLUMNS: usize = 8;

fn group(row: &Row<'_>) -> Result<SecretGroup, StoreError> {
    Ok(SecretGroup {
        uid: row.get(0)?,
        project_uid: row.get(1)?,
        number: row.get(2)?,
        id: row.get(3)?,
        name: row.get(4)?,
        settings: row.json(5)?,
        created_at: row.get(6)?,
        updated_at: row.get(7)?,
    })
}

fn with_values(vault: &Vault, row: &Row<'_>) -> Result<(SecretGroup, SecretValues), StoreError> {
    let group = group(row)?;
    let sealed: String = row.get(GROUP_COLUMNS)?;
    let values = GROUP_SECRETS.open_json(vault, &group.uid, &sealed)?;
    Ok((group, values))
}

impl Store {
    /// Stores a new group; its `uid`, number and times are set here.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the project has a group with this id, [`StoreError::TooMany`] when
    /// it has [`GROUPS`].
    pub async fn create_secret_group(
        &self,
        mut group: SecretGroup,
        values: &SecretValues,
    ) -> Result<SecretGroup, StoreError> {
        group.uid = uuid::Uuid::now_v7().to_string();
        group.created_at = now();
        group.updated_at = group.created_at;
        let mut tx = self.db.write().await?;
        group.number = numbers::SECRET_GROUPS
            .next(&mut tx, &group.project_uid)
            .await?;
        // The project's row is locked: nobody else adds one meanwhile.
        let groups: Option<i64> = tx
            .row(
                "SELECT COUNT(*) FROM secret_groups WHERE project_uid = $1",
                params![&group.project_uid],
                |row| row.get(0),
            )
            .await?;
        if groups.unwrap_or_default() >= GROUPS {
            return Err(StoreError::TooMany);
        }
        tx.execute(
            "INSERT INTO secret_groups (uid, project_uid, number, id, name, settings, created_at,
                 updated_at, secrets)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            params![
                &group.uid,
                &group.project_uid,
                group.number,
                &group.id,
                &group.name,
                to_json(&group.settings)?,
                group.created_at,
                group.updated_at,
                GROUP_SECRETS.seal_json(&self.vault, &group.uid, values)?
            ],
        )
        .await?;
        tx.commit().await?;
        Ok(group)
    }

    /// The project's group with this id, and its values.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn secret_group(
        &self,
        project_uid: &str,
        id: &str,
    ) -> Result<Option<(SecretGroup, SecretValues)>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .row(
                concat!(
                    "SELECT ",
                    group_columns!(),
                    ", secrets FROM secret_groups WHERE project_uid = $1 AND id = $2"
                ),
                params![project_uid, id],
                |row| with_values(&self.vault, row),
            )
            .await
    }

    /// The project's groups, oldest first, with a number above `after`, skipping `offset`, `limit` at
    /// the most.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn secret_groups(
        &self,
        project_uid: &str,
        after: i64,
        offset: i64,
        limit: i64,
    ) -> Result<Vec<SecretGroup>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .rows(
                concat!(
                    "SELECT ",
                    group_columns!(),
                    " FROM secret_groups WHERE project_uid = $1 AND number > $2
                     ORDER BY number LIMIT $3 OFFSET $4"
                ),
                params![project_uid, after, limit, offset],
                group,
            )
            .await
    }

    /// The groups that builds of a service with these tags inherit from, with their values. Those of
    /// other groups stay sealed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn inherited_secrets(
        &self,
        project_uid: &str,
        service: &str,
        tags: &[String],
    ) -> Result<Vec<(SecretGroup, SecretValues)>, StoreError> {
        let mut session = self.db.read().await?;
        let groups = session
            .rows(
                concat!(
                    "SELECT ",
                    group_columns!(),
                    ", secrets FROM secret_groups WHERE project_uid = $1 ORDER BY number"
                ),
                params![project_uid],
                |row| {
                    let is_for = group(row)?.is_for_builds_of(service, tags);
                    let group = is_for.then(|| with_values(&self.vault, row));
                    group.transpose()
                },
            )
            .await?;
        Ok(groups.into_iter().flatten().collect())
    }

    /// Changes a group as it was `seen`; `None` when it is gone.
    ///
    /// # Errors
    /// [`StoreError::Changed`] when it is another one by now.
    pub async fn update_secret_group(
        &self,
        seen: &SecretGroup,
        settings: &GroupSettings,
        changes: SecretChanges,
    ) -> Result<Option<(SecretGroup, SecretValues)>, StoreError> {
        let uid = &seen.uid;
        let mut tx = self.db.write().await?;
        if !revision::secret_group(uid)
            .hold(&mut tx, seen.updated_at)
            .await?
        {
            return Ok(None);
        }
        tx.execute(
            "UPDATE secret_groups SET settings = $2 WHERE uid = $1",
            params![uid, to_json(settings)?],
        )
        .await?;
        let Some((group, mut values)) = self.group_by_uid(&mut tx, uid).await? else {
            return Ok(None);
        };
        if !changes.is_empty() {
            changes.apply(&mut values);
            let sealed = GROUP_SECRETS.seal_json(&self.vault, uid, &values)?;
            tx.execute(
                "UPDATE secret_groups SET secrets = $2 WHERE uid = $1",
                params![uid, sealed],
            )
            .await?;
        }
        tx.commit().await?;
        Ok(Some((group, values)))
    }

    async fn group_by_uid(
        &self,
        tx: &mut Session<'_>,
        uid: &str,
    ) -> Result<Option<(SecretGroup, SecretValues)>, StoreError> {
        tx.row(
            concat!(
                "SELECT ",
                group_columns!(),
                ", secrets FROM secret_groups WHERE uid = $1"
            ),
            params![uid],
            |row| with_values(&self.vault, row),
        )
        .await
    }

    /// Deletes a group, also one whose values cannot be opened; `false` when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_secret_group(
        &self,
        project_uid: &str,
        id: &str,
    ) -> Result<bool, StoreError> {
        let mut tx = self.db.write().await?;
        let deleted = tx
            .execute(
                "DELETE FROM secret_groups WHERE project_uid = $1 AND id = $2",
                params![project_uid, id],
            )
            .await?;
        tx.commit().await?;
        Ok(deleted > 0)
    }
}
