//! Reading what the engine wrote, as somebody who does not trust it: a Dockerfile that got the better
//! of the engine may have put anything into its folders.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rustix::fs::{Mode, OFlags, ResolveFlags, open, openat2};

/// The content of a plain file in an engine's folder, up to `limit` bytes. Follows no link below the
/// folder and waits for nobody.
///
/// # Errors
/// When it is something else than a plain file, or larger.
pub(super) fn read(folder: &Path, file: impl AsRef<Path>, limit: u64) -> io::Result<Vec<u8>> {
    let folder = open(folder, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    let opened = File::from(openat2(
        folder,
        file.as_ref(),
        flags,
        Mode::empty(),
        resolve,
    )?);
    let meta = opened.metadata()?;
    if !meta.is_file() || meta.len() > limit {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{} is not what the engine writes", file.as_ref().display()),
        ));
    }
    let mut bytes = Vec::new();
    opened.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rustix::fs::CWD;

    use super::*;

    #[test]
    fn only_plain_small_files_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("inner")).unwrap();
        fs::write(at("inner/digest"), "sha256:1").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", at("link")).unwrap();
        std::os::unix::fs::symlink("inner", at("elsewhere")).unwrap();
        rustix::fs::mknodat(CWD, at("pipe"), rustix::fs::FileType::Fifo, Mode::RUSR, 0).unwrap();
        assert_eq!(read(dir.path(), "inner/digest", 8).unwrap(), b"sha256:1");
        for (name, limit) in [
            ("inner/digest", 7),
            ("link", 1 << 20),
            ("elsewhere/digest", 8),
            ("pipe", 8),
            ("inner", 8),
            ("../outside", 8),
            ("missing", 8),
        ] {
            assert!(read(dir.path(), name, limit).is_err(), "{name}");
        }
    }
}
