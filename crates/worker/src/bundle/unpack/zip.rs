//! Zip archives.

use std::io::{Read, Seek};

use ::zip::ZipArchive;
use ::zip::read::ZipFile;

use super::UnpackError;
use super::tree::Tree;

/// The bits of a mode that say what something is, and their values.
const KIND: u32 = 0o170_000;
const FILE: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;
const SYMLINK: u32 = 0o120_000;
/// The longest target of a link.
const MAX_TARGET: u64 = 4096;

pub(super) fn unpack(reader: impl Read + Seek, tree: &mut Tree) -> Result<(), UnpackError> {
    let archive = ZipArchive::new(reader);
    let mut archive = archive.map_err(|error| UnpackError::from_archive(&error))?;
    for index in 0..archive.len() {
        let entry = archive.by_index(index);
        let entry = entry.map_err(|error| UnpackError::from_archive(&error))?;
        unpack_entry(entry, tree)?;
    }
    Ok(())
}

fn unpack_entry<R: Read + ?Sized>(
    mut entry: ZipFile<'_, R>,
    tree: &mut Tree,
) -> Result<(), UnpackError> {
    let name = entry.name_raw().to_vec();
    let mode = entry.unix_mode().unwrap_or(0);
    // Who packs on another system says nothing of a kind.
    match mode & KIND {
        _ if entry.is_dir() => tree.folder(&name),
        FOLDER => tree.folder(&name),
        0 | FILE => tree.file(&name, mode, &mut entry).map(drop),
        SYMLINK => {
            let mut target = Vec::new();
            let read = entry.take(MAX_TARGET).read_to_end(&mut target);
            read.map_err(|error| UnpackError::from_archive(&error))?;
            tree.symlink(&name, &target)
        }
        _ => {
            let name = String::from_utf8_lossy(&name);
            let why = format!("`{name}` is no file, folder or link");
            Err(UnpackError::Invalid(why))
        }
    }
}
