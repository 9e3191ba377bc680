//! Keeping the cache folder in bounds: mirrors by their size, layers by whether their service is
//! still there. (How large one service's layers get is looked at after each of its builds.)

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
            _ = ticks.tick() => {}
        }
        if let Err(error) = remove_orphans(&store, &cache_dir).await {
            tracing::error!(%error, "it cannot be told which caches are deleted services'");
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

async fn remove_orphans(store: &Store, cache_dir: &Path) -> anyhow::Result<()> {
    for service in worker::cached_services(cache_dir)? {
        if store.repository(&service).await?.is_some() {
            continue;
        }
        // One that cannot be removed does not keep the others.
        if let Err(error) = remove(cache_dir, &service).await {
            tracing::error!(%error, service, "the cache of a deleted service stays for now");
        }
    }
    Ok(())
}

async fn remove(cache_dir: &Path, service: &str) -> std::io::Result<()> {
    let (folder, service) = (cache_dir.to_path_buf(), service.to_owned());
    let remove = move || worker::remove_cache(&folder, &service);
    tokio::task::spawn_blocking(remove).await?.map(drop)
}
