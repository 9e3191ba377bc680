//! Keeping the cache folder in bounds: mirrors by their size, layers by whether their service is
//! still there, and has not reset them. (How large one service's layers get is looked at after each of
//! its builds.)

use std::path::{Path, PathBuf};
use std::time::Duration;
use store::Store;
use tokio_util::sync::CancellationToken;

/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(3600);

/// Tidies at the start and from time to time, until `stop`.
pub(super) async fn keep_in_bounds(
    store: Store,
    cache_dir: PathBuf,
    mirrors_mb: u64,
    stop: CancellationToken,
) {
    let mut ticks = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = store.cache_reset() => {}
            _ = ticks.tick() => {}
        }
        if let Err(error) = remove_outdated(&store, &cache_dir).await {
            tracing::error!(%error, "it cannot be told which caches are of no use any more");
        }
        let (folder, limit) = (cache_dir.clone(), mirrors_mb.saturating_mul(1 << 20));
        let pruned = tokio::task::spawn_blocking(move || worker::prune_mirrors(&folder, limit));
        match pruned.await {
            Ok(Ok(0)) => {}
            Ok(Ok(bytes)) => tracing::info!(bytes, "removed git mirrors unused for long"),
            Ok(Err(error)) => tracing::error!(%error, "git mirrors stay for now"),
            Err(error) => tracing::error!(%error, "git mirrors stay for now"),
        }
    }
}

async fn remove_outdated(store: &Store, cache_dir: &Path) -> anyhow::Result<()> {
    for service in worker::cached_services(cache_dir)? {
        let generation = store.cache_generation(&service).await?;
        // One that cannot be removed does not keep the others.
        if let Err(error) = remove(cache_dir, &service, generation).await {
            tracing::error!(%error, service, "a cache that is of no use any more stays for now");
        }
    }
    Ok(())
}

/// Removes what was before the service's present generation; all of it, when the service is gone.
async fn remove(cache_dir: &Path, service: &str, generation: Option<i64>) -> std::io::Result<()> {
    let (folder, service) = (cache_dir.to_path_buf(), service.to_owned());
    let remove = move || match generation {
        Some(generation) => worker::remove_earlier_caches(&folder, &service, generation),
        None => worker::remove_cache(&folder, &service),
    };
    tokio::task::spawn_blocking(remove).await?.map(drop)
}
