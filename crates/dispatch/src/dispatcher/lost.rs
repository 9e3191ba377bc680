//! Builds whose worker is gone, and those whose worker only seems to be: one may claim its build, or
//! be heard of, while it is being given up. So the store decides under its lock, and nothing of a
//! build is cleared away before the store has said that the worker's attempt is over.

use super::{ATTEMPTS, Dispatcher};
use crate::executor::Exit;
use crate::gone;
use domain::{Build, Status};
use std::collections::HashSet;
use store::{Advanced, Ending, OpenBuild, StoreError};

/// How it shows that a worker is gone.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sign {
    /// Its process is no more.
    Ended,
    /// Its lease ran out. It may have been heard of since.
    Silent,
}

impl Dispatcher {
    /// Adopts the workers that live on, and deals with those that do not.
    pub(super) async fn take_over(&mut self) -> Result<(), StoreError> {
        self.store.extend_leases(self.lease_ms()).await?;
        for open in self.store.open_builds().await? {
            self.adopt(open).await?;
        }
        let open = self.store.open_builds().await?.into_iter();
        let open: HashSet<String> = open.map(|open| open.build.uid).collect();
        self.executor.sweep(&open).await;
        self.taken_over = true;
        Ok(())
    }

    /// Adopts the build's worker, or gives up the build. A worker that is about to claim its build
    /// has no name yet; when it was faster than we were, it is looked at again.
    pub(super) async fn adopt(&self, mut open: OpenBuild) -> Result<(), StoreError> {
        loop {
            if let Some(process) = &open.process
                && self.executor.adopt(&open.build.uid, process).await
            {
                let (project, service) = self
                    .store
                    .names_of(&open.build.service_uid)
                    .await
                    .unwrap_or_default();
                tracing::info!(%project, %service, build = %open.build.id, "adopted a worker");
                return Ok(());
            }
            let how = "ended while the server was away";
            if self.lost(&open.build, how, Sign::Ended).await? {
                return Ok(());
            }
            match self.still_open(&open.build).await? {
                Some(now) => open = now,
                None => return Ok(()),
            }
        }
    }

    /// The build as it is now, if the same attempt has it and is not over.
    async fn still_open(&self, build: &Build) -> Result<Option<OpenBuild>, StoreError> {
        let open = self.store.open_builds().await?;
        let same =
            |open: &OpenBuild| open.build.uid == build.uid && open.build.attempt == build.attempt;
        Ok(open.into_iter().find(same))
    }

    /// A worker's process has ended; the store says what became of its build.
    pub(super) async fn ended(&self, exit: &Exit) -> Result<(), StoreError> {
        loop {
            let Some(build) = self.store.build_by_uid(&exit.build_uid).await? else {
                self.executor.clear(&exit.build_uid, false).await;
                return Ok(());
            };
            let stale = exit.attempt.is_some_and(|attempt| attempt != build.attempt);
            if stale {
                return Ok(());
            }
            if build.status.is_concluded() {
                self.executor.clear(&build.uid, false).await;
                return Ok(());
            }
            if self.lost(&build, &exit.how, Sign::Ended).await? {
                return Ok(());
            }
        }
    }

    /// Gives up a build's worker. One that never claimed its build is replaced: nothing has run.
    /// One that was running is not started again by itself: the build ends, and says why. `false`
    /// when the build is not as it was any more; then nothing was done.
    pub(super) async fn lost(
        &self,
        build: &Build,
        how: &str,
        sign: Sign,
    ) -> Result<bool, StoreError> {
        if build.status == Status::Pending && build.attempt < ATTEMPTS {
            let (project, service) = self
                .store
                .names_of(&build.service_uid)
                .await
                .unwrap_or_default();
            tracing::warn!(%project, %service, build = %build.id, how, "a worker never came; starting another");
            return self.hand_out(build).await;
        }
        let ending = if build.status == Status::Pending {
            gone::worker_not_started(&format!("the worker {how}"))
        } else {
            Ending {
                usage: self.logs.usage(&build.uid).await,
                ..gone::worker_lost(how)
            }
        };
        let (uid, attempt) = (&build.uid, build.attempt);
        let advanced = match sign {
            Sign::Ended => {
                let store = &self.store;
                store.conclude_by_server(uid, Some(attempt), &ending).await
            }
            Sign::Silent => self.store.conclude_expired(uid, attempt, &ending).await,
        };
        if !matches!(advanced?, Advanced::Moved(_)) {
            return Ok(false);
        }
        self.executor.clear(uid, false).await;
        Ok(true)
    }
}
