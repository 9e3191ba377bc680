//! Keeping the cache of mirrors below a size.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::error::GitError;
use crate::lock::{Lock, Mode};

/// One mirror on disk.
struct Entry {
    dir: PathBuf,
    lock_file: PathBuf,
    used: SystemTime,
    size: u64,
}

/// Removes the mirrors that were not used for longest until the rest takes at most `max_bytes` on
/// disk. Mirrors in use stay. Returns the bytes freed. Reads the whole cache folder: call it on a
/// blocking thread.
///
/// # Errors
/// [`GitError::Io`] when the cache folder cannot be read; a missing one is empty.
pub fn prune_mirrors(cache_dir: &Path, max_bytes: u64) -> Result<u64, GitError> {
    let mut entries = list(cache_dir)?;
    entries.sort_by_key(|entry| entry.used);
    let mut total: u64 = entries.iter().map(|entry| entry.size).sum();
    let mut freed = 0;
    for entry in entries {
        if total <= max_bytes {
            break;
        }
        let Some(_lock) = Lock::try_take(&entry.lock_file, Mode::Exclusive)? else {
            continue;
        };
        // The lock file stays: removing it would let two hold "the" lock at once.
        match machine::remove_tree(&entry.dir) {
            Ok(()) => {
                total = total.saturating_sub(entry.size);
                freed += entry.size;
            }
            Err(error) => tracing::error!(%error, "a git mirror could not be removed"),
        }
    }
    Ok(freed)
}

fn list(cache_dir: &Path) -> Result<Vec<Entry>, GitError> {
    let entries = match fs::read_dir(cache_dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(GitError::io(cache_dir, error)),
    };
    let mirrors = entries.flatten().map(|entry| entry.path());
    let mirrors = mirrors.filter(|path| path.extension().is_some_and(|kind| kind == "git"));
    let listed = mirrors.map(|dir| {
        let lock_file = dir.with_extension("lock");
        let used = fs::metadata(&lock_file).and_then(|meta| meta.modified());
        Entry {
            used: used.unwrap_or(SystemTime::UNIX_EPOCH),
            size: machine::dir_size(&dir).unwrap_or(0),
            lock_file,
            dir,
        }
    });
    Ok(listed.collect())
}
