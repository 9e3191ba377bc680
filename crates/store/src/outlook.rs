//! What a waiting build has before it, and how long builds of its service took lately: for one build
//! at a time, from what is open and from the newest rows of one service.

use crate::sql::params;
use crate::{Store, StoreError};
use domain::queue::ProjectLoad;
use domain::{Build, Millis, Status};

/// So many of a service's newest builds are looked at for how long one takes.
const RECENT: i64 = 20;

/// What a waiting build can expect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// What its own project has waiting and in flight.
    pub mine: ProjectLoad,
    /// Builds of its project that wait longer.
    pub before: i64,
    /// What the other projects have.
    pub others: Vec<ProjectLoad>,
    /// When the builds in flight were handed out or taken.
    pub running: Vec<Millis>,
    /// How long a build of its service takes, by those that succeeded lately.
    pub typical: Option<Millis>,
}

impl Store {
    /// What a waiting build can expect; `None` when it waits no more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn outlook(&self, build: &Build) -> Result<Option<Outlook>, StoreError> {
        if build.status != Status::Queued {
            return Ok(None);
        }
        let mut others = self.loads().await?;
        let Some(at) = others
            .iter()
            .position(|load| load.project_uid == build.project_uid && load.waiting > 0)
        else {
            return Ok(None);
        };
        Ok(Some(Outlook {
            mine: others.swap_remove(at),
            before: self.before(build).await?,
            others,
            running: self.running().await?,
            typical: self.typical(&build.service_uid).await?,
        }))
    }

    async fn loads(&self) -> Result<Vec<ProjectLoad>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .rows(
                "SELECT project_uid,
                     SUM(CASE WHEN status = 'QUEUED' THEN 1 ELSE 0 END),
                     SUM(CASE WHEN status = 'QUEUED' THEN 0 ELSE 1 END),
                     MIN(CASE WHEN status = 'QUEUED' THEN created_at END)
                 FROM builds WHERE concluded_at IS NULL AND status <> 'UNSCHEDULABLE'
                 GROUP BY project_uid",
                [],
                |row| {
                    Ok(ProjectLoad {
                        project_uid: row.get(0)?,
                        waiting: row.get(1)?,
                        in_flight: row.get(2)?,
                        oldest: row.get::<Option<Millis>>(3)?.unwrap_or(Millis::MAX),
                    })
                },
            )
            .await
    }

    async fn before(&self, build: &Build) -> Result<i64, StoreError> {
        let mut session = self.db.read().await?;
        let count = session
            .row(
                "SELECT COUNT(*) FROM builds
                 WHERE concluded_at IS NULL AND status = 'QUEUED' AND project_uid = $1
                     AND (created_at < $2 OR (created_at = $2 AND uid < $3))",
                params![&build.project_uid, build.created_at, &build.uid],
                |row| row.get(0),
            )
            .await?;
        Ok(count.unwrap_or_default())
    }

    async fn running(&self) -> Result<Vec<Millis>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .rows(
                "SELECT COALESCE(started_at, status_since) FROM builds
                 WHERE concluded_at IS NULL AND status NOT IN ('QUEUED', 'UNSCHEDULABLE')",
                [],
                |row| row.get(0),
            )
            .await
    }

    async fn typical(&self, service_uid: &str) -> Result<Option<Millis>, StoreError> {
        let mut session = self.db.read().await?;
        let took = session
            .rows(
                "SELECT concluded_at - started_at FROM builds
                 WHERE service_uid = $1 AND concluded_at IS NOT NULL AND status = 'SUCCESS'
                 ORDER BY number DESC LIMIT $2",
                params![service_uid, RECENT],
                |row| row.get::<Option<Millis>>(0),
            )
            .await?;
        let took: Vec<Millis> = took.into_iter().flatten().collect();
        let count = i64::try_from(took.len()).unwrap_or(RECENT);
        Ok((count > 0).then(|| took.iter().sum::<Millis>() / count))
    }
}
