//! The file that keeps the keys: the one that seals first, older ones behind it while values are
//! still sealed with them.

use crate::{Key, VaultError};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

const HEAD: &str = "# Boatyard's keys: what seals the secrets in the database. Without them the secrets are lost,\n\
                    # with them and the database anybody can read them. The first key seals.\n";

/// A file of keys.
#[derive(Clone, Debug)]
pub struct KeyFile(PathBuf);

impl KeyFile {
    /// The file at this path, which need not be there yet.
    pub fn new(path: impl Into<PathBuf>) -> KeyFile {
        KeyFile(path.into())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Its keys; none when there is no such file.
    ///
    /// # Errors
    /// When it cannot be read or holds something else.
    pub fn read(&self) -> Result<Vec<Key>, VaultError> {
        match std::fs::read_to_string(&self.0) {
            Ok(text) => Key::parse_all(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the file anew, readable by its owner only, who stays the same: all of it is there and on
    /// the disk afterwards, or it is as it was.
    ///
    /// # Errors
    /// When the folder cannot be written to, or the file is somebody else's.
    pub fn write(&self, keys: &[Key]) -> Result<(), VaultError> {
        // A link stays one: what it leads to is what is kept.
        let path = std::fs::canonicalize(&self.0).unwrap_or_else(|_| self.0.clone());
        let mut beside = path.clone().into_os_string();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        // One that a crash left has whatever mode it has.
        let _ = std::fs::remove_file(&beside);
        let mut file = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&beside)?;
        if let Ok(present) = std::fs::metadata(&path)
            && present.uid() != file.metadata()?.uid()
        {
            fchown(&file, Some(present.uid()), None)?;
        }
        file.write_all(HEAD.as_bytes())?;
        for key in keys {
            file.write_all(key.to_hex().as_bytes())?;
            file.write_all(b"\n")?;
        }
        file.sync_all()?;
        std::fs::rename(&beside, &path)?;
        let folder = path.parent().filter(|path| !path.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn keys_are_kept_in_order_and_for_the_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::new(folder.path().join("secret.key"));
        assert!(file.read().unwrap().is_empty());
        let (old, new) = (Key::random(), Key::random());
        file.write(std::slice::from_ref(&old)).unwrap();
        file.write(&[new.clone(), old.clone()]).unwrap();
        let ids: Vec<_> = file.read().unwrap().iter().map(Key::id).collect();
        assert_eq!(ids, [new.id(), old.id()]);
        let mode = std::fs::metadata(file.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(file.path(), "not a key").unwrap();
        assert!(file.read().is_err());
    }

    #[test]
    fn a_link_to_the_file_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let (kept, link) = (folder.path().join("kept"), folder.path().join("link"));
        std::fs::write(&kept, "").unwrap();
        std::os::unix::fs::symlink(&kept, &link).unwrap();
        KeyFile::new(&link).write(&[Key::random()]).unwrap();
        assert_eq!(KeyFile::new(&kept).read().unwrap().len(), 1);
        assert!(link.is_symlink());
    }
}
