//! A service's cache folder: shared by builds that run at the same time, tidied only by the one
//! that is alone.
//!
//! Every build holds a shared lock on the folder while it runs. Whoever gets the lock exclusively
//! afterwards knows that working containers in the storage are those of stopped builds, and that
//! nobody minds the storage being thrown away. The kernel lets go of a lock with its process, so
//! a killed worker leaves none.
//!
//! What is kept lies in a folder for its generation. Whoever resets a cache begins the next one, and
//! builds that run end in the one in which they began.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use machine::SizeError;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// Where thrown away storages wait for their deletion.
const TRASH: &str = "trash-";
const LOCK: &str = "lock";
/// How the name of a generation's folder begins; its number follows.
const GENERATION: &str = "generation-";
/// How often a taken lock is tried again. A blocking call would be woken at once, but its thread
/// could not be taken back from a build that is aborted while it waits.
const RETRY: Duration = Duration::from_millis(20);

/// A service's cache folder, in use.
#[derive(Debug)]
pub(crate) struct ServiceCache {
    place: Place,
    kept: PathBuf,
    lock: File,
}

impl ServiceCache {
    /// Opens the folder for what is kept in this generation, waiting for one that tidies it.
    pub(crate) async fn open(folder: PathBuf, generation: i64) -> io::Result<ServiceCache> {
        fs::create_dir_all(&folder)?;
        let lock = File::create(folder.join(LOCK))?;
        loop {
            match flock(&lock, FlockOperation::NonBlockingLockShared) {
                Ok(()) => break,
                Err(Errno::WOULDBLOCK | Errno::INTR) => tokio::time::sleep(RETRY).await,
                Err(errno) => return Err(errno.into()),
            }
        }
        let place = Place { folder, generation };
        let kept = place.kept();
        fs::create_dir_all(&kept)?;
        Ok(ServiceCache { place, kept, lock })
    }

    /// Where things are kept.
    pub(crate) fn folder(&self) -> &Path {
        &self.kept
    }

    /// Stops using the folder; the guard comes back when nobody else uses it either.
    pub(crate) fn leave(self) -> Option<AloneInCache> {
        AloneInCache::lock(self.place, self.lock)
    }
}

#[derive(Debug)]
struct Place {
    folder: PathBuf,
    generation: i64,
}

impl Place {
    fn kept(&self) -> PathBuf {
        self.folder.join(format!("{GENERATION}{}", self.generation))
    }

    /// Whether the entry is of a later generation than this one.
    fn is_later(&self, name: &str) -> bool {
        let number = name.strip_prefix(GENERATION);
        let number = number.and_then(|number| number.parse::<i64>().ok());
        number.is_some_and(|number| number > self.generation)
    }
}

/// The folder with nobody else in it.
#[derive(Debug)]
pub(crate) struct AloneInCache {
    place: Place,
    /// Held until this is dropped.
    lock: File,
}

impl AloneInCache {
    /// Enters a folder, with this for the present generation; `None` while others use it.
    pub(crate) fn enter(folder: &Path, generation: i64) -> io::Result<Option<AloneInCache>> {
        let lock = File::create(folder.join(LOCK))?;
        let folder = folder.to_path_buf();
        Ok(AloneInCache::lock(Place { folder, generation }, lock))
    }

    fn lock(place: Place, lock: File) -> Option<AloneInCache> {
        flock(&lock, FlockOperation::NonBlockingLockExclusive).ok()?;
        Some(AloneInCache { place, lock })
    }

    /// Throws earlier generations away, and this one when it takes more than `limit_mb`. Deleting goes
    /// on after the lock is free, so that the next build need not wait. Belongs on a blocking thread.
    pub(crate) fn prune(self, limit_mb: Option<u64>) -> io::Result<()> {
        let AloneInCache { place, lock } = self;
        let kept = place.kept();
        let too_large = match limit_mb {
            Some(limit) => exceeds(&kept, limit)?,
            None => false,
        };
        let trash = place.folder.join(format!("{TRASH}{}", std::process::id()));
        for entry in entries(&place.folder)? {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            let stays = name == LOCK || name.starts_with(TRASH) || place.is_later(&name);
            if !stays && (too_large || path != kept) {
                fs::create_dir_all(&trash)?;
                fs::rename(path, trash.join(&*name))?;
            }
        }
        drop(lock);
        let names = entries(&place.folder)?.into_iter();
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
        let open = || ServiceCache::open(dir.path().join("service"), 0);
        let (first, second) = (open().await.unwrap(), open().await.unwrap());
        assert!(first.leave().is_none());
        let alone = second.leave().unwrap();
        alone.prune(None).unwrap();
    }

    #[tokio::test]
    async fn a_cache_over_its_limit_is_thrown_away() {
        let dir = tempfile::tempdir().unwrap();
        for (limit, left) in [(None, true), (Some(5), true), (Some(1), false)] {
            let cache = ServiceCache::open(dir.path().to_path_buf(), 0)
                .await
                .unwrap();
            let storage = cache.folder().join("storage");
            fs::create_dir_all(&storage).unwrap();
            fs::write(storage.join("layer"), vec![1; 3 << 20]).unwrap();
            cache.leave().unwrap().prune(limit).unwrap();
            assert_eq!(storage.exists(), left);
        }
        assert_eq!(names(dir.path()), [LOCK]);
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = entries(folder).unwrap().into_iter();
        let mut names: Vec<_> = entries
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn a_reset_leaves_builds_that_run_their_cache_and_the_next_ones_none() {
        let dir = tempfile::tempdir().unwrap();
        let open = |generation| ServiceCache::open(dir.path().to_path_buf(), generation);
        let running = open(7).await.unwrap();
        fs::write(running.folder().join("layer"), vec![1; 2 << 20]).unwrap();
        let tidied = AloneInCache::enter(dir.path(), 8).unwrap();
        assert!(tidied.is_none(), "a build uses it");
        let next = open(8).await.unwrap();
        assert!(entries(next.folder()).unwrap().is_empty());
        assert!(next.leave().is_none());
        assert!(running.folder().join("layer").is_file());
        // The slow one ends last, and takes nothing from those after it.
        running.leave().unwrap().prune(Some(0)).unwrap();
        assert_eq!(names(dir.path()), ["generation-8", LOCK]);
        open(7).await.unwrap();
        AloneInCache::enter(dir.path(), 8)
            .unwrap()
            .unwrap()
            .prune(None)
            .unwrap();
        assert_eq!(names(dir.path()), ["generation-8", LOCK]);
    }
}
