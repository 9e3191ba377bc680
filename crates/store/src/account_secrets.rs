//! Secrets of a team, which its projects may refer to.

use crate::sealing::ACCOUNT_SECRETS;
use crate::sql::{Row, params};
use crate::{Store, StoreError, now, numbers, revision};
use domain::AccountSecret;
use domain::account_secret::AccountValues;
use domain::secret_group::SecretKind;

/// The columns of a secret, in the order [`secret`] reads them.
macro_rules! secret_columns {
    () => {
        "uid, team, number, id, name, description, kind, created_at, updated_at"
    };
}

/// How many columns that is: where further columns of a statement begin.
const SECRET_COLUMNS: usize = 9;

fn secret(row: &Row<'_>) -> Result<AccountSecret, StoreError> {
    let kind: String = row.get(6)?;
    Ok(AccountSecret {
        uid: row.get(0)?,
        team: row.get(1)?,
        number: row.get(2)?,
        id: row.get(3)?,
        name: row.get(4)?,
        description: row.get(5)?,
        kind: SecretKind::parse(&kind)
            .ok_or_else(|| StoreError::corrupt(format!("unknown kind of secret {kind}")))?,
        created_at: row.get(7)?,
        updated_at: row.get(8)?,
    })
}

impl Store {
    /// Stores a new secret; its `uid`, number and times are set here.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the team has one with this id.
    pub async fn create_account_secret(
        &self,
        mut secret: AccountSecret,
        values: &AccountValues,
    ) -> Result<AccountSecret, StoreError> {
        secret.uid = uuid::Uuid::now_v7().to_string();
        secret.created_at = now();
        secret.updated_at = secret.created_at;
        let mut tx = self.db.write().await?;
        secret.number = numbers::ACCOUNT_SECRETS.next(&mut tx, &secret.team).await?;
        tx.execute(
            "INSERT INTO account_secrets (uid, team, number, id, name, description, kind,
                 created_at, updated_at, secrets)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            params![
                &secret.uid,
                &secret.team,
                secret.number,
                &secret.id,
                &secret.name,
                secret.description.as_deref(),
                secret.kind.as_str(),
                secret.created_at,
                secret.updated_at,
                ACCOUNT_SECRETS.seal_json(&self.vault, &secret.uid, values)?
            ],
        )
        .await?;
        tx.commit().await?;
        Ok(secret)
    }

    /// The team's secret with this id, and its values.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn account_secret(
        &self,
        team: &str,
        id: &str,
    ) -> Result<Option<(AccountSecret, AccountValues)>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .row(
                concat!(
                    "SELECT ",
                    secret_columns!(),
                    ", secrets FROM account_secrets WHERE team = $1 AND id = $2"
                ),
                params![team, id],
                |row| {
                    let secret = secret(row)?;
                    let sealed: String = row.get(SECRET_COLUMNS)?;
                    let values = ACCOUNT_SECRETS.open_json(&self.vault, &secret.uid, &sealed)?;
                    Ok((secret, values))
                },
            )
            .await
    }

    /// The team's secrets, oldest first, with a number above `after`, skipping `offset`, `limit` at the
    /// most.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn account_secrets(
        &self,
        team: &str,
        after: i64,
        offset: i64,
        limit: i64,
    ) -> Result<Vec<AccountSecret>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .rows(
                concat!(
                    "SELECT ",
                    secret_columns!(),
                    " FROM account_secrets WHERE team = $1 AND number > $2
                     ORDER BY number LIMIT $3 OFFSET $4"
                ),
                params![team, after, limit, offset],
                secret,
            )
            .await
    }

    /// Stores a changed secret, found by its `uid`, as it is then; its `updated_at` is still that of what
    /// was changed. `None` when it is gone.
    ///
    /// # Errors
    /// [`StoreError::Changed`] when it is another one by now.
    pub async fn update_account_secret(
        &self,
        changed: &AccountSecret,
        values: &AccountValues,
    ) -> Result<Option<AccountSecret>, StoreError> {
        let sealed = ACCOUNT_SECRETS.seal_json(&self.vault, &changed.uid, values)?;
        let mut tx = self.db.write().await?;
        let revised = revision::account_secret(&changed.uid);
        if !revised.hold(&mut tx, changed.updated_at).await? {
            return Ok(None);
        }
        let stored = tx
            .row(
                concat!(
                    "UPDATE account_secrets SET description = $2, kind = $3, secrets = $4
                     WHERE uid = $1 RETURNING ",
                    secret_columns!()
                ),
                params![
                    &changed.uid,
                    changed.description.as_deref(),
                    changed.kind.as_str(),
                    sealed
                ],
                secret,
            )
            .await?;
        tx.commit().await?;
        Ok(stored)
    }

    /// Deletes a secret, also one whose values cannot be opened; `false` when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_account_secret(&self, team: &str, id: &str) -> Result<bool, StoreError> {
        let mut tx = self.db.write().await?;
        let deleted = tx
            .execute(
                "DELETE FROM account_secrets WHERE team = $1 AND id = $2",
                params![team, id],
            )
            .await?;
        tx.commit().await?;
        Ok(deleted > 0)
    }
}
