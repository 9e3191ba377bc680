//! One writer or many readers of a mirror at a time, among all processes of this machine.
//!
//! The lock is a file next to the mirror, so that the mirror itself can be thrown away under it.
//! The kernel lets go of it when its holder dies.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::error::GitError;

/// How often a taken lock is tried again. A blocking call would be woken at once, but its thread
/// could not be taken back from a build that is aborted while it waits.
const RETRY: Duration = Duration::from_millis(50);

/// Held until it and its clones are dropped.
#[derive(Debug, Clone)]
pub(crate) struct Lock {
    file: Arc<File>,
}

/// What the lock is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// To read; others may read too.
    Shared,
    /// To change or remove.
    Exclusive,
}

impl Lock {
    /// Takes the lock, waiting for others as long as `patience`.
    pub(crate) async fn take(
        path: &Path,
        mode: Mode,
        patience: Duration,
        about: &str,
    ) -> Result<Self, GitError> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(lock) = Self::try_take(path, mode)? {
                return Ok(lock);
            }
            if Instant::now() >= deadline {
                return Err(GitError::Timeout {
                    url: about.to_owned(),
                    seconds: patience.as_secs(),
                });
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    /// Takes the lock if it is free. The file's modification time tells when it was last taken.
    pub(crate) fn try_take(path: &Path, mode: Mode) -> Result<Option<Self>, GitError> {
        let failed = |error| GitError::io(path, error);
        let mut options = OpenOptions::new();
        let options = options.create(true).truncate(false).write(true);
        let file = options.open(path).map_err(failed)?;
        let operation = match mode {
            Mode::Shared => FlockOperation::NonBlockingLockShared,
            Mode::Exclusive => FlockOperation::NonBlockingLockExclusive,
        };
        match flock(&file, operation) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK | Errno::INTR) => return Ok(None),
            Err(errno) => return Err(failed(errno.into())),
        }
        let file = Arc::new(file);
        Ok(Some(Self { file }))
    }

    /// Notes that the mirror was used now.
    pub(crate) fn touch(&self) {
        // Only the order of pruning depends on it.
        let _ = self.file.set_modified(SystemTime::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_until_its_last_clone_goes() {
        let dir = tempfile::tempdir().unwrap();
        let take = || Lock::try_take(&dir.path().join("lock"), Mode::Exclusive).unwrap();
        let lock = take().unwrap();
        let clone = lock.clone();
        drop(lock);
        assert!(take().is_none());
        drop(clone);
        assert!(take().is_some());
    }
}
