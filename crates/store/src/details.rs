//! What is known of a build beyond what lists show: read for one build at a time.

use crate::builds::{BUILD_COLUMNS, build, build_columns};
use crate::request;
use crate::sql::{Row, params};
use crate::{Store, StoreError};
use domain::phase::{Phase, phases};
use domain::{Build, BuildRequest, Millis, Status, Usage};

/// What lists leave out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Details {
    /// Every status the build had, in order; nothing for builds older than this was noted.
    pub phases: Vec<Phase>,
    /// What it used, once it is over and where that was measured.
    pub usage: Option<Usage>,
    /// The id of the build that it repeats.
    pub retry_of: Option<String>,
    /// Whether it is of a pull request from a fork.
    pub from_fork: bool,
}

/// What is read of a request to know whose it is.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Whose {
    from_fork: Option<bool>,
}

impl Whose {
    fn is_forks(&self) -> bool {
        self.from_fork == Some(true)
    }
}

impl Store {
    /// The build of a service with this id, and what lists leave out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn build_with_details(
        &self,
        service_uid: &str,
        id: &str,
    ) -> Result<Option<(Build, Details)>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .row(
                concat!(
                    "SELECT ",
                    build_columns!(),
                    ", phases, usage, retry_of, request FROM builds WHERE service_uid = $1 AND id = $2"
                ),
                params![service_uid, id],
                |row| Ok((build(row)?, details(row)?)),
            )
            .await
    }

    /// Whether a build is of a pull request from a fork.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_from_fork(&self, build: &Build) -> Result<bool, StoreError> {
        let mut session = self.db.read().await?;
        let whose = session
            .row(
                "SELECT request FROM builds WHERE uid = $1",
                params![&build.uid],
                |row| row.json::<Whose>(0),
            )
            .await?;
        Ok(whose.is_some_and(|whose| whose.is_forks()))
    }

    /// What a build was asked to build.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn build_request(&self, uid: &str) -> Result<Option<BuildRequest>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .row(
                "SELECT request, secrets FROM builds WHERE uid = $1",
                params![uid],
                |row| {
                    let sealed: Option<String> = row.get(1)?;
                    request::open(&self.vault, uid, row.json(0)?, sealed.as_deref())
                },
            )
            .await
    }
}

fn details(row: &Row<'_>) -> Result<Details, StoreError> {
    let notes: String = row.get(BUILD_COLUMNS)?;
    let usage: Option<String> = row.get(BUILD_COLUMNS + 1)?;
    Ok(Details {
        phases: phases(&notes),
        usage: usage.map(|_| row.json(BUILD_COLUMNS + 1)).transpose()?,
        retry_of: row.get(BUILD_COLUMNS + 2)?,
        from_fork: row.json::<Whose>(BUILD_COLUMNS + 3)?.is_forks(),
    })
}

/// The note that a build entered a status, to be appended to its phases.
pub(crate) fn entered(status: Status, since: Millis) -> String {
    Phase { status, since }.to_string()
}

/// The same, or nothing to append.
pub(crate) fn entered_if(moves: bool, status: Status, since: Millis) -> String {
    if moves {
        entered(status, since)
    } else {
        String::new()
    }
}
