//! A service's cache folder: shared by builds that run at the same time, tidied only by the one
//! that is alone.
//!
//! Every build holds a shared lock on the folder while it runs. Whoever gets the lock exclusively
//! afterwards knows that working containers in the storage are those of stopped builds, and that
//! nobody minds the storage being thrown away. The kernel lets go of a lock with its process, so
//! a killed worker leaves none.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use machine::SizeError;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// Where thrown away storages wait for their deletion.
const TRASH: &str = "trash-";
pub(crate) const LOCK: &str = "lock";
/// How often a taken lock is tried again. A blocking call would be woken at once, but its thread
/// could not be taken back from a build that is aborted while it waits.
const RETRY: Duration = Duration::from_millis(20);

/// A service's cache folder, in use.
#[derive(Debug)]
pub(crate) struct ServiceCache {
    folder: PathBuf,
    lock: File,
}

impl ServiceCache {
    /// Opens the folder, waiting for one that tidies it.
    pub(crate) async fn open(folder: PathBuf) -> io::Result<ServiceCache> {
        fs::create_dir_all(&folder)?;
        let lock = File::create(folder.join(LOCK))?;
        loop {
            match flock(&lock, FlockOperation::NonBlockingLockShared) {
                Ok(()) => return Ok(ServiceCache { folder, lock }),
                Err(Errno::WOULDBLOCK | Errno::INTR) => tokio::time::sleep(RETRY).await,
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Stops using the folder; the guard comes back when nobody else uses it either.
    pub(crate) fn leave(self) -> Option<AloneInCache> {
        flock(&self.lock, FlockOperation::NonBlockingLockExclusive).ok()?;
        Some(AloneInCache { cache: self })
    }
}

/// The folder with nobody else in it.
#[derive(Debug)]
pub(crate) struct AloneInCache {
    cache: ServiceCache,
}

impl AloneInCache {
    /// Throws the cache away when it takes more than `limit_mb`. Deleting goes on after the lock
    /// is free, so that the next build need not wait. Belongs on a blocking thread.
    pub(crate) fn prune(self, limit_mb: Option<u64>) -> io::Result<()> {
        let folder = self.cache.folder.clone();
        let too_large = match limit_mb {
            Some(limit) => exceeds(&folder, limit)?,
            None => false,
        };
        if too_large {
            let trash = folder.join(format!("{TRASH}{}", std::process::id()));
            fs::create_dir_all(&trash)?;
            for entry in entries(&folder)? {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                if name != LOCK && !name.starts_with(TRASH) {
                    fs::rename(entry.path(), trash.join(&*name))?;
                }
            }
        }
        drop(self);
        let names = entries(&folder)?.into_iter();
        let trash = names.filter(|entry| entry.file_name().to_string_lossy().starts_with(TRASH));
        // One that cannot be removed does not keep the others.
        trash
            .map(|entry| machine::remove_tree(&entry.path()))
            .fold(Ok(()), Result::and)
    }
}

fn exceeds(folder: &Path, limit_mb: u64) -> io::Result<bool> {
    match machine::dir_size(folder) {
        Ok(size) => Ok(size >> 20 > limit_mb),
        // What cannot be measured cannot be kept in bounds.
        Err(SizeError::TooDeep) => Ok(true),
        Err(SizeError::Io(error)) => Err(error),
    }
}

fn entries(folder: &Path) -> io::Result<Vec<fs::DirEntry>> {
    fs::read_dir(folder)?.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_last_one_tidies() {
        let dir = tempfile::tempdir().unwrap();
        let open = || ServiceCache::open(dir.path().join("service"));
        let (first, second) = (open().await.unwrap(), open().await.unwrap());
        assert!(first.leave().is_none());
        let alone = second.leave().unwrap();
        alone.prune(None).unwrap();
    }

    #[tokio::test]
    async fn a_cache_over_its_limit_is_thrown_away() {
        let dir = tempfile::tempdir().unwrap();
        for (limit, left) in [(None, true), (Some(5), true), (Some(1), false)] {
            let cache = ServiceCache::open(dir.path().to_path_buf()).await.unwrap();
            let storage = cache.folder().join("storage");
            fs::create_dir_all(&storage).unwrap();
            fs::write(storage.join("layer"), vec![1; 3 << 20]).unwrap();
            cache.leave().unwrap().prune(limit).unwrap();
            assert_eq!(storage.exists(), left);
        }
        let names: Vec<_> = entries(dir.path()).unwrap();
        assert_eq!(names.len(), 1);
    }
}
