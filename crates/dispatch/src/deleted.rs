//! Deletes the logs of builds that were deleted with their service. The store keeps the list, so
//! that what a server that died did not get to is deleted after the next start.

use logs::LogStore;
use std::time::Duration;
use store::{Store, StoreError};
use tokio_util::sync::CancellationToken;

/// How often what could not be deleted is tried again.
const LOOK: Duration = Duration::from_secs(60);
/// Builds looked at together.
const PAGE: i64 = 500;

/// Deletes logs until `stop`.
pub async fn delete_logs(store: Store, logs: LogStore, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = store.deletion() => {}
            _ = ticks.tick() => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            done = delete_all(&store, &logs) => if let Err(error) = done {
                tracing::error!(%error, "the logs of deleted builds stay for now");
            }
        }
    }
}

async fn delete_all(store: &Store, logs: &LogStore) -> Result<(), StoreError> {
    let mut after = String::new();
    loop {
        let builds = store.deleted_builds(&after, PAGE).await?;
        let Some(last) = builds.last() else {
            return Ok(());
        };
        after.clone_from(last);
        let gone = delete(logs, builds).await;
        store.forget_deleted_builds(&gone).await?;
    }
}

/// Deletes logs; those of them that are gone now.
async fn delete(logs: &LogStore, builds: Vec<String>) -> Vec<String> {
    let mut gone = Vec::new();
    for build in builds {
        match logs.delete(&build).await {
            Ok(()) => gone.push(build),
            Err(error) => {
                tracing::error!(%error, %build, "a deleted build's log stays for now");
            }
        }
    }
    gone
}
