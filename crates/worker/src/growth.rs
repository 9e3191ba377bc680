//! How much a build has made folders grow that are shared and outlive it: what was in them before
//! does not count. What comes into a mirror by others does not count either, as a build that fetches
//! has it alone; cache mounts have no such lock, and builds of one service side by side share their
//! growth.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use machine::SizeError;

/// A folder with its size before.
#[derive(Clone, Debug)]
pub(crate) struct Grown {
    folder: PathBuf,
    before: u64,
}

impl Grown {
    /// Begins to count what is written to the folder. Belongs on a blocking thread.
    pub(crate) fn since_now(folder: PathBuf) -> Grown {
        // One that is too deep from the beginning is so afterwards, and says it then.
        let before = size(&folder).unwrap_or(0);
        Grown { folder, before }
    }

    /// Bytes that were written so far.
    pub(crate) fn bytes(&self) -> Result<u64, SizeError> {
        Ok(size(&self.folder)?.saturating_sub(self.before))
    }
}

/// What the fetches of one build have written. Clones are one and the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Growth {
    shared: Arc<Mutex<Ledger>>,
}

#[derive(Debug, Default)]
struct Ledger {
    /// By fetches that are over.
    settled: u64,
    /// The mirror that is fetched into: a build fetches one at a time.
    growing: Option<Grown>,
}

/// A fetch under way; over when dropped.
#[derive(Debug)]
pub(crate) struct Growing {
    growth: Growth,
}

impl Growth {
    /// Begins to count what is written to the folder.
    pub(crate) fn of(&self, folder: &Path) -> Growing {
        let grown = Grown::since_now(folder.to_path_buf());
        self.ledger().growing = Some(grown);
        Growing {
            growth: self.clone(),
        }
    }

    /// Bytes that were written so far.
    pub(crate) fn bytes(&self) -> Result<u64, SizeError> {
        let ledger = self.ledger();
        let now = ledger.growing.as_ref().map_or(Ok(0), Grown::bytes)?;
        Ok(ledger.settled.saturating_add(now))
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Growing {
    fn drop(&mut self) {
        // A mirror that is too deep was so while the meter could see it.
        let bytes = self.growth.bytes();
        let mut ledger = self.growth.ledger();
        ledger.settled = bytes.unwrap_or(ledger.settled);
        ledger.growing = None;
    }
}

/// Bytes that the folder takes; one that is not there, or vanishes, takes nothing.
pub(crate) fn size(folder: &Path) -> Result<u64, SizeError> {
    match machine::dir_size(folder) {
        Err(SizeError::Io(_)) => Ok(0),
        size => size,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const MB: u64 = 1 << 20;

    #[test]
    fn only_what_is_written_meanwhile_counts() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str| fs::write(dir.path().join(name), vec![1; 1 << 20]).unwrap();
        let growth = Growth::default();
        write("before");
        for fetch in 1..=2 {
            let growing = growth.of(dir.path());
            write(&format!("during-{fetch}"));
            assert_eq!(growth.bytes().unwrap() / MB, fetch);
            drop(growing);
            write(&format!("after-{fetch}"));
            assert_eq!(growth.bytes().unwrap() / MB, fetch);
        }
    }
}
