//! Long histories for measurements: a service with a million builds, without building them.

use crate::sql::params;
use crate::{Store, StoreError};
use domain::Service;

impl Store {
    /// Adds `count` copies of a service's newest build, which must be over, in one transaction:
    /// the same but for their numbers and ids.
    ///
    /// # Errors
    /// [`StoreError::Gone`] when the service has no build that is over; when the database fails.
    pub async fn copy_newest_build(&self, service: &Service, count: i64) -> Result<(), StoreError> {
        let mut tx = self.db.write().await?;
        let copied = tx
            .execute(
                "WITH RECURSIVE copies (n) AS (
                     SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM copies WHERE n < $2
                 )
                 INSERT INTO builds (service_uid, number, uid, project_uid, id, status, reason,
                     message, branch, pull_request_id, sha, image_name, image_digest, image_size,
                     image_registry, attempt, created_by, created_by_name, created_at, started_at, status_since,
                     concluded_at, request)
                 SELECT b.service_uid, b.number + n, b.uid || '-' || CAST(n AS TEXT),
                     b.project_uid, 'copied-build-' || CAST(b.number + n AS TEXT), b.status,
                     b.reason, b.message, b.branch, b.pull_request_id, b.sha, b.image_name,
                     b.image_digest, b.image_size, b.image_registry, b.attempt, b.created_by, b.created_by_name,
                     b.created_at, b.started_at, b.status_since, b.concluded_at, b.request
                 FROM copies CROSS JOIN builds b
                 JOIN services s ON s.uid = b.service_uid AND s.last_build_number = b.number
                 WHERE b.service_uid = $1 AND b.concluded_at IS NOT NULL",
                params![&service.uid, count],
            )
            .await?;
        if i64::try_from(copied) != Ok(count) {
            return Err(StoreError::Gone);
        }
        tx.execute(
            "UPDATE services SET last_build_number = last_build_number + $2 WHERE uid = $1",
            params![&service.uid, count],
        )
        .await?;
        tx.commit().await
    }
}
