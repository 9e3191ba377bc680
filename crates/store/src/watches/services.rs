//! Whose repositories are looked at.

use crate::projects::{project, project_columns};
use crate::services::{SERVICE_COLUMNS, service, service_columns};
use crate::sql::{Session, params};
use crate::{Store, StoreError};
use domain::{Project, Service};

/// How many services are read at a time.
const BATCH: i64 = 500;

impl Store {
    /// Every service that builds new commits by itself, whichever its project.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn watched_services(&self) -> Result<Vec<Service>, StoreError> {
        let (mut watched, mut after) = (Vec::new(), String::new());
        loop {
            let mut session = self.db.read().await?;
            let rows = session
                .rows(
                    concat!(
                        "SELECT ",
                        service_columns!(),
                        " FROM services s WHERE s.uid > $1 ORDER BY s.uid LIMIT $2"
                    ),
                    params![&after, BATCH],
                    |row| service(&self.vault, row),
                )
                .await?;
            let Some(last) = rows.last() else {
                return Ok(watched);
            };
            after.clone_from(&last.uid);
            let looked_at = |s: &Service| s.spec.builds_by_itself() && !s.unreadable;
            watched.extend(rows.into_iter().filter(looked_at));
        }
    }

    /// A service by its identity, with its project; `None` when it is gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn service_with_project(
        &self,
        uid: &str,
    ) -> Result<Option<(Project, Service)>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .row(
                concat!(
                    "SELECT ",
                    service_columns!(),
                    ", ",
                    project_columns!(),
                    " FROM services s JOIN projects p ON p.uid = s.project_uid WHERE s.uid = $1"
                ),
                params![uid],
                |row| Ok((project(row, SERVICE_COLUMNS)?, service(&self.vault, row)?)),
            )
            .await
    }

    /// Holds on to a service that builds new commits of the repository by itself with which it was `seen`,
    /// until the transaction ends. A look at the one that it had before knows nothing of the present one.
    pub(super) async fn hold_watched(
        &self,
        tx: &mut Session<'_>,
        seen: &Service,
    ) -> Result<(), StoreError> {
        tx.execute(
            "UPDATE services SET updated_at = updated_at WHERE uid = $1",
            params![&seen.uid],
        )
        .await?;
        let service = self.service_by_uid(tx, &seen.uid).await?;
        let watched = service.is_some_and(|service| {
            service.spec.builds_by_itself() && service.spec.source == seen.spec.source
        });
        watched.then_some(()).ok_or(StoreError::Gone)
    }
}
