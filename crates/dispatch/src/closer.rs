//! Closes the logs of builds that are over: a last line that says how it ended, then the seal.
//! A reaction to what the store says, so that it happens whoever ended the build, and happens at
//! the next start when the server died in between.

use domain::Build;
use logs::{LogError, LogStore, NewLine};
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
    loop {
        let outcome = tokio::select! {
            () = stop.cancelled() => return,
            change = changes.next() => match change {
                Some(change) if !change.status.is_concluded() => Ok(()),
                Some(change) => close(&store, &logs, &change.build_uid).await,
                None => close_all(&store, &logs).await,
            },
            _ = ticks.tick() => close_all(&store, &logs).await,
        };
        if let Err(error) = outcome {
            tracing::error!(%error, "a build's log could not be closed; trying again");
        }
    }
}

async fn close_all(store: &Store, logs: &LogStore) -> Result<(), CloseError> {
    for build_uid in logs.unsealed().await? {
        close(store, logs, &build_uid).await?;
    }
    Ok(())
}

async fn close(store: &Store, logs: &LogStore, build_uid: &str) -> Result<(), CloseError> {
    let Some(build) = store.build_by_uid(build_uid).await? else {
        // The build was deleted; its log has no reader any more.
        return Ok(logs.delete(build_uid).await?);
    };
    if !build.status.is_concluded() {
        return Ok(());
    }
    let seq = logs.status(build_uid).await?.next_seq;
    match logs.append(build_uid, seq, vec![last_line(&build)]).await {
        Ok(_) => {}
        Err(LogError::Sealed { .. }) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    Ok(logs.seal(build_uid).await?)
}

fn last_line(build: &Build) -> NewLine {
    let message = build.message.as_deref().unwrap_or_default();
    NewLine {
        ts: jiff::Timestamp::now().as_microsecond(),
        text: format!("==> {}: {message}", build.status),
    }
}
