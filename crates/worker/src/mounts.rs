//! Taking down mounts that a killed engine left. With namespaces there are none; without, Buildah
//! leaves its overlays mounted, and a folder with a mount in it cannot be removed.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::mount::{UnmountFlags, unmount};

/// Unmounts everything below the folder.
pub(crate) fn unmount_below(folder: &Path) {
    let table = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
    // Later mounts may lie on earlier ones.
    for point in mount_points(&table).iter().rev() {
        if point.starts_with(folder)
            && point != folder
            && let Err(error) = unmount(point, UnmountFlags::DETACH)
        {
            tracing::warn!(%error, mount = %point.display(), "a mount is left");
        }
    }
}

/// The mount points in the format of `/proc/self/mountinfo`.
fn mount_points(table: &[u8]) -> Vec<PathBuf> {
    table
        .split(|byte| *byte == b'\n')
        .filter_map(|line| line.split(|byte| *byte == b' ').nth(4))
        .map(|field| PathBuf::from(OsString::from_vec(unescape(field))))
        .collect()
}

/// The kernel writes space, tab, line end and backslash as `\` and three octal digits.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, tail)) = rest.split_first() {
        let octal = (first == b'\\')
            .then(|| tail.get(..3))
            .flatten()
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        match octal {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[3..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_are_read() {
        let table = b"36 35 98:0 / /a\\040b/c rw - ext4 /dev/x rw\n37 1 0:1 / /\\134 rw\nshort\n";
        assert_eq!(mount_points(table), [Path::new("/a b/c"), Path::new("/\\")]);
    }
}
