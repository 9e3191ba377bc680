//! What the owner of the cache folder does from time to time, whether or not builds run.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::cache::AloneInCache;
use crate::workspace::{MIRRORS, is_plain};

/// The services that have a cache in the folder, each a folder of its own; a missing folder has none.
///
/// # Errors
/// When the folder cannot be read.
pub fn cached_services(cache_dir: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(cache_dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let folders = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let names = folders.filter_map(|entry| entry.file_name().into_string().ok());
    Ok(names.filter(|name| is_plain(name)).collect())
}

/// Removes the cache of a service that is no more; tells whether it could be had. One that a build
/// still uses stays for the next time. Belongs on a blocking thread.
///
/// # Errors
/// When it cannot be removed.
pub fn remove_cache(cache_dir: &Path, service_uid: &str) -> io::Result<bool> {
    let folder = cache_dir.join(service_uid);
    let Some(_alone) = AloneInCache::enter(&folder, 0)? else {
        return Ok(false);
    };
    machine::remove_tree(&folder)?;
    Ok(true)
}

/// Removes the generations of a service's cache before this one; tells whether they could be had. While
/// a build uses one of them, they stay for the next time. Belongs on a blocking thread.
///
/// # Errors
/// When they cannot be removed.
pub fn remove_earlier_caches(
    cache_dir: &Path,
    service_uid: &str,
    generation: i64,
) -> io::Result<bool> {
    match AloneInCache::enter(&cache_dir.join(service_uid), generation)? {
        Some(alone) => alone.prune(None).map(|()| true),
        None => Ok(false),
    }
}

/// Where in the cache folder the git mirrors are.
#[must_use]
pub fn mirrors_in(cache_dir: &Path) -> PathBuf {
    cache_dir.join(MIRRORS)
}

/// Removes the git mirrors that were not used for longest until the rest takes at most so many
/// bytes; tells how many it freed.
///
/// # Errors
/// When the folder cannot be read.
pub fn prune_mirrors(cache_dir: &Path, max_bytes: u64) -> Result<u64, git::GitError> {
    git::prune_mirrors(&cache_dir.join(MIRRORS), max_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::ServiceCache;

    #[tokio::test]
    async fn a_cache_goes_only_when_no_build_uses_it() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(MIRRORS)).unwrap();
        fs::write(dir.path().join("stray"), "no service's").unwrap();
        let cache = ServiceCache::open(dir.path().join("service"), 0)
            .await
            .unwrap();
        assert_eq!(cached_services(dir.path()).unwrap(), ["service"]);
        assert!(!remove_cache(dir.path(), "service").unwrap());
        drop(cache);
        assert!(remove_cache(dir.path(), "service").unwrap());
        assert!(cached_services(dir.path()).unwrap().is_empty());
        assert!(
            cached_services(&dir.path().join("none"))
                .unwrap()
                .is_empty()
        );
    }
}
