//! How much a build's fetches have made the mirrors grow. A mirror is shared and outlives the build,
//! so what was in it before, or comes into it by others, does not count.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the fetches of one build have written. Clones are one and the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Growth {
    shared: Arc<Mutex<Ledger>>,
}

#[derive(Debug, Default)]
struct Ledger {
    /// By fetches that are over.
    settled: u64,
    /// The mirror that is fetched into, with its size before: a build fetches one at a time.
    growing: Option<(PathBuf, u64)>,
}

/// A fetch under way; over when dropped.
#[derive(Debug)]
pub(crate) struct Growing {
    growth: Growth,
}

impl Growth {
    /// Begins to count what is written to the folder.
    pub(crate) fn of(&self, folder: &Path) -> Growing {
        let before = size(folder);
        self.ledger().growing = Some((folder.to_path_buf(), before));
        Growing {
            growth: self.clone(),
        }
    }

    /// Bytes that were written so far.
    pub(crate) fn bytes(&self) -> u64 {
        let ledger = self.ledger();
        let growing = ledger.growing.as_ref();
        let now = growing.map_or(0, |(folder, before)| size(folder).saturating_sub(*before));
        ledger.settled.saturating_add(now)
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Growing {
    fn drop(&mut self) {
        let bytes = self.growth.bytes();
        let mut ledger = self.growth.ledger();
        ledger.settled = bytes;
        ledger.growing = None;
    }
}

/// A folder that is not there takes nothing.
fn size(folder: &Path) -> u64 {
    machine::dir_size(folder).unwrap_or(0)
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
            assert_eq!(growth.bytes() / MB, fetch);
            drop(growing);
            write(&format!("after-{fetch}"));
            assert_eq!(growth.bytes() / MB, fetch);
        }
    }
}
