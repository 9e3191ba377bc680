//! The local copy of a repository, kept between builds.
//!
//! It is a cache in every respect: it may be thrown away at any time, it repairs itself by being
//! made anew, and it never answers for a repository to somebody it was not fetched for.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::checkout::{CheckoutOptions, Others};
use crate::classify::to_error;
use crate::error::GitError;
use crate::fetch::Want;
use crate::lfs;
use crate::lock::{Lock, Mode};
use crate::names::CommitSha;
use crate::process::{Call, Output, Progress, quiet};
use crate::runner::Git;
use crate::url::RepoUrl;

/// A bare repository in the cache folder, for one address and one scope.
#[derive(Debug, Clone)]
pub struct Mirror {
    pub(crate) git: Git,
    pub(crate) url: RepoUrl,
    pub(crate) scope: String,
    cache_dir: PathBuf,
    /// The bare repository.
    pub(crate) dir: PathBuf,
    lock_file: PathBuf,
}

impl Mirror {
    /// The mirror of `url` below `cache_dir`. Nothing is made or fetched yet.
    ///
    /// A commit that is there already is given out without asking the server again. So all who
    /// share a `scope` (a project's id, say) can read each other's sources, and those who may not
    /// must not share one; use one scope for everyone only where all repositories are public.
    #[must_use]
    pub fn open(git: &Git, cache_dir: &Path, url: &RepoUrl, scope: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(scope.as_bytes());
        hash.update([0]);
        hash.update(url.to_string().as_bytes());
        let name = hex::encode(hash.finalize());
        Self {
            git: git.clone(),
            url: url.clone(),
            scope: scope.to_owned(),
            cache_dir: cache_dir.to_path_buf(),
            dir: cache_dir.join(format!("{name}.git")),
            lock_file: cache_dir.join(format!("{name}.lock")),
        }
    }

    /// The mirror of another repository in the same cache, for the same readers.
    pub(crate) fn sibling(&self, url: &RepoUrl, others: Others) -> Self {
        let git = self.git.for_others(others);
        Self::open(&git, &self.cache_dir, url, &self.scope)
    }

    /// The mirror of the same repository that has commits without their files.
    pub(crate) fn graph(&self) -> Self {
        let scope = format!("{}/graph", self.scope);
        Self::open(&self.git, &self.cache_dir, &self.url, &scope)
    }

    /// The address, with credentials if it was given any.
    #[must_use]
    pub fn url(&self) -> &RepoUrl {
        &self.url
    }

    /// Fetches what is wanted, if it is not here yet, and checks it out into the folder `into`,
    /// which must be empty or missing. A broken mirror is made anew once on the way.
    ///
    /// # Errors
    /// Any error of reaching the server; [`GitError::BrokenMirror`] when making it anew was of no
    /// help.
    pub async fn obtain(
        &self,
        want: &Want,
        into: &Path,
        options: CheckoutOptions,
        progress: Progress<'_>,
    ) -> Result<CommitSha, GitError> {
        let commit = self.fetch(want, progress).await?;
        match self.checkout(&commit, into, options, progress).await {
            Err(GitError::BrokenMirror { detail, .. }) => {
                progress("The local copy of the repository is broken; fetching it anew.");
                tracing::warn!(url = %self.url, detail, "mirror is broken, making it anew");
                self.remove().await?;
                // A failed checkout has begun to fill it.
                remove_tree(into, ()).await?;
                let want = want.at(&commit);
                self.fetch(&want, progress).await?;
                self.checkout(&commit, into, options, progress).await?;
                Ok(commit)
            }
            done => done.map(|()| commit),
        }
    }

    /// Throws the mirror away; the next fetch makes it anew.
    ///
    /// # Errors
    /// [`GitError::Timeout`] when others do not stop using it; [`GitError::Io`].
    pub async fn remove(&self) -> Result<(), GitError> {
        let lock = self.lock(Mode::Exclusive).await?;
        self.remove_locked(&lock).await
    }

    /// Whoever gives up waiting leaves the removal its lock: nobody makes the mirror anew meanwhile.
    pub(crate) async fn remove_locked(&self, lock: &Lock) -> Result<(), GitError> {
        remove_tree(&self.dir, lock.clone()).await
    }

    pub(crate) async fn lock(&self, mode: Mode) -> Result<Lock, GitError> {
        let cache = &self.cache_dir;
        fs::create_dir_all(cache).map_err(|error| GitError::io(cache, error))?;
        let patience = self.git.settings().timeout;
        let about = self.url.to_string();
        let lock = Lock::take(&self.lock_file, mode, patience, &about).await?;
        lock.touch();
        Ok(lock)
    }

    /// Makes the bare repository if there is none, and clears away what a killed git left behind.
    pub(crate) async fn prepare_locked(&self, lock: &Lock) -> Result<(), GitError> {
        if self.dir.join("HEAD").is_file() {
            self.clear_leftovers();
            return Ok(());
        }
        self.remove_locked(lock).await?;
        let init = self
            .git
            .call()
            .args(["init", "--quiet", "--bare", "--template="]);
        let init = init.args(["--object-format=sha1", "--end-of-options"]);
        self.run(init.arg(&self.dir), &quiet).await.map(|_| ())
    }

    /// Lock files and half-written packs of processes that are no more: we hold the only lock.
    pub(crate) fn clear_leftovers(&self) {
        let stale = |name: &str| name.ends_with(".lock") || name.starts_with("tmp_");
        let below = ["objects/pack", lfs::FOLDER].map(|folder| self.dir.join(folder));
        for folder in [self.dir.clone()].into_iter().chain(below) {
            let Ok(entries) = fs::read_dir(folder) else {
                continue;
            };
            for entry in entries.flatten() {
                if entry.file_name().to_str().is_some_and(stale) {
                    // What cannot be removed makes git complain, and the mirror is made anew.
                    let _ = fs::remove_file(entry.path());
                }
            }
        }
    }

    /// A git call on this repository.
    pub(crate) fn local(&self) -> Call {
        self.git.call().env("GIT_DIR", &self.dir)
    }

    /// Runs a local call and turns its failure into an error.
    pub(crate) async fn run(&self, call: Call, progress: Progress<'_>) -> Result<Output, GitError> {
        let about = self.url.to_string();
        let output = self.git.run(call, &about, progress).await?;
        if output.success {
            Ok(output)
        } else {
            Err(to_error(&output.stderr, &about, ""))
        }
    }
}

/// Removes the folder; what is `held` is let go of afterwards, even if nobody waits any more.
async fn remove_tree(folder: &Path, held: impl Send + 'static) -> Result<(), GitError> {
    let path = folder.to_path_buf();
    let remove = move || {
        let removed = machine::remove_tree(&path);
        drop(held);
        removed
    };
    tokio::task::spawn_blocking(remove)
        .await
        .map_err(std::io::Error::from)
        .flatten()
        .map_err(|error| GitError::io(folder, error))
}
