//! What the store counts for whoever watches the service. Never by build: a series for each would
//! stay for ever.

use crate::{Store, StoreError};
use domain::{Build, Status};
use metrics::{counter, histogram};

/// A build changed its status: how long it was in the one before, and how it ended.
pub(crate) fn moved(before: &Build, after: &Build) {
    if before.status == after.status {
        return;
    }
    let phase = before.status.as_str();
    let length = seconds(before.status_since, after.status_since);
    histogram!("boatyard_build_phase_seconds", "phase" => phase).record(length);
    if after.status == Status::Starting {
        let waited = seconds(after.created_at, after.status_since);
        histogram!("boatyard_build_wait_seconds").record(waited);
    }
    if after.status.is_concluded() {
        let status = after.status.as_str();
        let reason = after.reason.map_or("none", |reason| reason.as_str());
        counter!("boatyard_builds_concluded_total", "status" => status, "reason" => reason)
            .increment(1);
        if let Some(started) = after.started_at {
            let length = seconds(started, after.status_since);
            histogram!("boatyard_build_seconds", "status" => status).record(length);
        }
    }
}

fn seconds(from: i64, to: i64) -> f64 {
    (to - from).max(0) as f64 / 1000.0
}

/// Counts a failure of the database itself; a name that is taken, or a limit, is none.
pub(crate) fn noted<T>(outcome: Result<T, StoreError>) -> Result<T, StoreError> {
    let kind = match &outcome {
        Ok(_) => return outcome,
        Err(
            StoreError::Conflict | StoreError::Gone | StoreError::Changed | StoreError::TooMany,
        ) => return outcome,
        Err(StoreError::Unavailable(_)) => "unavailable",
        Err(StoreError::Full) => "full",
        Err(StoreError::Corrupt(_)) => "corrupt",
        Err(
            StoreError::MissingKey(_)
            | StoreError::Unreadable(_)
            | StoreError::KeyChanged
            | StoreError::Vault(_),
        ) => "sealed",
        Err(StoreError::Database(_) | StoreError::Migration(_)) => "refused",
    };
    counter!("boatyard_database_errors_total", "kind" => kind).increment(1);
    outcome
}

impl Store {
    /// How many builds that are not over are in each status, and when the oldest of them entered it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_by_status(&self) -> Result<Vec<(Status, i64, domain::Millis)>, StoreError> {
        let mut session = self.db.read().await?;
        let rows = session
            .rows(
                "SELECT status, COUNT(*), MIN(status_since) FROM builds
                 WHERE concluded_at IS NULL GROUP BY status",
                [],
                |row| Ok((row.get::<String>(0)?, row.get(1)?, row.get(2)?)),
            )
            .await?;
        let known =
            |(status, count, since): (String, _, _)| Some((Status::parse(&status)?, count, since));
        Ok(rows.into_iter().filter_map(known).collect())
    }
}
