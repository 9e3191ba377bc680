//! Where a log's files are, and the few file operations that have to be done with care.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{At, Result};
use crate::key::Key;

/// The folders of a log store.
#[derive(Debug)]
pub(crate) struct Files {
    root: PathBuf,
    discarded: AtomicU64,
}

impl Files {
    /// Makes the folders where they lack, and clears away what a crash left half done.
    pub fn open(root: PathBuf) -> Result<Self> {
        let files = Self {
            root,
            discarded: AtomicU64::new(0),
        };
        for folder in ["tmp", "trash"] {
            remove_all(&files.root.join(folder))?;
        }
        for folder in ["live", "sealed", "tmp", "trash"] {
            let path = files.root.join(folder);
            fs::create_dir_all(&path).at(&path)?;
        }
        for key in files.unsealed()? {
            if files.is_sealed(&key) {
                files.discard(&files.live(&key))?;
            }
        }
        Ok(files)
    }

    /// The folder of a live log's segments.
    pub fn live(&self, key: &Key) -> PathBuf {
        self.root.join("live").join(key.as_str())
    }

    /// The folder of a sealed log.
    pub fn sealed(&self, key: &Key) -> PathBuf {
        self.root
            .join("sealed")
            .join(key.shard())
            .join(key.as_str())
    }

    /// Whether the log has been sealed.
    pub fn is_sealed(&self, key: &Key) -> bool {
        self.sealed(key).exists()
    }

    /// The builds that have a live log on disk.
    pub fn unsealed(&self) -> Result<Vec<Key>> {
        let live = self.root.join("live");
        let mut keys = Vec::new();
        for entry in fs::read_dir(&live).at(&live)? {
            let name = entry.at(&live)?.file_name();
            keys.extend(name.to_str().and_then(|name| Key::parse(name).ok()));
        }
        Ok(keys)
    }

    /// An empty folder to prepare a sealed log in.
    pub fn fresh_tmp(&self, key: &Key) -> Result<PathBuf> {
        let path = self.root.join("tmp").join(key.as_str());
        remove_all(&path)?;
        fs::create_dir(&path).at(&path)?;
        Ok(path)
    }

    /// Removes what was prepared.
    pub fn drop_tmp(&self, key: &Key) -> Result<()> {
        remove_all(&self.root.join("tmp").join(key.as_str()))
    }

    /// Makes the prepared folder the sealed log, at once and (when this returns) for good.
    ///
    /// # Errors
    /// An error before the rename leaves all as it was. After it the log is sealed, though a power failure might
    /// still undo the rename: the segments are then still there.
    pub fn commit(&self, key: &Key, tmp: &Path) -> Result<()> {
        sync_dir(tmp)?;
        let sealed = self.sealed(key);
        let root = self.root.join("sealed");
        let shard = root.join(key.shard());
        fs::create_dir_all(&shard).at(&shard)?;
        fs::rename(tmp, &sealed).at(&sealed)?;
        sync_dir(&shard)?;
        sync_dir(&root)
    }

    /// Deletes a folder, at once for whoever looks; does nothing where there is none.
    pub fn discard(&self, path: &Path) -> Result<()> {
        let number = self.discarded.fetch_add(1, Ordering::Relaxed);
        let trash = self.root.join("trash").join(number.to_string());
        match fs::rename(path, &trash) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            moved => {
                moved.at(path)?;
                remove_all(&trash)
            }
        }
    }
}

/// Makes the entries of a folder last.
pub(crate) fn sync_dir(path: &Path) -> Result<()> {
    File::open(path).and_then(|dir| dir.sync_all()).at(path)
}

fn remove_all(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.at(path),
    }
}
