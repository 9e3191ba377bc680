//! The queue and the builds in flight, as the dispatcher sees them.

use crate::builds::{BUILD_COLUMNS, build, build_columns};
use crate::sql::params;
use crate::{Store, StoreError, now};
use domain::build::Needs;
use domain::{Build, Millis};

/// The oldest waiting build of one service: only heads can be next.
#[derive(Clone, Debug)]
pub struct QueueHead {
    /// The build, QUEUED or UNSCHEDULABLE.
    pub build: Build,
    /// What it needs of a machine.
    pub needs: Needs,
}

/// A build that is handed out and not over.
#[derive(Clone, Debug)]
pub struct OpenBuild {
    /// The build: PENDING or running.
    pub build: Build,
    /// The worker's process, as its executor names it.
    pub process: Option<String>,
    /// When its lease ends.
    pub lease_expires_at: Option<Millis>,
}

impl Store {
    /// The oldest queued build of each service, and every one that nothing could take so far: it
    /// must not hold up those behind it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn queue_heads(&self) -> Result<Vec<QueueHead>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .rows(
                concat!(
                    "SELECT ",
                    build_columns!(),
                    // Grouped over what is open only: the cost must not grow with the history.
                    ", request FROM builds
                     WHERE concluded_at IS NULL AND (status = 'UNSCHEDULABLE'
                         OR (service_uid, number) IN (
                             SELECT service_uid, MIN(number) FROM builds
                             WHERE concluded_at IS NULL AND status = 'QUEUED'
                             GROUP BY service_uid))
                     ORDER BY created_at, uid"
                ),
                [],
                |row| {
                    Ok(QueueHead {
                        build: build(row)?,
                        needs: row.json(BUILD_COLUMNS)?,
                    })
                },
            )
            .await
    }

    /// Every build that is handed out and not over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_builds(&self) -> Result<Vec<OpenBuild>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .rows(
                concat!(
                    "SELECT ",
                    build_columns!(),
                    ", worker_process, lease_expires_at FROM builds
                     WHERE concluded_at IS NULL AND status NOT IN ('QUEUED', 'UNSCHEDULABLE')
                     ORDER BY created_at, uid"
                ),
                [],
                |row| {
                    Ok(OpenBuild {
                        build: build(row)?,
                        process: row.get(BUILD_COLUMNS)?,
                        lease_expires_at: row.get(BUILD_COLUMNS + 1)?,
                    })
                },
            )
            .await
    }

    /// Every build of a service that is not over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unfinished_builds(&self, service_uid: &str) -> Result<Vec<Build>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .rows(
                concat!(
                    "SELECT ",
                    build_columns!(),
                    " FROM builds WHERE service_uid = $1 AND concluded_at IS NULL ORDER BY number"
                ),
                params![service_uid],
                build,
            )
            .await
    }

    /// Gives every running lease `grace_ms` from now at the least: called when a server starts, as
    /// workers could not reach it while it was down.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn extend_leases(&self, grace_ms: Millis) -> Result<(), StoreError> {
        let mut tx = self.db.write().await?;
        tx.execute(
            "UPDATE builds SET lease_expires_at = $1
             WHERE concluded_at IS NULL AND lease_expires_at < $1",
            params![now() + grace_ms],
        )
        .await?;
        tx.commit().await
    }
}
