//! Removing folders that foreign code has filled.
//!
//! The standard library recurses, with a stack frame and a descriptor a level: enough folders in
//! each other overflow the stack of whoever tidies up. GNU `rm` walks in a loop, by descriptors.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

/// How much of what `rm` says goes into an error.
const MAX_WORDS: usize = 300;

/// Removes a folder (or file) and everything below it on the same file system, however deep;
/// symbolic links are not followed. A missing one is fine. Belongs on a blocking thread.
///
/// # Errors
/// When something is left, with the first that `rm` said.
pub fn remove_tree(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        _ => {}
    }
    let output = Command::new("rm")
        .args(["-rf", "--one-file-system", "--"])
        .arg(path)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let first = said.lines().next().unwrap_or("rm said nothing");
    Err(io::Error::other(
        first.chars().take(MAX_WORDS).collect::<String>(),
    ))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};

    use super::*;

    /// Makes so many folders in each other, deeper than a path can say.
    fn nested(root: &Path, levels: usize) {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut folder = openat(CWD, root, flags, Mode::empty()).unwrap();
        for _ in 0..levels {
            mkdirat(&folder, "d", Mode::RWXU).unwrap();
            folder = openat(&folder, "d", flags, Mode::empty()).unwrap();
        }
    }

    #[test]
    fn depth_does_not_matter() {
        let dir = tempfile::tempdir().unwrap();
        nested(dir.path(), 15_000);
        remove_tree(&dir.path().join("d")).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn files_and_links_go_and_what_links_lead_to_stays() {
        let outside = tempfile::tempdir().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let odd = dir.path().join("-odd name");
        fs::create_dir(&odd).unwrap();
        std::os::unix::fs::symlink(outside.path(), odd.join("link")).unwrap();
        fs::write(odd.join("file"), "x").unwrap();
        remove_tree(&odd).unwrap();
        assert!(!odd.exists());
        assert!(outside.path().exists());
        remove_tree(&odd).unwrap();
    }

    #[test]
    fn what_cannot_be_removed_is_named() {
        let error = remove_tree(Path::new("/proc/self/status")).unwrap_err();
        assert!(error.to_string().contains("/proc/self/status"), "{error}");
    }
}
