//! Laying a service's files into the build context. The context is what a stranger committed: links
//! in it lead nowhere here, and what stands where a file goes is replaced, not written through.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use domain::{FileContent, Reason};
use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, mkdirat, open, openat2, unlinkat};
use rustix::io::Errno;

use crate::failure::Failure;

/// What folders and files may be opened by.
const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
const NEW: OFlags = OFlags::WRONLY
    .union(OFlags::CREATE)
    .union(OFlags::EXCL)
    .union(OFlags::CLOEXEC);
/// Nothing of what a path says may lead elsewhere.
const INSIDE: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS);

/// Writes each file at its path in the context. Belongs on a blocking thread.
///
/// # Errors
/// When a path leads out of the context or over something that is no folder, or the disk is full.
pub(crate) fn lay(context: &Path, files: &BTreeMap<String, FileContent>) -> Result<(), Failure> {
    for (path, content) in files {
        let bytes = decoded(&format!("build file {path}"), content)?;
        write(context, path, &bytes).map_err(|error| not_laid(path, &error))?;
    }
    Ok(())
}

/// What is in a file.
pub(crate) fn decoded(what: &str, content: &FileContent) -> Result<Vec<u8>, Failure> {
    content.bytes().ok_or_else(|| {
        let problem = format!("The content of the {what} is not base64");
        Failure::new(Reason::EngineFailed, problem)
    })
}

fn write(context: &Path, path: &str, bytes: &[u8]) -> io::Result<()> {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let name = parts.next_back().ok_or(Errno::ISDIR)?;
    let mut folder = open(context, FOLDER, Mode::empty())?;
    for part in parts {
        folder = entered(&folder, part)?;
    }
    match unlinkat(&folder, plain(name)?, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(error) => return Err(error.into()),
    }
    let file = openat2(&folder, name, NEW, Mode::from_raw_mode(0o644), INSIDE)?;
    File::from(file).write_all(bytes)
}

/// The folder in a folder, made where there is none.
fn entered(folder: &OwnedFd, part: &str) -> io::Result<OwnedFd> {
    match mkdirat(folder, plain(part)?, Mode::from_raw_mode(0o755)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(openat2(folder, part, FOLDER, Mode::empty(), INSIDE)?)
}

fn plain(part: &str) -> io::Result<&str> {
    if matches!(part, "." | "..") || part.contains('\0') {
        return Err(Errno::XDEV.into());
    }
    Ok(part)
}

fn not_laid(path: &str, error: &io::Error) -> Failure {
    let (reason, why) = match Errno::from_io_error(error) {
        Some(Errno::NOSPC) => (Reason::DiskFull, "the machine's disk is full".to_owned()),
        Some(Errno::LOOP | Errno::NOTDIR | Errno::EXIST) => (
            Reason::PathNotAllowed,
            "on the way there the repository has something else than a folder".to_owned(),
        ),
        Some(Errno::ISDIR) => (
            Reason::PathNotAllowed,
            "there is a folder in its place".to_owned(),
        ),
        Some(Errno::XDEV) => (
            Reason::PathNotAllowed,
            "the path leads out of the build context".to_owned(),
        ),
        _ => (Reason::EngineFailed, error.to_string()),
    };
    Failure::new(
        reason,
        format!("The build file {path} cannot be put into the context: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn lay_one(context: &Path, path: &str) -> Result<(), Reason> {
        let files = [(path.to_owned(), FileContent::of_text("new"))].into();
        lay(context, &files).map_err(|failure| failure.reason)
    }

    #[test]
    fn files_land_where_they_say_and_replace_what_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let (outside, context) = (dir.path().join("outside"), dir.path().join("context"));
        fs::create_dir(&context).unwrap();
        fs::write(&outside, "old").unwrap();
        fs::write(context.join("plain"), "old").unwrap();
        symlink(&outside, context.join("link")).unwrap();
        fs::hard_link(&outside, context.join("twin")).unwrap();
        for path in ["/plain", "/link", "/twin", "/deep/er/file", "bare"] {
            lay_one(&context, path).unwrap();
            let meta = context.join(path.trim_start_matches('/'));
            assert!(meta.symlink_metadata().unwrap().is_file(), "{path}");
            assert_eq!(fs::read_to_string(meta).unwrap(), "new", "{path}");
        }
        assert_eq!(fs::read_to_string(&outside).unwrap(), "old");
    }

    #[test]
    fn nothing_is_written_elsewhere() {
        let dir = tempfile::tempdir().unwrap();
        let context = dir.path().join("context");
        fs::create_dir_all(context.join("folder")).unwrap();
        fs::write(context.join("file"), "old").unwrap();
        symlink("..", context.join("up")).unwrap();
        symlink("folder", context.join("beside")).unwrap();
        for path in [
            "/../x",
            "/up/x",
            "/beside/x",
            "/file/x",
            "/folder",
            "/",
            "",
            "/a/../../x",
            "/.",
        ] {
            assert_eq!(
                lay_one(&context, path),
                Err(Reason::PathNotAllowed),
                "{path}"
            );
        }
        let names = fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(names, 1, "only the context");
    }

    #[test]
    fn what_is_not_base64_is_refused() {
        let content = FileContent {
            data: "*".into(),
            encoding: "utf-8".into(),
        };
        let files = [("/x".to_owned(), content)].into();
        let dir = tempfile::tempdir().unwrap();
        assert!(lay(dir.path(), &files).is_err());
    }
}
