//! Brings everything to the present key, a batch at a time: what is not sealed yet, and what is
//! sealed with an older key. It can be stopped at any moment and begun again: an older key is noted as
//! needed until nothing sealed with it is left, neither in rows nor in what rows leave behind.

use super::column::{ALL, Column};
use crate::sql::params;
use crate::{Store, StoreError};

/// How many rows are read and written in one transaction.
pub(super) const BATCH: i64 = 200;

impl Store {
    /// Seals everything with the vault's present key, unless it is noted that everything is; how many
    /// values that were. Afterwards older keys are no longer needed. Nothing else may use the database
    /// meanwhile.
    ///
    /// # Errors
    /// When the database fails; what was done stays done.
    pub async fn reseal(&self) -> Result<u64, StoreError> {
        match self.vault.current() {
            Some(current) if !self.sealed_with().await?.only(current) => self.reseal_all().await,
            _ => Ok(0),
        }
    }

    /// The same, whatever is noted: every value is looked at.
    ///
    /// # Errors
    /// When the database fails; what was done stays done.
    pub async fn reseal_all(&self) -> Result<u64, StoreError> {
        let Some(current) = self.vault.current() else {
            return Ok(0);
        };
        let mut sealed = 0;
        loop {
            let now = self.seal_plain().await? + self.reseal_columns().await?;
            sealed += now;
            let with = self.sealed_with().await?;
            // Also when this run found nothing to do: one before may have been stopped right here.
            if now > 0 || with.plain || with.others(current) {
                self.compact().await?;
            }
            if self.settle(current).await? {
                return Ok(sealed);
            }
        }
    }

    async fn reseal_columns(&self) -> Result<u64, StoreError> {
        let mut count = 0;
        for column in ALL {
            count += self.reseal_column(column).await?;
        }
        Ok(count)
    }

    async fn reseal_column(&self, column: &Column) -> Result<u64, StoreError> {
        let mut after = String::new();
        let mut count = 0;
        loop {
            let mut tx = self.db.write().await?;
            let rows: Vec<(String, String)> = tx
                .rows(column.page, params![&after, BATCH], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .await?;
            let Some((last, _)) = rows.last() else {
                return Ok(count);
            };
            after.clone_from(last);
            for (row, old) in rows {
                if let Some(new) = self.vault.reseal(&column.context(&row), &old)? {
                    count += tx.execute(column.replace, params![&row, old, new]).await?;
                }
            }
            tx.commit().await?;
            tokio::task::yield_now().await;
        }
    }
}
