//! Room on the disk: how much is left, and how much a folder takes.
//!
//! Caches are pruned and builds are ended by these figures, so they count what is really allocated,
//! not file lengths, and they never leave the folder they were asked about. What lies in it is foreign:
//! the walk goes by descriptors, so that nothing hides below a path that is too long to say.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use rustix::fd::AsFd;
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, openat, statat};
use rustix::io::Errno;

/// How many levels of folders are looked at; each takes a descriptor while its own are walked.
const MAX_LEVELS: usize = 512;
/// What an entry takes at least: an empty file has no blocks, but an inode.
const ENTRY: u64 = 4096;

/// Bytes that an unprivileged process may still write to the file system that holds `path`.
///
/// # Errors
/// When `path` does not exist or cannot be reached.
pub fn disk_free(path: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(path)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Why the size of a folder is not known.
#[derive(Debug, thiserror::Error)]
pub enum SizeError {
    /// The folder itself cannot be looked at.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Folders lie in each other deeper than anything of use does.
    #[error("folders lie in each other more than {MAX_LEVELS} levels deep")]
    TooDeep,
}

/// Bytes that the folder (or file) takes on disk. Symbolic links are not followed, other file
/// systems mounted inside are left out, hard links count once, every entry counts at least the
/// 4 KiB of an inode and its name, and what vanishes or cannot be read on the way counts nothing.
///
/// # Errors
/// When `path` itself cannot be looked at, or is too deep.
pub fn dir_size(path: &Path) -> Result<u64, SizeError> {
    let root = look_at(CWD, path).map_err(io::Error::from)?;
    let mut walk = Walk {
        device: root.st_dev,
        linked: HashSet::new(),
        total: on_disk(&root),
        levels: Vec::new(),
    };
    if is_dir(&root) {
        let folder = open_folder(CWD, path).map_err(io::Error::from)?;
        walk.levels.push(folder);
    }
    walk.run()?;
    Ok(walk.total)
}

/// A walk under way, without recursion: whoever fills folders does not fill our stack.
struct Walk {
    device: u64,
    /// Files with several names that were seen.
    linked: HashSet<(u64, u64)>,
    total: u64,
    /// The folders from the root to where the walk is.
    levels: Vec<Dir>,
}

impl Walk {
    fn run(&mut self) -> Result<(), SizeError> {
        while let Some(folder) = self.levels.last_mut() {
            match folder.read() {
                Some(Ok(entry)) if matches!(entry.file_name().to_bytes(), b"." | b"..") => {}
                Some(Ok(entry)) => self.visit(entry.file_name())?,
                Some(Err(_)) | None => drop(self.levels.pop()),
            }
        }
        Ok(())
    }

    fn visit(&mut self, name: &std::ffi::CStr) -> Result<(), SizeError> {
        let Some(Ok(parent)) = self.levels.last().map(Dir::fd) else {
            return Ok(());
        };
        let Ok(stat) = look_at(parent, name) else {
            return Ok(());
        };
        if !is_dir(&stat) {
            if stat.st_nlink < 2 || self.linked.insert((stat.st_dev, stat.st_ino)) {
                self.total = self.total.saturating_add(on_disk(&stat));
            }
            return Ok(());
        }
        // Only folders are compared: on overlayfs a file may report its layer's device.
        if stat.st_dev != self.device {
            return Ok(());
        }
        self.total = self.total.saturating_add(on_disk(&stat));
        let folder = match open_folder(parent, name) {
            Ok(folder) => folder,
            // Nothing hides from the measure because we have no descriptor left for it.
            Err(Errno::MFILE) => return Err(SizeError::TooDeep),
            Err(_) => return Ok(()),
        };
        if self.levels.len() >= MAX_LEVELS {
            return Err(SizeError::TooDeep);
        }
        self.levels.push(folder);
        Ok(())
    }
}

fn look_at(parent: impl AsFd, name: impl rustix::path::Arg) -> Result<Stat, Errno> {
    statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
}

fn open_folder(parent: impl AsFd, name: impl rustix::path::Arg) -> Result<Dir, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Dir::new(openat(parent, name, flags, Mode::empty())?)
}

fn is_dir(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::Directory
}

/// `st_blocks` is in units of 512 bytes whatever the file system's block size.
fn on_disk(stat: &Stat) -> u64 {
    let blocks = u64::try_from(stat.st_blocks).unwrap_or(0);
    blocks.saturating_mul(512).max(ENTRY)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::fd::OwnedFd;

    use rustix::fs::mkdirat;

    use super::*;

    /// Makes so many folders of this name in each other and gives the innermost.
    fn nested(root: &Path, name: &str, levels: usize) -> OwnedFd {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut folder = openat(CWD, root, flags, Mode::empty()).unwrap();
        for _ in 0..levels {
            mkdirat(&folder, name, Mode::RWXU).unwrap();
            folder = openat(&folder, name, flags, Mode::empty()).unwrap();
        }
        folder
    }

    #[test]
    fn nothing_hides_below_a_path_too_long_to_say() {
        let dir = tempfile::tempdir().unwrap();
        let folder = nested(dir.path(), &"n".repeat(250), 20);
        let flags = OFlags::CREATE | OFlags::WRONLY;
        let file = openat(&folder, "big", flags, Mode::RUSR).unwrap();
        rustix::io::write(&file, &vec![1; 1 << 20]).unwrap();
        assert!(dir_size(dir.path()).unwrap() > 1 << 20);
    }

    #[test]
    fn folders_that_no_source_needs_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        nested(dir.path(), "d", MAX_LEVELS - 1);
        dir_size(dir.path()).unwrap();
        nested(&dir.path().join("d"), "e", MAX_LEVELS - 1);
        let refused = dir_size(dir.path());
        assert!(matches!(refused, Err(SizeError::TooDeep)), "{refused:?}");
    }

    #[test]
    fn empty_files_count_their_inodes() {
        let dir = tempfile::tempdir().unwrap();
        for name in 0..100 {
            fs::write(dir.path().join(name.to_string()), "").unwrap();
        }
        assert!(dir_size(dir.path()).unwrap() >= 100 * ENTRY);
    }

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
