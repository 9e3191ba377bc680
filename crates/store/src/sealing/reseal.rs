//! Brings everything to the present key, a batch at a time: what is not sealed yet, and what is
//! sealed with an older key. It can be stopped at any moment and begun again.

use super::column::{ALL, Column};
use crate::sql::params;
use crate::{Store, StoreError};

/// How many rows are read and written in one transaction.
pub(super) const BATCH: i64 = 200;

impl Store {
    /// Seals everything with the vault's present key; how many values that were. Afterwards older keys
    /// are no longer needed. Nothing else may use the database meanwhile.
    ///
    /// # Errors
    /// When the database fails; what was done stays done.
    pub async fn reseal(&self) -> Result<u64, StoreError> {
        let Some(current) = self.vault.current() else {
            return Ok(0);
        };
        let mut with = self.sealed_with().await?;
        if with.only(current) {
            return Ok(0);
        }
        let mut sealed = self.seal_plain().await?;
        for column in ALL {
            sealed += self.reseal_column(column).await?;
        }
        if sealed > 0 {
            self.compact().await?;
        }
        with.plain = false;
        with.keys.retain(|key| key == current);
        self.note(&with).await?;
        Ok(sealed)
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
        }
    }
}
