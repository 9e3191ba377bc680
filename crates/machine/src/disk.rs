//! Room on the disk: how much is left, and how much a folder takes.
//!
//! Caches are pruned by these figures, so they count what is really allocated, not file lengths,
//! and they never leave the folder they were asked about.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Bytes that an unprivileged process may still write to the file system that holds `path`.
///
/// # Errors
/// When `path` does not exist or cannot be reached.
pub fn disk_free(path: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(path)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Bytes that the folder (or file) takes on disk. Symbolic links are not followed, other file
/// systems mounted inside are left out, hard links count once, and what vanishes or cannot be
/// read on the way counts nothing.
///
/// # Errors
/// When `path` itself cannot be looked at.
pub fn dir_size(path: &Path) -> io::Result<u64> {
    let root = fs::symlink_metadata(path)?;
    let mut total = on_disk(&root);
    if !root.is_dir() {
        return Ok(total);
    }
    let mut linked = HashSet::new();
    let mut folders = vec![path.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.flatten() {
            let Ok(meta) = entry.metadata() else { continue };
            if meta.is_dir() {
                // Only folders are compared: on overlayfs a file may report its layer's device.
                if meta.dev() == root.dev() {
                    total = total.saturating_add(on_disk(&meta));
                    folders.push(entry.path());
                }
            } else if meta.nlink() < 2 || linked.insert((meta.dev(), meta.ino())) {
                total = total.saturating_add(on_disk(&meta));
            }
        }
    }
    Ok(total)
}

/// `st_blocks` is in units of 512 bytes whatever the file system's block size.
fn on_disk(meta: &fs::Metadata) -> u64 {
    meta.blocks().saturating_mul(512)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_is_there_once_and_does_not_follow_links() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("huge"), vec![1; 4 << 20]).unwrap();
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("sub")).unwrap();
        let file = dir.path().join("sub/file");
        fs::write(&file, vec![1; 1 << 20]).unwrap();
        fs::hard_link(&file, dir.path().join("again")).unwrap();
        std::os::unix::fs::symlink(outside.path(), dir.path().join("link")).unwrap();
        let size = dir_size(dir.path()).unwrap();
        assert!((1 << 20..2 << 20).contains(&size), "{size}");
    }

    #[test]
    fn a_missing_folder_is_an_error_and_free_space_a_number() {
        let dir = tempfile::tempdir().unwrap();
        assert!(dir_size(&dir.path().join("gone")).is_err());
        assert!(disk_free(&dir.path().join("gone")).is_err());
        assert!(disk_free(dir.path()).unwrap() > 0);
    }
}
