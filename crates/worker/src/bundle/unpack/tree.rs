//! Files, folders and links below one folder, and never outside of it, within a size.
//!
//! Names are plain ones. Nothing is written through a link: what stands on the way to a name is a
//! folder that is one. A link's target climbs at its beginning only, and no higher than this tree, so
//! that wherever links lead in it, they stay.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use super::UnpackError;

/// What the smallest file or folder takes, in bytes.
const LEAST: u64 = 4096;
/// Folders in folders in …; the measure of a build's storage ends at more.
const MAX_DEPTH: usize = 256;
/// The bits of a mode by which somebody may run the file.
const EXECUTABLE: u32 = 0o111;

/// A tree that is being written.
#[derive(Debug)]
pub(super) struct Tree {
    root: PathBuf,
    left: u64,
    /// Folders that were made, or seen to be ones. Nothing takes their place.
    folders: HashSet<PathBuf>,
    empty: bool,
}

impl Tree {
    /// Writes below `root`, an empty folder, so many bytes at the most.
    pub(super) fn new(root: &Path, budget: u64) -> Tree {
        Tree {
            root: root.to_path_buf(),
            left: budget,
            folders: HashSet::new(),
            empty: true,
        }
    }

    /// Whether nothing was written.
    pub(super) fn is_empty(&self) -> bool {
        self.empty
    }

    pub(super) fn folder(&mut self, name: &[u8]) -> Result<(), UnpackError> {
        let name = plain(name)?;
        self.make_folders(&name)
    }

    /// Writes a file; only whether it may be run is taken from its mode. Tells how many bytes it has.
    pub(super) fn file(
        &mut self,
        name: &[u8],
        mode: u32,
        content: &mut dyn Read,
    ) -> Result<u64, UnpackError> {
        let place = self.place(name)?;
        let mode = if mode & EXECUTABLE == 0 { 0o644 } else { 0o755 };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(mode);
        let file = options.open(&place);
        let mut file = file.map_err(|error| UnpackError::from_disk(&error))?;
        self.copy(content, &mut file)
    }

    fn copy(&mut self, from: &mut dyn Read, to: &mut File) -> Result<u64, UnpackError> {
        let mut bytes = vec![0; 1 << 16];
        let mut written = 0;
        loop {
            let count = match from.read(&mut bytes) {
                Ok(0) => return Ok(written),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(UnpackError::from_archive(&error)),
            };
            self.charge(count as u64)?;
            let done = to.write_all(&bytes[..count]);
            done.map_err(|error| UnpackError::from_disk(&error))?;
            written += count as u64;
        }
    }

    pub(super) fn symlink(&mut self, name: &[u8], target: &[u8]) -> Result<(), UnpackError> {
        let depth = plain(name)?.components().count().saturating_sub(1);
        let target = Path::new(OsStr::from_bytes(target));
        if !stays(target, depth) {
            return Err(leads_out(name));
        }
        let place = self.place(name)?;
        symlink(target, place).map_err(|error| UnpackError::from_disk(&error))
    }

    pub(super) fn hard_link(&mut self, name: &[u8], target: &[u8]) -> Result<(), UnpackError> {
        let target = plain(target)?;
        let folder = target.parent().unwrap_or(Path::new(""));
        let from = self.root.join(&target);
        let is_file = || fs::symlink_metadata(&from).is_ok_and(|meta| meta.is_file());
        if !(folder.as_os_str().is_empty() || self.folders.contains(folder)) || !is_file() {
            return Err(leads_out(name));
        }
        let place = self.place(name)?;
        fs::hard_link(from, place).map_err(|error| UnpackError::from_disk(&error))
    }

    /// Where something new comes, with the folders on the way. What was there before makes room, as it
    /// does in every archive that names something twice, unless it is a folder.
    fn place(&mut self, name: &[u8]) -> Result<PathBuf, UnpackError> {
        let plain = plain(name)?;
        if let Some(folder) = plain.parent() {
            self.make_folders(folder)?;
        }
        self.charge(LEAST)?;
        self.empty = false;
        let place = self.root.join(&plain);
        match fs::remove_file(&place) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => return Err(in_the_way(name)),
        }
        Ok(place)
    }

    fn make_folders(&mut self, name: &Path) -> Result<(), UnpackError> {
        if self.folders.contains(name) {
            return Ok(());
        }
        let mut folder = PathBuf::new();
        for part in name.components() {
            folder.push(part);
            if self.folders.contains(&folder) {
                continue;
            }
            self.charge(LEAST)?;
            let made = fs::create_dir(self.root.join(&folder));
            match made {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    return Err(in_the_way(name.as_os_str().as_bytes()));
                }
                Err(error) => return Err(UnpackError::from_disk(&error)),
            }
            self.empty = false;
            self.folders.insert(folder.clone());
        }
        Ok(())
    }

    fn charge(&mut self, bytes: u64) -> Result<(), UnpackError> {
        let left = self.left.checked_sub(bytes);
        self.left = left.ok_or(UnpackError::TooLarge)?;
        Ok(())
    }
}

/// A name without anything that leads elsewhere.
fn plain(name: &[u8]) -> Result<PathBuf, UnpackError> {
    let mut plain = PathBuf::new();
    for component in Path::new(OsStr::from_bytes(name)).components() {
        match component {
            Component::Normal(part) => plain.push(part),
            Component::CurDir => {}
            Component::RootDir | Component::ParentDir | Component::Prefix(_) => {
                return Err(leads_out(name));
            }
        }
    }
    if name.contains(&0) {
        return Err(leads_out(name));
    }
    if plain.components().count() > MAX_DEPTH {
        let why = format!("it has more than {MAX_DEPTH} folders in each other");
        return Err(UnpackError::Invalid(why));
    }
    Ok(plain)
}

/// Whether a link so many folders deep that leads there stays in the tree.
fn stays(target: &Path, depth: usize) -> bool {
    let mut climbs = 0;
    let mut descends = false;
    for component in target.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if !descends => climbs += 1,
            Component::Normal(_) => descends = true,
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    climbs <= depth && !target.as_os_str().is_empty()
}

fn leads_out(name: &[u8]) -> UnpackError {
    let name = String::from_utf8_lossy(name);
    UnpackError::Invalid(format!("`{name}` leads out of it"))
}

fn in_the_way(name: &[u8]) -> UnpackError {
    let name = String::from_utf8_lossy(name);
    UnpackError::Invalid(format!("`{name}` is where something else is"))
}
