//! Closes the logs of builds that are over: a last line that says how it ended, then the seal.
//! A reaction to what the store says, so that it happens whoever ended the build, and happens at
//! the next start when the server died in between.

use domain::Build;
use logs::{Direction, LogError, LogStore, NewLine, Query};
use std::collections::HashSet;
use std::time::Duration;
use store::{Store, StoreError};
use tokio_util::sync::CancellationToken;

/// How often logs that were missed are looked for.
const LOOK: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
enum CloseError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Closes logs until `stop`.
pub async fn close_logs(store: Store, logs: LogStore, stop: CancellationToken) {
    let mut changes = store.changes();
    let mut ticks = tokio::time::interval(LOOK);
    let mut closer = Closer {
        store,
        logs,
        failed: HashSet::new(),
    };
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            change = changes.next() => match change {
                Some(change) if !change.status.is_concluded() => {}
                Some(change) => closer.close(change.build_uid).await,
                None => closer.close_all().await,
            },
            _ = ticks.tick() => closer.close_all().await,
        }
    }
}

struct Closer {
    store: Store,
    logs: LogStore,
    /// Builds whose logs could not be closed: one without any line is not among the unsealed.
    failed: HashSet<String>,
}

impl Closer {
    async fn close_all(&mut self) {
        let mut builds = std::mem::take(&mut self.failed);
        match self.logs.unsealed().await {
            Ok(unsealed) => builds.extend(unsealed),
            Err(error) => tracing::error!(%error, "the logs to be closed cannot be listed"),
        }
        for build_uid in builds {
            self.close(build_uid).await;
        }
    }

    /// Closes one log, or notes that it could not: one bad log must not keep the others open.
    async fn close(&mut self, build_uid: String) {
        if let Err(error) = close(&self.store, &self.logs, &build_uid).await {
            tracing::error!(%error, build = %build_uid, "a log could not be closed; trying again");
            self.failed.insert(build_uid);
        }
    }
}

async fn close(store: &Store, logs: &LogStore, build_uid: &str) -> Result<(), CloseError> {
    let Some(build) = store.build_by_uid(build_uid).await? else {
        // The build was deleted; its log has no reader any more.
        return Ok(logs.delete(build_uid).await?);
    };
    if !build.status.is_concluded() {
        return Ok(());
    }
    end(logs, &build).await?;
    logs.seal(build_uid).await?;
    if store.build_by_uid(build_uid).await?.is_none() {
        // Deleted meanwhile, perhaps before its log was there to be deleted with it.
        logs.delete(build_uid).await?;
    }
    Ok(())
}

/// Writes the last line, unless it is there already: sealing may have failed after it.
async fn end(logs: &LogStore, build: &Build) -> Result<(), LogError> {
    let last = last_line(build);
    let newest = Query {
        limit: 1,
        direction: Direction::Backward,
        ..Query::default()
    };
    let newest = logs.read(&build.uid, newest).await?.pop();
    let prefix = prefix(build);
    if newest.is_some_and(|line| line.ts == last.ts && line.text.starts_with(&prefix)) {
        return Ok(());
    }
    let seq = logs.status(&build.uid).await?.next_seq;
    match logs.append(&build.uid, seq, vec![last]).await {
        Ok(_) | Err(LogError::Sealed { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Printed when the build concluded, at the end of the millisecond that the store knows: it comes
/// after all others, and is the same line however often it is tried.
fn last_line(build: &Build) -> NewLine {
    let concluded = build.concluded_at.unwrap_or(build.status_since);
    let message = build.message.as_deref().unwrap_or_default();
    NewLine {
        ts: concluded * 1000 + 999,
        text: prefix(build) + message,
    }
}

fn prefix(build: &Build) -> String {
    format!("==> {}: ", build.status)
}
