//! The folders of one build: scratch that ends with it, and the service's cache that stays.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use domain::service::Architecture;
use protocol::Job;

use crate::cache::ServiceCache;
use crate::config::WorkerConfig;
use crate::engine::EngineFolders;
use crate::mounts::unmount_below;

/// Where git mirrors are kept, beside the services' folders.
pub(crate) const MIRRORS: &str = "git";
/// What is the engine's in a folder, where the engine may write and nothing else of ours lies.
const ENGINE: &str = "engine";

/// A build's folders.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// The build's own folder, removed at its end.
    pub(crate) scratch: PathBuf,
    /// Where the source goes.
    pub(crate) checkout: PathBuf,
    /// Mirrors of repositories, shared by all builds.
    pub(crate) mirrors: PathBuf,
    /// The service's cache; `None` when the service keeps none.
    pub(crate) cache: Option<ServiceCache>,
    /// What is the engine's in the cache.
    engine: String,
}

impl Workspace {
    /// Makes the build's folders; what an earlier attempt of the build left is removed.
    pub(crate) async fn prepare(config: &WorkerConfig, job: &Job) -> io::Result<Workspace> {
        for name in [&job.build_uid, &job.service_uid] {
            if !is_plain(name) {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    format!("{name:?} cannot be the name of a folder"),
                ));
            }
        }
        let scratch = std::path::absolute(config.work_dir.join(&job.build_uid))?;
        let cache_dir = std::path::absolute(&config.cache_dir)?;
        remove_on_thread(scratch.clone()).await?;
        fs::create_dir_all(&scratch)?;
        let mirrors = cache_dir.join(MIRRORS);
        fs::create_dir_all(&mirrors)?;
        let cache = if job.request.use_cache {
            let folder = cache_dir.join(&job.service_uid);
            Some(ServiceCache::open(folder, job.cache_generation).await?)
        } else {
            None
        };
        Ok(Workspace {
            checkout: scratch.join("source"),
            scratch,
            mirrors,
            cache,
            engine: engine_folder(job.request.architecture),
        })
    }

    /// Folders on every disk that the build writes to.
    pub(crate) fn disks(&self) -> Vec<PathBuf> {
        vec![self.scratch.clone(), self.mirrors.clone()]
    }

    /// The service's cache folder.
    pub(crate) fn cache_folder(&self) -> Option<&Path> {
        self.cache.as_ref().map(ServiceCache::folder)
    }

    /// The folders that are the engine's, made where they are not there.
    ///
    /// # Errors
    /// When they cannot be made.
    pub(crate) fn engine_folders(&self) -> io::Result<EngineFolders> {
        let folders = EngineFolders {
            scratch: self.scratch.join(ENGINE),
            cache: self.cache_folder().map(|cache| cache.join(&self.engine)),
        };
        for folder in folders.all() {
            fs::create_dir_all(folder)?;
        }
        Ok(folders)
    }

    /// Removes the build's folder, and the service's cache when it has grown too large and nobody
    /// else uses it.
    pub(crate) async fn clear(
        self,
        alone: Option<crate::cache::AloneInCache>,
        limit_mb: Option<u64>,
    ) {
        let cleared = tokio::task::spawn_blocking(move || {
            let pruned = alone.map_or(Ok(()), |alone| alone.prune(limit_mb));
            [remove(&self.scratch), pruned]
        });
        let results = cleared
            .await
            .unwrap_or_else(|error| [Err(error.into()), Ok(())]);
        for error in results.into_iter().filter_map(Result::err) {
            tracing::error!(%error, "a build's folders could not be cleared");
        }
    }
}

/// A folder for each architecture: the engine takes a layer that it finds for a layer of any.
fn engine_folder(asked: Option<Architecture>) -> String {
    match asked {
        Some(other) if Architecture::native() != asked => {
            format!("{ENGINE}-{}", other.machine_name())
        }
        _ => ENGINE.to_owned(),
    }
}

async fn remove_on_thread(folder: PathBuf) -> io::Result<()> {
    tokio::task::spawn_blocking(move || remove(&folder)).await?
}

fn remove(folder: &Path) -> io::Result<()> {
    unmount_below(folder);
    machine::remove_tree(folder)
}

/// Whether the text is one plain path component.
pub(crate) fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && name != MIRRORS
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        assert!(is_plain("0192f1a0-7c1e-7000-8000-000000000000"));
        for name in ["", ".", "..", "a/b", "git", "a b"] {
            assert!(!is_plain(name), "{name}");
        }
    }
}
