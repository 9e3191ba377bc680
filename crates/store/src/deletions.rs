//! Builds that are deleted while their logs are not: noted in the transaction that deletes them.

use crate::sql::{Session, params};
use crate::{Store, StoreError};

/// Notes the builds of a service for [`Store::deleted_builds`].
pub(crate) async fn note(tx: &mut Session<'_>, service_uid: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO deleted_builds (uid) SELECT uid FROM builds WHERE service_uid = $1",
        params![service_uid],
    )
    .await?;
    Ok(())
}

impl Store {
    /// Builds that were deleted and whose logs may still be there: in order, after `after`, `limit`
    /// at the most.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn deleted_builds(&self, after: &str, limit: i64) -> Result<Vec<String>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .rows(
                "SELECT uid FROM deleted_builds WHERE uid > $1 ORDER BY uid LIMIT $2",
                params![after, limit],
                |row| row.get(0),
            )
            .await
    }

    /// Forgets deleted builds: their logs are gone.
    ///
    /// # Errors
    /// When the database fails; then nothing is forgotten.
    pub async fn forget_deleted_builds(&self, uids: &[String]) -> Result<(), StoreError> {
        let mut tx = self.db.write().await?;
        for uid in uids {
            tx.execute("DELETE FROM deleted_builds WHERE uid = $1", params![uid])
                .await?;
        }
        tx.commit().await
    }

    /// Waits until builds are deleted, by this process and since the last wait.
    pub async fn deletion(&self) {
        self.deletions.notified().await;
    }
}
