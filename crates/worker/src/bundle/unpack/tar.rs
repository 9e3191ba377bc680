//! Tar archives.

use std::io::Read;

use ::tar::{Archive, Entry, EntryType};

use super::UnpackError;
use super::tree::Tree;

/// The size of a header, in bytes.
pub(super) const BLOCK: usize = 512;
/// Where a header has its own sum, as octal digits; it counts as spaces.
const SUM: std::ops::Range<usize> = 148..156;

/// Whether the block begins a tar archive. The oldest ones have no word that says so, but all have the
/// sum of the block.
pub(super) fn is_header(block: &[u8]) -> bool {
    if block.len() < BLOCK {
        return false;
    }
    let digits = String::from_utf8_lossy(&block[SUM]);
    let digits = digits.trim_matches(['\0', ' ']);
    let sum = block.iter().enumerate().map(|(place, byte)| {
        let byte = if SUM.contains(&place) { b' ' } else { *byte };
        u32::from(byte)
    });
    u32::from_str_radix(digits, 8).is_ok_and(|said| said == sum.sum::<u32>())
}

pub(super) fn unpack(reader: impl Read, tree: &mut Tree) -> Result<(), UnpackError> {
    let mut archive = Archive::new(reader);
    let entries = archive.entries();
    for entry in entries.map_err(|error| UnpackError::from_archive(&error))? {
        let entry = entry.map_err(|error| UnpackError::from_archive(&error))?;
        unpack_entry(entry, tree)?;
    }
    Ok(())
}

fn unpack_entry(mut entry: Entry<'_, impl Read>, tree: &mut Tree) -> Result<(), UnpackError> {
    let name = entry.path_bytes().into_owned();
    let target = entry.link_name_bytes().unwrap_or_default().into_owned();
    match entry.header().entry_type() {
        EntryType::Directory => tree.folder(&name),
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            let mode = entry.header().mode().unwrap_or(0);
            let size = entry.size();
            let written = tree.file(&name, mode, &mut entry)?;
            // The reader takes an early end of the archive for the file's.
            if written == size {
                return Ok(());
            }
            Err(UnpackError::Invalid("it ends too early".to_owned()))
        }
        EntryType::Symlink => tree.symlink(&name, &target),
        EntryType::Link => tree.hard_link(&name, &target),
        // What git notes about the whole archive.
        EntryType::XGlobalHeader => Ok(()),
        _ => {
            let name = String::from_utf8_lossy(&name);
            let why = format!("`{name}` is no file, folder or link");
            Err(UnpackError::Invalid(why))
        }
    }
}
