//! Brings everything to the present key, a batch at a time: what is not sealed yet, and what is
//! sealed with an older key. It can be stopped at any moment and begun again: an older key is noted as
//! needed until nothing sealed with it is left, neither in rows nor in what rows leave behind.
//! A row that no key opens keeps the others from nothing, but from that.

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
    /// When the database fails, and [`StoreError::Unreadable`] when there are rows that no key opens; what
    /// was done stays done.
    pub async fn reseal(&self) -> Result<u64, StoreError> {
        match self.vault.current() {
            Some(current) if !self.sealed_with().await?.only(current) => self.reseal_all().await,
            _ => Ok(0),
        }
    }

    /// The same, whatever is noted: every value is looked at.
    ///
    /// # Errors
    /// As for [`Store::reseal`].
    pub async fn reseal_all(&self) -> Result<u64, StoreError> {
        let Some(current) = self.vault.current() else {
            return Ok(0);
        };
        let mut sealed = 0;
        loop {
            let mut lost = Lost::default();
            let now = self.seal_plain().await? + self.reseal_columns(&mut lost).await?;
            sealed += now;
            lost.into_result()?;
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

    async fn reseal_columns(&self, lost: &mut Lost) -> Result<u64, StoreError> {
        let mut count = 0;
        for column in ALL {
            count += self.reseal_column(column, lost).await?;
        }
        Ok(count)
    }

    async fn reseal_column(&self, column: &Column, lost: &mut Lost) -> Result<u64, StoreError> {
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
                let place = column.context(&row);
                match self.vault.reseal(&place, &old) {
                    Ok(Some(new)) => {
                        count += tx.execute(column.replace, params![&row, old, new]).await?;
                    }
                    Ok(None) => {}
                    Err(_) => lost.add(place),
                }
            }
            tx.commit().await?;
            tokio::task::yield_now().await;
        }
    }
}

/// Rows that no key opens.
#[derive(Default)]
struct Lost {
    first: Vec<String>,
    more: usize,
}

impl Lost {
    /// So many are named.
    const NAMED: usize = 5;

    fn add(&mut self, place: String) {
        if self.first.len() < Self::NAMED {
            self.first.push(place);
        } else {
            self.more += 1;
        }
    }

    fn into_result(self) -> Result<(), StoreError> {
        if self.first.is_empty() {
            return Ok(());
        }
        let mut places = self.first.join(", ");
        if self.more > 0 {
            places.push_str(&format!(" and {} more", self.more));
        }
        Err(StoreError::Unreadable(places))
    }
}
