//! Small named facts about the whole store.

use crate::sql::params;
use crate::{Store, StoreError};

impl Store {
    /// The fact called `name`; when there is none yet, `first` makes it, once for all servers.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn fact_or(
        &self,
        name: &str,
        first: impl FnOnce() -> String,
    ) -> Result<String, StoreError> {
        if let Some(value) = self.fact(name).await? {
            return Ok(value);
        }
        let mut tx = self.db.write().await?;
        tx.execute(
            "INSERT INTO facts (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
            params![name, first()],
        )
        .await?;
        tx.commit().await?;
        self.fact(name)
            .await?
            .ok_or_else(|| StoreError::corrupt(format!("no fact {name}")))
    }

    async fn fact(&self, name: &str) -> Result<Option<String>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .row(
                "SELECT value FROM facts WHERE name = $1",
                params![name],
                |r| r.get(0),
            )
            .await
    }
}
