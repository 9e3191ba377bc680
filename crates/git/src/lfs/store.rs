//! Objects that were fetched, in the mirror: they go with it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::pointer::Object;
use crate::error::GitError;
use crate::mirror::Mirror;

/// How the name of an object begins that is being written: one that a killed worker leaves is cleared
/// away with the mirror's own leftovers.
const DRAFT: &str = "tmp_";
/// Where objects are in a repository.
pub(crate) const FOLDER: &str = "lfs/objects";

/// The folder of objects, laid out as Git LFS itself does.
#[derive(Debug)]
pub(super) struct Objects {
    folder: PathBuf,
}

impl Objects {
    pub(super) fn of(mirror: &Mirror) -> Objects {
        Objects {
            folder: mirror.dir.join(FOLDER),
        }
    }

    /// The objects of a repository on this machine.
    pub(super) fn of_repository(folder: &Path) -> Objects {
        let inside = folder.join(".git");
        let folder = if inside.is_dir() { &inside } else { folder };
        Objects {
            folder: folder.join(FOLDER),
        }
    }

    pub(super) fn place(&self, object: &Object) -> PathBuf {
        let oid = object.oid.as_str();
        self.folder.join(&oid[..2]).join(&oid[2..4]).join(oid)
    }

    pub(super) fn has(&self, object: &Object) -> bool {
        let meta = fs::metadata(self.place(object));
        meta.is_ok_and(|meta| meta.is_file() && meta.len() == object.size)
    }

    /// Begins to write an object.
    pub(super) fn begin(&self, object: &Object) -> Result<Draft, GitError> {
        let place = self.place(object);
        let folder = place.parent().unwrap_or(&self.folder).to_path_buf();
        let failed = |error| GitError::io(&folder, error);
        fs::create_dir_all(&folder).map_err(failed)?;
        let file = tempfile::Builder::new()
            .prefix(DRAFT)
            .tempfile_in(&self.folder);
        let file = file.map_err(failed)?;
        Ok(Draft {
            object: object.clone(),
            place,
            file,
            hash: Sha256::new(),
            written: 0,
        })
    }

    /// Puts the object in the place of its pointer, with the pointer's mode.
    pub(super) fn put(&self, object: &Object, file: &Path) -> Result<(), GitError> {
        let from = self.place(object);
        if !self.has(object) {
            return Err(GitError::BrokenMirror {
                url: from.display().to_string(),
                detail: "an object of Git LFS is gone".to_owned(),
            });
        }
        let failed = |error| GitError::io(file, error);
        let mode = fs::metadata(file).map_err(failed)?.permissions();
        fs::copy(&from, file).map_err(failed)?;
        fs::set_permissions(file, mode).map_err(failed)
    }
}

/// An object that is being written. It comes to be only whole, and only as what was asked for.
pub(super) struct Draft {
    object: Object,
    place: PathBuf,
    file: tempfile::NamedTempFile,
    hash: Sha256,
    written: u64,
}

impl Draft {
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), GitError> {
        self.written += bytes.len() as u64;
        if self.written > self.object.size {
            return Err(self.other_than_asked());
        }
        self.hash.update(bytes);
        let written = self.file.write_all(bytes);
        written.map_err(|error| GitError::io(&self.place, error))
    }

    pub(super) fn finish(mut self) -> Result<(), GitError> {
        let digest = hex::encode(std::mem::take(&mut self.hash).finalize());
        if self.written != self.object.size || digest != self.object.oid {
            return Err(self.other_than_asked());
        }
        let kept = self.file.persist(&self.place);
        kept.map_err(|error| GitError::io(&self.place, error.error))?;
        Ok(())
    }

    fn other_than_asked(&self) -> GitError {
        GitError::Lfs(format!(
            "what the server has for {} is not what the commit points to",
            self.object.oid
        ))
    }
}
