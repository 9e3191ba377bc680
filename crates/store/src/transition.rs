//! The one writer of a build's status. Every change reads the row under its lock, asks the domain
//! whether the move is allowed, and writes row, fence and lease together.

use crate::builds::{BUILD_COLUMNS, build, build_columns};
use crate::details::{entered, entered_if};
use crate::request;
use crate::services::to_json;
use crate::sql::{Session, params};
use crate::tokens::{fresh_secret, hash};
use crate::{Store, StoreError, notifications, now, telemetry};
use domain::{Build, BuildRequest, Image, Millis, PushTo, Reason, Secret, Status, Usage};

/// What became of a requested move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advanced {
    /// It happened; the build as it is now.
    Moved(Build),
    /// The build was there already.
    Unchanged(Build),
    /// The build may not move there (any more); the build as it is.
    Refused(Build),
    /// There is no such build, or the token is not its present worker's.
    NotFound,
}

/// What a worker gets when it claims its build.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The build, now STARTING.
    pub build: Build,
    /// What to build.
    pub request: BuildRequest,
}

/// How a build ends.
#[derive(Clone, Debug)]
pub struct Ending {
    /// A concluded status.
    pub status: Status,
    /// Why, as a stable word; none for SUCCESS.
    pub reason: Option<Reason>,
    /// Why, as one sentence.
    pub message: String,
    /// The pushed image, with SUCCESS.
    pub image: Option<Image>,
    /// What it has used, where that was measured.
    pub usage: Option<Usage>,
}

/// How a row is found: by its stable identity, or by its worker's token (the fence).
#[derive(Clone, Copy)]
enum Key<'a> {
    Uid(&'a str),
    Token(&'a str),
}

/// What has to hold of the row under its lock for a conclusion to count.
#[derive(Clone, Copy)]
enum Only {
    /// That the move is allowed, no more.
    Open,
    /// This attempt is the present one.
    Attempt(i64),
    /// This attempt is the present one, and its lease has run out.
    Expired(i64),
}

impl Store {
    /// Hands a waiting build to an executor: QUEUED or UNSCHEDULABLE becomes PENDING (a PENDING
    /// one whose worker never came is handed out again), under a new attempt number and a new
    /// token, returned here, that makes every older one worthless. `attempt` is the attempt the
    /// caller saw: when another server was faster, the move is refused.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn hand_out(
        &self,
        uid: &str,
        attempt: i64,
        lease_ms: Millis,
    ) -> Result<(Advanced, Secret), StoreError> {
        let secret = fresh_secret();
        let mut tx = self.db.write().await?;
        let Some(before) = locked(&mut tx, Key::Uid(uid)).await? else {
            return Ok((Advanced::NotFound, secret));
        };
        let again = before.status == Status::Pending;
        let allowed = again || before.status.can_move_to(Status::Pending);
        if before.attempt != attempt || !allowed {
            return Ok((Advanced::Refused(before), secret));
        }
        let now = now();
        let since = if again { before.status_since } else { now };
        tx.execute(
            "UPDATE builds SET status = 'PENDING', reason = NULL, message = NULL,
                 status_since = $2, attempt = attempt + 1, worker_token = $3,
                 worker_process = NULL, lease_expires_at = $4, phases = phases || $5
             WHERE uid = $1",
            params![
                uid,
                since,
                hash(secret.expose()),
                now + lease_ms,
                entered_if(!again, Status::Pending, now)
            ],
        )
        .await?;
        Ok((self.finish(tx, &before).await?, secret))
    }

    /// Says why nothing can take a waiting build: QUEUED becomes UNSCHEDULABLE.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn hold(
        &self,
        uid: &str,
        reason: Reason,
        message: &str,
    ) -> Result<Advanced, StoreError> {
        let mut tx = self.db.write().await?;
        let Some(before) = locked(&mut tx, Key::Uid(uid)).await? else {
            return Ok(Advanced::NotFound);
        };
        if before.status == Status::Unschedulable {
            return Ok(Advanced::Unchanged(before));
        }
        if !before.status.can_move_to(Status::Unschedulable) {
            return Ok(Advanced::Refused(before));
        }
        let now = now();
        tx.execute(
            "UPDATE builds SET status = 'UNSCHEDULABLE', reason = $2, message = $3,
                 status_since = $4, phases = phases || $5
             WHERE uid = $1",
            params![
                uid,
                reason.as_str(),
                message,
                now,
                entered(Status::Unschedulable, now)
            ],
        )
        .await?;
        self.finish(tx, &before).await
    }

    /// A worker takes its build: PENDING becomes STARTING. Taking it twice with the same process
    /// is one taking, so that a worker may resend what got no answer.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim(
        &self,
        token: &str,
        process: &str,
        lease_ms: Millis,
    ) -> Result<Option<Claimed>, StoreError> {
        let mut tx = self.db.write().await?;
        let Some(before) = locked(&mut tx, Key::Token(token)).await? else {
            return Ok(None);
        };
        let holder: Option<Option<String>> = tx
            .row(
                "SELECT worker_process FROM builds WHERE uid = $1",
                params![&before.uid],
                |row| row.get(0),
            )
            .await?;
        let mine = holder.flatten().is_some_and(|held| held == process);
        let first = before.status == Status::Pending;
        let resent = mine && before.status == Status::Starting;
        if !first && !resent {
            return Ok(None);
        }
        let now = now();
        if first {
            tx.execute(
                "UPDATE builds SET status = 'STARTING', status_since = $2, started_at = $2,
                     worker_process = $3, lease_expires_at = $4, phases = phases || $5
                 WHERE uid = $1",
                params![
                    &before.uid,
                    now,
                    process,
                    now + lease_ms,
                    entered(Status::Starting, now)
                ],
            )
            .await?;
        }
        let claimed = tx
            .row(
                concat!(
                    "SELECT ",
                    build_columns!(),
                    ", request, secrets FROM builds WHERE uid = $1"
                ),
                params![&before.uid],
                |row| {
                    let sealed: Option<String> = row.get(BUILD_COLUMNS + 1)?;
                    let request = row.json(BUILD_COLUMNS)?;
                    let uid = &before.uid;
                    Ok(Claimed {
                        build: build(row)?,
                        request: request::open(&self.vault, uid, request, sealed.as_deref())?,
                    })
                },
            )
            .await?;
        if let (true, Some(claimed)) = (first, &claimed) {
            self.commit_move(tx, &before, &claimed.build).await?;
        }
        Ok(claimed)
    }

    /// The build whose present worker holds this token.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn build_of_worker(&self, token: &str) -> Result<Option<Build>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .row(
                concat!(
                    "SELECT ",
                    build_columns!(),
                    " FROM builds WHERE worker_token = $1 AND concluded_at IS NULL"
                ),
                params![hash(token)],
                build,
            )
            .await
    }

    /// The registry of its project's own that the worker's build goes to, if it goes to one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn push_to_of_worker(&self, token: &str) -> Result<Option<PushTo>, StoreError> {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Part {
            push_to: Option<PushTo>,
        }
        let mut session = self.db.read().await?;
        let request = session
            .row(
                "SELECT request FROM builds WHERE worker_token = $1 AND concluded_at IS NULL",
                params![hash(token)],
                |row| row.json::<Part>(0),
            )
            .await?;
        Ok(request.and_then(|request| request.push_to))
    }

    /// A worker is alive: its lease starts anew. `false` when it holds no build any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn heartbeat(&self, token: &str, lease_ms: Millis) -> Result<bool, StoreError> {
        let mut tx = self.db.write().await?;
        let touched = tx
            .execute(
                "UPDATE builds SET lease_expires_at = $2
                 WHERE worker_token = $1 AND concluded_at IS NULL",
                params![hash(token), now() + lease_ms],
            )
            .await?;
        tx.commit().await?;
        Ok(touched > 0)
    }

    /// A worker enters a phase, and says which commit it builds once it knows. A build stays with the
    /// commit that it is known to build.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn advance(
        &self,
        token: &str,
        status: Status,
        sha: Option<&str>,
    ) -> Result<Advanced, StoreError> {
        let mut tx = self.db.write().await?;
        let Some(before) = locked(&mut tx, Key::Token(token)).await? else {
            return Ok(Advanced::NotFound);
        };
        let moves = before.status != status;
        let another_commit = sha.is_some() && before.sha.is_some() && sha != before.sha.as_deref();
        let allowed = status.is_running() && (!moves || before.status.can_move_to(status));
        if !allowed || another_commit {
            return Ok(Advanced::Refused(before));
        }
        let since = if moves { now() } else { before.status_since };
        tx.execute(
            "UPDATE builds SET status = $2, status_since = $3, sha = COALESCE($4, sha),
                 phases = phases || $5
             WHERE uid = $1",
            params![
                &before.uid,
                status.as_str(),
                since,
                sha,
                entered_if(moves, status, since)
            ],
        )
        .await?;
        let advanced = self.finish(tx, &before).await?;
        Ok(match advanced {
            Advanced::Moved(build) if !moves => Advanced::Unchanged(build),
            other => other,
        })
    }

    /// A worker concludes its build.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn conclude_by_worker(
        &self,
        token: &str,
        ending: &Ending,
    ) -> Result<Advanced, StoreError> {
        self.conclude(Key::Token(token), Only::Open, ending).await
    }

    /// The server concludes a build: aborted, crashed, could not be submitted. With `attempt`, only
    /// while that attempt is the present one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn conclude_by_server(
        &self,
        uid: &str,
        attempt: Option<i64>,
        ending: &Ending,
    ) -> Result<Advanced, StoreError> {
        let only = attempt.map_or(Only::Open, Only::Attempt);
        self.conclude(Key::Uid(uid), only, ending).await
    }

    /// The server concludes a build whose worker was not heard of: only while that attempt is the
    /// present one and its lease has still run out. A heartbeat may have come after the look that
    /// found it late.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn conclude_expired(
        &self,
        uid: &str,
        attempt: i64,
        ending: &Ending,
    ) -> Result<Advanced, StoreError> {
        self.conclude(Key::Uid(uid), Only::Expired(attempt), ending)
            .await
    }

    async fn conclude(
        &self,
        key: Key<'_>,
        only: Only,
        ending: &Ending,
    ) -> Result<Advanced, StoreError> {
        let mut tx = self.db.write().await?;
        let Some(before) = locked(&mut tx, key).await? else {
            return Ok(Advanced::NotFound);
        };
        if before.status == ending.status {
            return Ok(Advanced::Unchanged(before));
        }
        let allowed = ending.status.is_concluded() && before.status.can_move_to(ending.status);
        if !allowed || !holds(&mut tx, only, &before).await? {
            return Ok(Advanced::Refused(before));
        }
        let image = ending.image.as_ref();
        let now = now();
        let usage = ending.usage.as_ref().map(to_json).transpose()?;
        // The token stays in the row: a worker that resends its conclusion learns that it counted.
        tx.execute(
            "UPDATE builds SET status = $2, reason = $3, message = $4, status_since = $5,
                 concluded_at = $5, image_name = $6, image_digest = $7, image_size = $8,
                 lease_expires_at = NULL, phases = phases || $9, usage = $10,
                 image_registry = $11
             WHERE uid = $1",
            params![
                &before.uid,
                ending.status.as_str(),
                ending.reason.map(|reason| reason.as_str()),
                &ending.message,
                now,
                image.map(|image| image.name.as_str()),
                image.map(|image| image.digest.as_str()),
                image.map(|image| image.size),
                entered(ending.status, now),
                usage,
                image.and_then(|image| image.registry.as_deref())
            ],
        )
        .await?;
        self.finish(tx, &before).await
    }

    /// Reads the changed row back, commits, and tells who listens.
    async fn finish(&self, mut tx: Session<'_>, before: &Build) -> Result<Advanced, StoreError> {
        let after = tx
            .row(
                concat!("SELECT ", build_columns!(), " FROM builds WHERE uid = $1"),
                params![&before.uid],
                build,
            )
            .await?;
        let Some(after) = after else {
            return Ok(Advanced::NotFound);
        };
        self.commit_move(tx, before, &after).await?;
        Ok(Advanced::Moved(after))
    }

    /// Commits a change of a build together with what integrations are to be told of it, counts it,
    /// and tells who listens here.
    async fn commit_move(
        &self,
        mut tx: Session<'_>,
        before: &Build,
        after: &Build,
    ) -> Result<(), StoreError> {
        let moved = before.status != after.status;
        let noted = moved && notifications::note(&mut tx, after).await?;
        tx.commit().await?;
        telemetry::moved(before, after);
        self.changes.tell(after);
        if noted {
            self.outbox.notify_one();
        }
        Ok(())
    }
}

/// Whether the condition holds of the row, which is locked.
async fn holds(tx: &mut Session<'_>, only: Only, row: &Build) -> Result<bool, StoreError> {
    match only {
        Only::Open => Ok(true),
        Only::Attempt(attempt) => Ok(attempt == row.attempt),
        Only::Expired(attempt) => {
            let lease: Option<Option<Millis>> = tx
                .row(
                    "SELECT lease_expires_at FROM builds WHERE uid = $1",
                    params![&row.uid],
                    |row| row.get(0),
                )
                .await?;
            Ok(attempt == row.attempt && lease.flatten().is_some_and(|end| end < now()))
        }
    }
}

/// The row as it is, held against other writers until the transaction ends.
async fn locked(tx: &mut Session<'_>, key: Key<'_>) -> Result<Option<Build>, StoreError> {
    const BY_UID: &str = concat!("SELECT ", build_columns!(), " FROM builds WHERE uid = $1");
    const BY_TOKEN: &str = concat!(
        "SELECT ",
        build_columns!(),
        " FROM builds WHERE worker_token = $1"
    );
    const BY_UID_LOCKING: &str = concat!(
        "SELECT ",
        build_columns!(),
        " FROM builds WHERE uid = $1 FOR UPDATE"
    );
    const BY_TOKEN_LOCKING: &str = concat!(
        "SELECT ",
        build_columns!(),
        " FROM builds WHERE worker_token = $1 FOR UPDATE"
    );
    let (plain, locking, value) = match key {
        Key::Uid(uid) => (BY_UID, BY_UID_LOCKING, uid.to_owned()),
        Key::Token(token) => (BY_TOKEN, BY_TOKEN_LOCKING, hash(token)),
    };
    let sql = if tx.locks_rows() { locking } else { plain };
    tx.row(sql, params![value], build).await
}
