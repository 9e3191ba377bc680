//! Fetching as little as possible.
//!
//! A build needs one commit and none of its history. Most servers hand out any commit by its sha;
//! some only what a branch points to; so three ways are tried, from the cheapest to the dearest:
//! the commit alone, the tip of its branch, everything.

use crate::error::GitError;
use crate::lock::{Lock, Mode};
use crate::mirror::Mirror;
use crate::names::{CommitSha, RefName};
use crate::process::{Progress, quiet};

/// What to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    commit: Option<CommitSha>,
    branch: Option<RefName>,
}

impl Want {
    /// Exactly this commit.
    #[must_use]
    pub fn commit(commit: CommitSha) -> Self {
        Self {
            commit: Some(commit),
            branch: None,
        }
    }

    /// Whatever the branch, or other ref, points to now.
    #[must_use]
    pub fn branch(branch: RefName) -> Self {
        Self {
            commit: None,
            branch: Some(branch),
        }
    }

    /// The branch that the commit is on: helps with servers that hand out branches only.
    #[must_use]
    pub fn on_branch(self, branch: RefName) -> Self {
        Self {
            branch: Some(branch),
            ..self
        }
    }

    /// The same, now that the commit is known.
    pub(crate) fn at(&self, commit: &CommitSha) -> Self {
        Self {
            commit: Some(commit.clone()),
            branch: self.branch.clone(),
        }
    }
}

/// Clears away what a fetch leaves that did not come to its end, when it is over for us.
struct TidyMirror<'a>(&'a Mirror);

impl Drop for TidyMirror<'_> {
    fn drop(&mut self) {
        // We still hold the only lock, and a git that is only just dying finishes nothing any more.
        self.0.clear_leftovers();
    }
}

impl Mirror {
    /// Makes sure that the commit wanted is here and says which it is. A commit that is here
    /// already costs no network; a branch costs one question. Builds of the same repository wait
    /// for each other's fetch.
    ///
    /// # Errors
    /// [`GitError::CommitNotFound`], [`GitError::RefNotFound`], any error of reaching the server.
    pub async fn fetch(&self, want: &Want, progress: Progress<'_>) -> Result<CommitSha, GitError> {
        let commit = match (&want.commit, &want.branch) {
            (Some(commit), _) => commit.clone(),
            (None, Some(branch)) => self.git.resolve_branch(&self.url, branch).await?,
            (None, None) => return Err(GitError::Other("nothing was asked for".to_owned())),
        };
        let lock = self.lock(Mode::Exclusive).await?;
        let branch = want.branch.as_ref();
        match self.bring(&lock, &commit, branch, progress).await {
            Err(GitError::BrokenMirror { detail, .. }) => {
                tracing::warn!(url = %self.url, detail, "mirror is broken, making it anew");
                progress("The local copy of the repository is broken; fetching it anew.");
                self.remove_locked(&lock).await?;
                self.bring(&lock, &commit, branch, progress).await?;
            }
            done => done?,
        }
        Ok(commit)
    }

    async fn bring(
        &self,
        lock: &Lock,
        commit: &CommitSha,
        branch: Option<&RefName>,
        progress: Progress<'_>,
    ) -> Result<(), GitError> {
        self.prepare_locked(lock).await?;
        if self.has(commit).await? {
            return self.keep(commit).await;
        }
        let supervisor = self.git.settings().supervisor.as_ref();
        let _watched = supervisor.map(|supervisor| supervisor.fetches_into(&self.dir));
        let _tidied = TidyMirror(self);
        match self.fetch_refs(&[commit.as_str()], true, progress).await {
            Ok(()) if self.has(commit).await? => return self.keep(commit).await,
            Ok(()) | Err(GitError::CommitNotFound { .. } | GitError::RefNotFound { .. }) => {}
            // An http server of the old kind cannot even be asked for a sha.
            Err(GitError::Other(_)) => {}
            Err(error) => return Err(error),
        }
        if let Some(branch) = branch {
            let tip = format!("+{}:refs/boatyard/tip", branch.as_full());
            match self.fetch_refs(&[&tip], true, progress).await {
                Ok(()) if self.has(commit).await? => return self.keep(commit).await,
                // The branch may be gone while the commit lives on elsewhere.
                Ok(()) | Err(GitError::RefNotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        progress("The server does not hand out this commit alone; fetching all branches.");
        let all = [
            "+refs/heads/*:refs/boatyard/heads/*",
            "+refs/tags/*:refs/boatyard/tags/*",
        ];
        self.fetch_refs(&all, false, progress).await?;
        if self.has(commit).await? {
            return self.keep(commit).await;
        }
        Err(GitError::CommitNotFound {
            url: self.url.to_string(),
            commit: commit.to_string(),
        })
    }

    /// Whether the commit is here, with all it needs: packs arrive whole or not at all.
    async fn has(&self, commit: &CommitSha) -> Result<bool, GitError> {
        let call = self.local().args(["cat-file", "-e", "--end-of-options"]);
        let call = call.arg(format!("{commit}^{{commit}}"));
        let about = self.url.to_string();
        Ok(self.git.run(call, &about, &quiet).await?.success)
    }

    /// Gives the commit a ref, so that later fetches tell the server that we have it.
    async fn keep(&self, commit: &CommitSha) -> Result<(), GitError> {
        let call = self.local().args(["update-ref", "--end-of-options"]);
        let name = format!("refs/boatyard/commits/{commit}");
        let call = call.args([name.as_str(), commit.as_str()]);
        self.run(call, &quiet).await.map(|_| ())
    }

    async fn fetch_refs(
        &self,
        refs: &[&str],
        shallow: bool,
        progress: Progress<'_>,
    ) -> Result<(), GitError> {
        // All of history, whether or not an earlier fetch has cut it off.
        let depth = if shallow {
            "--depth=1"
        } else {
            "--depth=2147483647"
        };
        let git_dir = format!("--git-dir={}", self.dir.display());
        let args = |url: &crate::url::RepoUrl| {
            let mut args: Vec<String> = [
                git_dir.as_str(),
                "fetch",
                depth,
                "--no-tags",
                "--no-write-fetch-head",
                "--no-auto-maintenance",
                "--no-recurse-submodules",
                "--progress",
                "--end-of-options",
            ]
            .map(str::to_owned)
            .into();
            args.push(url.to_string());
            args.extend(refs.iter().map(|&name| name.to_owned()));
            args
        };
        let timeout = self.git.settings().timeout;
        self.git
            .ask(&self.url, args, timeout, progress)
            .await
            .map(|_| ())
    }
}
