//! A database keeps what was overwritten until it needs the room. After secrets were sealed it must not.

use super::column::tables;
use crate::sql::Database;
use crate::{Store, StoreError};

impl Store {
    /// Writes the tables with secrets anew, without anything that was deleted or overwritten.
    pub(super) async fn compact(&self) -> Result<(), StoreError> {
        match &*self.db {
            Database::Sqlite(db) => db.compact().await,
            Database::Postgres(db) => {
                let client = db.client().await?;
                for table in tables() {
                    let command = format!("VACUUM FULL {table}");
                    client.batch_execute(&command).await?;
                }
                Ok(())
            }
        }
    }
}
