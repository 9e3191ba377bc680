//! Where Buildah keeps layers: one storage per service, so that no service sees another's, or one
//! in the build's scratch when nothing is to be kept.
//!
//! What is kept for a moment only (mount counts, container state) lies in the scratch folder. So
//! builds of one service that run side by side share layers but never count each other's mounts,
//! which are in different namespaces anyway.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::EngineFolders;
use super::{explain::Listener, untrusted};

/// How layers are laid on each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Driver {
    /// Overlay mounts.
    Overlay,
    /// Whole copies: slow, large, works everywhere.
    Vfs,
}

impl Driver {
    pub(super) fn name(self) -> &'static str {
        match self {
            Driver::Overlay => "overlay",
            Driver::Vfs => "vfs",
        }
    }
}

/// Where Buildah keeps what `RUN --mount=type=cache` mounts, in its folder for temporary files; newer
/// versions put the user's number behind it.
const CACHE_MOUNTS: [&str; 2] = ["buildah-cache", "buildah-cache-0"];

/// The largest list of working containers that is read, in bytes.
const MAX_LIST: u64 = 16 << 20;

/// The folders of a storage.
#[derive(Clone, Debug)]
pub(super) struct Storage {
    base: PathBuf,
    run_root: PathBuf,
    kept: bool,
}

impl Storage {
    pub(super) fn open(folders: &EngineFolders) -> io::Result<Storage> {
        let base = folders.cache.as_ref().unwrap_or(&folders.scratch).clone();
        let run_root = folders.scratch.join("run");
        fs::create_dir_all(&base)?;
        fs::create_dir_all(&run_root)?;
        Ok(Storage {
            base,
            run_root,
            kept: folders.cache.is_some(),
        })
    }

    /// Lets what `RUN --mount=type=cache` mounts live with the layers: Buildah would keep it among its
    /// temporary files, which end with the build.
    pub(super) fn keep_cache_mounts(&self, tmp: &Path) -> io::Result<()> {
        let Some(kept) = self.cache_mounts() else {
            return Ok(());
        };
        fs::create_dir_all(&kept)?;
        for name in CACHE_MOUNTS {
            std::os::unix::fs::symlink(&kept, tmp.join(name))?;
        }
        Ok(())
    }

    /// What is kept of cache mounts.
    pub(super) fn cache_mounts(&self) -> Option<PathBuf> {
        self.kept.then(|| self.base.join("cache-mounts"))
    }

    /// Whether layers are kept for the next build.
    pub(super) fn is_kept(&self) -> bool {
        self.kept
    }

    pub(super) fn root(&self, driver: Driver) -> PathBuf {
        self.base.join(folder(driver))
    }

    pub(super) fn run_root(&self) -> &Path {
        &self.run_root
    }

    pub(super) fn has(&self, driver: Driver) -> bool {
        self.root(driver).is_dir()
    }

    /// Whether the storage holds working containers. Each is a build's that runs or was stopped.
    /// Belongs on a blocking thread.
    pub(super) fn has_containers(&self, driver: Driver) -> bool {
        let list = Path::new(folder(driver))
            .join(format!("{}-containers", driver.name()))
            .join("containers.json");
        untrusted::read(&self.base, list, MAX_LIST)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Vec<serde_json::Value>>(&bytes).ok())
            .is_some_and(|containers| !containers.is_empty())
    }

    /// The folders in which each layer is a folder.
    pub(super) fn layer_folders(&self) -> Vec<PathBuf> {
        vec![
            self.root(Driver::Overlay).join("overlay"),
            self.root(Driver::Vfs).join("vfs/dir"),
        ]
    }
}

/// Buildah refuses a storage that was made with another driver.
fn folder(driver: Driver) -> &'static str {
    match driver {
        Driver::Overlay => "storage",
        Driver::Vfs => "storage-vfs",
    }
}

/// Whether the engine could not even begin because the machine has no overlay mounts for it.
pub(super) fn overlay_refused(listener: &Listener) -> bool {
    !listener.began()
        && listener
            .error()
            .is_some_and(|error| error.contains("overlay"))
}
