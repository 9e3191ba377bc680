//! Builds: accepting, reading and listing them.

use crate::details::entered;
use crate::request;
use crate::sql::{Row, Session, params};
use crate::{Store, StoreError, now};
use domain::{Build, BuildRequest, Creator, Image, Millis, Reason, Service, Status, Trigger};
use vault::Vault;

/// A build to be accepted.
#[derive(Clone, Debug)]
pub struct NewBuild {
    /// What to build, fixed from here on.
    pub request: BuildRequest,
    /// The commit, where it is known already.
    pub sha: Option<String>,
    /// What starts it.
    pub trigger: Trigger,
    /// Who starts it; nobody, where a commit does.
    pub created_by: Option<Creator>,
    /// The id of the build that it repeats.
    pub retry_of: Option<String>,
}

/// Which builds of a service, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// From the newest, after skipping this many.
    Skip(i64),
    /// Those with a smaller number than this.
    Before(i64),
}

/// The columns of a build, in the order [`build`] reads them.
macro_rules! build_columns {
    () => {
        "uid, service_uid, project_uid, number, id, status, reason, message, branch,
         pull_request_id, sha, image_name, image_digest, image_size, attempt, created_by,
         created_at, started_at, status_since, concluded_at, created_by_name, image_registry,
         started_by"
    };
}
pub(crate) use build_columns;

/// How many columns that is: where further columns of a statement begin.
pub(crate) const BUILD_COLUMNS: usize = 23;

pub(crate) fn build(row: &Row<'_>) -> Result<Build, StoreError> {
    let status: String = row.get(5)?;
    let reason: Option<String> = row.get(6)?;
    let trigger: String = row.get(22)?;
    Ok(Build {
        uid: row.get(0)?,
        service_uid: row.get(1)?,
        project_uid: row.get(2)?,
        number: row.get(3)?,
        id: row.get(4)?,
        status: Status::parse(&status)
            .ok_or_else(|| StoreError::corrupt(format!("unknown status {status}")))?,
        reason: reason.as_deref().and_then(Reason::parse),
        message: row.get(7)?,
        branch: row.get(8)?,
        pull_request_id: row.get(9)?,
        sha: row.get(10)?,
        image: image(row)?,
        attempt: row.get(14)?,
        trigger: Trigger::parse(&trigger)
            .ok_or_else(|| StoreError::corrupt(format!("unknown trigger {trigger}")))?,
        created_by: creator(row)?,
        created_at: row.get(16)?,
        started_at: row.get(17)?,
        status_since: row.get(18)?,
        concluded_at: row.get(19)?,
    })
}

fn creator(row: &Row<'_>) -> Result<Option<Creator>, StoreError> {
    let token_id: Option<String> = row.get(15)?;
    let Some(token_id) = token_id else {
        return Ok(None);
    };
    let token_name: Option<String> = row.get(20)?;
    Ok(Some(Creator {
        token_id,
        token_name: token_name.unwrap_or_default(),
    }))
}

fn image(row: &Row<'_>) -> Result<Option<Image>, StoreError> {
    let name: Option<String> = row.get(11)?;
    let Some(name) = name else { return Ok(None) };
    let digest: Option<String> = row.get(12)?;
    let size: Option<i64> = row.get(13)?;
    Ok(Some(Image {
        registry: row.get(21)?,
        name,
        digest: digest.unwrap_or_default(),
        size: size.unwrap_or_default(),
    }))
}

/// How often a drawn id may be taken before the store gives up; one draw in some ten million is.
const DRAWS: usize = 20;

impl Store {
    /// Accepts a build: its row and its number in one transaction.
    ///
    /// # Errors
    /// [`StoreError::Gone`] when the service was deleted meanwhile.
    pub async fn accept_build(
        &self,
        service: &Service,
        new: NewBuild,
    ) -> Result<Build, StoreError> {
        let mut tx = self.db.write().await?;
        let build = self.accept_in(&mut tx, service, new).await?;
        tx.commit().await?;
        self.changes.tell(&build);
        Ok(build)
    }

    /// The same in a transaction of the caller's, who tells of it once that has ended.
    pub(crate) async fn accept_in(
        &self,
        tx: &mut Session<'_>,
        service: &Service,
        new: NewBuild,
    ) -> Result<Build, StoreError> {
        let number = tx
            .row(
                "UPDATE services SET last_build_number = last_build_number + 1 WHERE uid = $1
                 RETURNING last_build_number",
                params![&service.uid],
                |row| row.get::<i64>(0),
            )
            .await?
            .ok_or(StoreError::Gone)?;
        let created_at = not_before(tx, &service.uid, number - 1).await?;
        let build = Build {
            uid: uuid::Uuid::now_v7().to_string(),
            service_uid: service.uid.clone(),
            project_uid: service.project_uid.clone(),
            number,
            id: free_id(tx, &service.uid).await?,
            status: Status::Queued,
            reason: None,
            message: None,
            branch: new.request.branch.clone(),
            pull_request_id: new.request.pull_request_id,
            sha: new.sha.or_else(|| new.request.sha.clone()),
            image: None,
            attempt: 0,
            trigger: new.trigger,
            created_by: new.created_by,
            created_at,
            started_at: None,
            status_since: created_at,
            concluded_at: None,
        };
        let retry_of = new.retry_of.as_deref();
        insert(tx, &self.vault, &build, &new.request, retry_of).await?;
        Ok(build)
    }

    /// The build of a service with this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn build(&self, service_uid: &str, id: &str) -> Result<Option<Build>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .row(
                concat!(
                    "SELECT ",
                    build_columns!(),
                    " FROM builds WHERE service_uid = $1 AND id = $2"
                ),
                params![service_uid, id],
                build,
            )
            .await
    }

    /// The build with this stable identity.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn build_by_uid(&self, uid: &str) -> Result<Option<Build>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .row(
                concat!("SELECT ", build_columns!(), " FROM builds WHERE uid = $1"),
                params![uid],
                build,
            )
            .await
    }

    /// Whether a newer build of the same service and branch has its image in the registry or on the
    /// way there: the branch's tag is then no longer this build's to move.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_overtaken(&self, build: &Build) -> Result<bool, StoreError> {
        let mut session = self.db.read().await?;
        let newer = session
            .row(
                "SELECT 1 FROM builds WHERE service_uid = $1 AND number > $2 AND branch = $3
                     AND status IN ('UPLOADING', 'IN_PROGRESS', 'SUCCESS') LIMIT 1",
                params![&build.service_uid, build.number, build.branch.as_deref()],
                |_| Ok(()),
            )
            .await?;
        Ok(newer.is_some())
    }

    /// A page of a service's builds, newest first: one range read on the primary key, whatever the
    /// depth, because numbers have no gaps.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn builds(
        &self,
        service: &Service,
        page: Page,
        limit: i64,
    ) -> Result<Vec<Build>, StoreError> {
        let before = match page {
            Page::Before(number) => number,
            Page::Skip(count) => service
                .last_build_number
                .saturating_add(1)
                .saturating_sub(count),
        };
        let mut session = self.db.read().await?;
        session
            .rows(
                concat!(
                    "SELECT ",
                    build_columns!(),
                    " FROM builds WHERE service_uid = $1 AND number < $2
                     ORDER BY number DESC LIMIT $3"
                ),
                params![&service.uid, before, limit],
                build,
            )
            .await
    }
}

/// Now, or when the build before was accepted: a clock that is set back puts no build before its
/// predecessor, so that numbers are in the order of time.
async fn not_before(
    tx: &mut Session<'_>,
    service_uid: &str,
    number: i64,
) -> Result<Millis, StoreError> {
    let before = tx
        .row(
            "SELECT created_at FROM builds WHERE service_uid = $1 AND number = $2",
            params![service_uid, number],
            |row| row.get::<Millis>(0),
        )
        .await?;
    Ok(before.map_or_else(now, |before| before.max(now())))
}

/// Draws ids until one is free in the service.
async fn free_id(tx: &mut Session<'_>, service_uid: &str) -> Result<String, StoreError> {
    for _ in 0..DRAWS {
        let id = draw_id();
        let taken = tx
            .row(
                "SELECT 1 FROM builds WHERE service_uid = $1 AND id = $2",
                params![service_uid, &id],
                |_| Ok(()),
            )
            .await?;
        if taken.is_none() {
            return Ok(id);
        }
    }
    Err(StoreError::Conflict)
}

/// An id like `joyous-view-6290`.
fn draw_id() -> String {
    let words = petname::petname(2, "-").unwrap_or_else(|| "plain-build".to_owned());
    format!("{words}-{}", rand::random_range(1000..10_000))
}

async fn insert(
    tx: &mut Session<'_>,
    vault: &Vault,
    build: &Build,
    request: &BuildRequest,
    retry_of: Option<&str>,
) -> Result<(), StoreError> {
    let creator = build.created_by.as_ref();
    let (request, secrets) = request::seal(vault, &build.uid, request)?;
    tx.execute(
        "INSERT INTO builds (service_uid, number, uid, project_uid, id, status, branch,
             pull_request_id, sha, created_by, created_by_name, created_at, status_since, request,
             secrets, phases, retry_of, started_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        params![
            &build.service_uid,
            build.number,
            &build.uid,
            &build.project_uid,
            &build.id,
            build.status.as_str(),
            build.branch.as_deref(),
            build.pull_request_id,
            build.sha.as_deref(),
            creator.map(|creator| creator.token_id.as_str()),
            creator.map(|creator| creator.token_name.as_str()),
            build.created_at,
            build.status_since,
            request,
            secrets,
            entered(build.status, build.status_since),
            retry_of,
            build.trigger.as_str()
        ],
    )
    .await?;
    Ok(())
}
