//! Generations of services' layer caches. A worker uses the one that is current when it claims its
//! build, so that a reset holds on any machine and disturbs no build that runs.

use crate::sql::params;
use crate::{Store, StoreError};

impl Store {
    /// Begins the next generation of a service's layer cache; `false` when the service is gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reset_cache(&self, service_uid: &str) -> Result<bool, StoreError> {
        let mut tx = self.db.write().await?;
        let reset = tx
            .row(
                "UPDATE services SET cache_generation = cache_generation + 1 WHERE uid = $1
                 RETURNING cache_generation",
                params![service_uid],
                |row| row.get::<i64>(0),
            )
            .await?;
        tx.commit().await?;
        self.cache_resets.notify_one();
        Ok(reset.is_some())
    }

    /// The generation that a service's builds use now, from 0; `None` when the service is gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn cache_generation(&self, service_uid: &str) -> Result<Option<i64>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .row(
                "SELECT cache_generation FROM services WHERE uid = $1",
                params![service_uid],
                |row| row.get(0),
            )
            .await
    }

    /// Waits until a cache is reset, by this process and since the last wait.
    pub async fn cache_reset(&self) {
        self.cache_resets.notified().await;
    }
}
