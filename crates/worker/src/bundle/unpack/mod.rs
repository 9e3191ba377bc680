//! From an archive that anybody may have made to files and folders below one folder.
//!
//! What an archive is, its first bytes say: not its name, nor its server.

mod tar;
mod tree;
mod zip;

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::PathBuf;

use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};

use tree::Tree;

/// What to unpack.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    /// The archive.
    pub(super) archive: PathBuf,
    /// Where to; made if it is not there.
    pub(super) into: PathBuf,
    /// How many bytes it may take there.
    pub(super) budget: u64,
}

/// Why it was not unpacked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum UnpackError {
    /// It is no archive that is known here, is broken, or holds what may not be in it; in words.
    Invalid(String),
    /// It takes more than it may.
    TooLarge,
    /// The disk is full.
    DiskFull,
    /// The disk does not take it; in words.
    Disk(String),
}

impl UnpackError {
    /// What the disk says.
    pub(super) fn from_disk(error: &io::Error) -> UnpackError {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => UnpackError::DiskFull,
            // Names are the archive's.
            io::ErrorKind::InvalidFilename => {
                UnpackError::Invalid("it has names that are too long".to_owned())
            }
            _ => UnpackError::Disk(error.to_string()),
        }
    }

    /// What reading the archive says.
    fn from_archive(error: &impl std::fmt::Display) -> UnpackError {
        UnpackError::Invalid(format!("it is broken: {error}"))
    }
}

/// Does what the plan says and tells the outcome on standard output. This is
/// `boatyard worker --unpack PLAN`.
///
/// # Errors
/// When the plan is none, or nobody listens.
pub fn unpack_errand(plan: &str) -> io::Result<()> {
    // The folder is the build's: its files have the same modes everywhere.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    let plan: Plan = serde_json::from_str(plan)?;
    let told = serde_json::to_vec(&unpack(&plan))?;
    io::stdout().write_all(&told)
}

fn unpack(plan: &Plan) -> Result<(), UnpackError> {
    let on_disk = |error: io::Error| UnpackError::from_disk(&error);
    std::fs::create_dir_all(&plan.into).map_err(on_disk)?;
    let mut file = File::open(&plan.archive).map_err(on_disk)?;
    let mut head = Vec::with_capacity(tar::BLOCK);
    let reader = Read::by_ref(&mut file);
    let beginning = reader.take(tar::BLOCK as u64).read_to_end(&mut head);
    beginning.map_err(on_disk)?;
    file.rewind().map_err(on_disk)?;
    let mut tree = Tree::new(&plan.into, plan.budget);
    let reader = BufReader::new(file);
    match head.as_slice() {
        [0x1f, 0x8b, ..] => tar::unpack(MultiGzDecoder::new(reader), &mut tree)?,
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => zip::unpack(reader, &mut tree)?,
        block if tar::is_header(block) => tar::unpack(reader, &mut tree)?,
        _ => {
            let known = "it is not a tar, tar.gz or zip archive";
            return Err(UnpackError::Invalid(known.to_owned()));
        }
    }
    if tree.is_empty() {
        return Err(UnpackError::Invalid("there is nothing in it".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
