//! What was seen of the repositories whose new commits build by themselves.
//!
//! A head moves by compare-and-set in the transaction that accepts its build, or that notes why there is
//! none: no commit builds twice, and none is lost, whoever looks and whatever dies in between.

mod heads;
mod services;

pub use heads::HeadMove;

use crate::services::to_json;
use crate::sql::{Row, Session, params};
use crate::{NewBuild, Store, StoreError, now};
use domain::watch::Skipped;
use domain::{Build, Millis, Service, Watch};
use std::collections::BTreeMap;

/// What a service has seen of its repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// How the looks go.
    pub watch: Watch,
    /// Which repository it is, and through which account, in the caller's words.
    pub source: String,
    /// When the heads of its pull requests were first noted.
    pub pulls_since: Option<Millis>,
    /// The commit that each ref had.
    pub heads: BTreeMap<String, String>,
    /// Those of the refs that were missed at the last look.
    pub missed: Vec<String>,
}

/// The columns of a watch, in the order [`watch`] reads them.
const COLUMNS: usize = 3;

fn watch(row: &Row<'_>) -> Result<Watch, StoreError> {
    let skipped: Option<String> = row.get(2)?;
    Ok(Watch {
        since: row.get(0)?,
        problem: row.get(1)?,
        last_skipped: skipped.map(|_| row.json(2)).transpose()?,
    })
}

impl Store {
    /// How the looks at a service's repository go; `None` before the first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn watch(&self, service_uid: &str) -> Result<Option<Watch>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .row(
                "SELECT since, problem, skipped FROM watches WHERE service_uid = $1",
                params![service_uid],
                watch,
            )
            .await
    }

    /// What a service has seen of its repository; `None` before the first look.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn seen(&self, service_uid: &str) -> Result<Option<Seen>, StoreError> {
        let mut session = self.db.read().await?;
        let seen = session
            .row(
                "SELECT since, problem, skipped, source, pulls_since FROM watches
                 WHERE service_uid = $1",
                params![service_uid],
                |row| {
                    Ok(Seen {
                        watch: watch(row)?,
                        source: row.get(COLUMNS)?,
                        pulls_since: row.get(COLUMNS + 1)?,
                        ..Seen::default()
                    })
                },
            )
            .await?;
        let Some(mut seen) = seen else {
            return Ok(None);
        };
        heads::read(&mut session, service_uid, &mut seen).await?;
        Ok(Some(seen))
    }

    /// Begins to watch a repository, or anew with another one: what it has now is noted, and builds only
    /// when it is asked for. `with_pulls` says that the heads of pull requests are among them.
    ///
    /// # Errors
    /// [`StoreError::Gone`] when the service was deleted, builds nothing by itself any more, or has
    /// another repository.
    pub async fn begin_watch(
        &self,
        service: &Service,
        source: &str,
        heads: &BTreeMap<String, String>,
        with_pulls: bool,
    ) -> Result<(), StoreError> {
        let service_uid = &service.uid;
        let mut tx = self.db.write().await?;
        self.hold_watched(&mut tx, service).await?;
        forget(&mut tx, service_uid).await?;
        let since = now();
        tx.execute(
            "INSERT INTO watches (service_uid, source, since, pulls_since) VALUES ($1, $2, $3, $4)",
            params![service_uid, source, since, with_pulls.then_some(since)],
        )
        .await?;
        heads::insert(&mut tx, service_uid, heads).await?;
        tx.commit().await
    }

    /// Notes the pull requests that there are when they are first asked for, like the heads that were
    /// there at the beginning.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin_pulls(
        &self,
        service_uid: &str,
        source: &str,
        heads: &BTreeMap<String, String>,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.write().await?;
        let begun = tx
            .execute(
                "UPDATE watches SET pulls_since = $3
                 WHERE service_uid = $1 AND source = $2 AND pulls_since IS NULL",
                params![service_uid, source, now()],
            )
            .await?;
        if begun == 1 {
            heads::insert(&mut tx, service_uid, heads).await?;
        }
        tx.commit().await
    }

    /// Forgets the pull requests, since nobody asks for them any more: if somebody does again, what there is
    /// by then is noted anew.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_pulls(&self, service_uid: &str, source: &str) -> Result<(), StoreError> {
        let mut tx = self.db.write().await?;
        let ended = tx
            .execute(
                "UPDATE watches SET pulls_since = NULL WHERE service_uid = $1 AND source = $2",
                params![service_uid, source],
            )
            .await?;
        if ended == 1 {
            tx.execute(
                "DELETE FROM watched_heads WHERE service_uid = $1 AND ref LIKE 'refs/pull/%'",
                params![service_uid],
            )
            .await?;
        }
        tx.commit().await
    }

    /// Accepts the build of a new commit, if its head has not been moved by another look; `None` when
    /// it has, or when the service watches another repository by now, or none.
    ///
    /// # Errors
    /// [`StoreError::Gone`] when the service was deleted meanwhile.
    pub async fn accept_new_commit(
        &self,
        service: &Service,
        new: NewBuild,
        head: &HeadMove,
    ) -> Result<Option<Build>, StoreError> {
        let mut tx = self.db.write().await?;
        let build = self.accept_in(&mut tx, service, new).await?;
        if !head.make(&mut tx, &service.uid).await? {
            return Ok(None);
        }
        tx.commit().await?;
        self.changes.tell(&build);
        Ok(Some(build))
    }

    /// Notes a new commit that does not build, and why, where there is something to say; `false` when its
    /// head has been moved by another look.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pass_over(
        &self,
        service_uid: &str,
        head: &HeadMove,
        skipped: Option<&Skipped>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.db.write().await?;
        if !head.make(&mut tx, service_uid).await? {
            return Ok(false);
        }
        if let Some(skipped) = skipped {
            tx.execute(
                "UPDATE watches SET skipped = $2 WHERE service_uid = $1",
                params![service_uid, to_json(skipped)?],
            )
            .await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Notes what is wrong with a look, or that nothing is any more.
    ///
    /// # Errors
    /// [`StoreError::Gone`] when the service was deleted, builds nothing by itself any more, or has
    /// another repository.
    pub async fn note_watch_problem(
        &self,
        service: &Service,
        source: &str,
        problem: Option<&str>,
    ) -> Result<(), StoreError> {
        let service_uid = &service.uid;
        let mut tx = self.db.write().await?;
        self.hold_watched(&mut tx, service).await?;
        let noted = tx
            .execute(
                "UPDATE watches SET problem = $3 WHERE service_uid = $1 AND source = $2",
                params![service_uid, source, problem],
            )
            .await?;
        if noted == 0 && problem.is_some() {
            // What is known is about another repository.
            forget(&mut tx, service_uid).await?;
            tx.execute(
                "INSERT INTO watches (service_uid, source, problem) VALUES ($1, $2, $3)",
                params![service_uid, source, problem],
            )
            .await?;
        }
        tx.commit().await
    }
}

/// Forgets what a service has seen: it begins anew, if it is watched again.
pub(crate) async fn forget(tx: &mut Session<'_>, service_uid: &str) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM watches WHERE service_uid = $1",
        params![service_uid],
    )
    .await?;
    Ok(())
}
