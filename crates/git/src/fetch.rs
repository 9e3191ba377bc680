//! Fetching as little as possible.
//!
//! A build needs one commit and none of its history. Most servers hand out any commit by its sha;
//! some only what a branch points to; so three ways are tried, from the cheapest to the dearest:
//! the commit alone, the tip of its branch, everything. Who asks for the history gets everything.

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
    history: bool,
}

impl Want {
    /// Exactly this commit.
    #[must_use]
    pub fn commit(commit: CommitSha) -> Self {
        Self {
            commit: Some(commit),
            branch: None,
            history: false,
        }
    }

    /// Whatever the branch, or other ref, points to now.
    #[must_use]
    pub fn branch(branch: RefName) -> Self {
        Self {
            commit: None,
            branch: Some(branch),
            history: false,
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

    /// Also all that led to it, and all branches and tags.
    #[must_use]
    pub fn with_history(self) -> Self {
        Self {
            history: true,
            ..self
        }
    }

    /// The same, now that the commit is known.
    pub(crate) fn at(&self, commit: &CommitSha) -> Self {
        Self {
            commit: Some(commit.clone()),
            ..self.clone()
        }
    }
}

/// How much comes with what is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The commit with its files, and nothing of what led to it.
    Commit,
    /// All of history, whether or not an earlier fetch has cut it off.
    History,
    /// The commits of all of history without their files, from a server that can leave them out.
    Graph,
}

impl Extent {
    /// Who fetches everything keeps no branch that is gone, whose name may be another one's folder by
    /// now.
    fn options(self) -> (&'static str, &'static str) {
        match self {
            Extent::Commit => ("--depth=1", "--no-prune"),
            Extent::History => ("--depth=2147483647", "--prune"),
            Extent::Graph => ("--filter=tree:0", "--prune"),
        }
    }
}

/// Clears away what a fetch leaves that did not come to its end, when it is over for us.
pub(crate) struct TidyMirror<'a>(pub(crate) &'a Mirror);

impl Drop for TidyMirror<'_> {
    fn drop(&mut self) {
        // We still hold the only lock, and a git that is only just dying finishes nothing any more.
        self.0.clear_leftovers();
    }
}

/// Every branch and every tag, beside our own refs.
pub(crate) const ALL: [&str; 2] = [
    "+refs/heads/*:refs/boatyard/heads/*",
    "+refs/tags/*:refs/boatyard/tags/*",
];

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
        match self.bring(&lock, &commit, want, progress).await {
            Err(GitError::BrokenMirror { detail, .. }) => {
                tracing::warn!(url = %self.url, detail, "mirror is broken, making it anew");
                progress("The local copy of the repository is broken; fetching it anew.");
                self.remove_locked(&lock).await?;
                self.bring(&lock, &commit, want, progress).await?;
            }
            done => done?,
        }
        Ok(commit)
    }

    async fn bring(
        &self,
        lock: &Lock,
        commit: &CommitSha,
        want: &Want,
        progress: Progress<'_>,
    ) -> Result<(), GitError> {
        self.prepare_locked(lock).await?;
        // Branches and tags may be new although the commit is not.
        if !want.history && self.has(commit).await? {
            return self.keep(commit).await;
        }
        let _watched = self.watched();
        let _tidied = TidyMirror(self);
        if want.history {
            self.fetch_history(commit, want.branch.as_ref(), progress)
                .await
        } else {
            self.fetch_commit(commit, want.branch.as_ref(), progress)
                .await
        }
    }

    /// Fetches a commit that may be gone by now, if the server hands it out; whether it is here.
    ///
    /// # Errors
    /// Any error of reaching the server.
    pub(crate) async fn fetch_if_there(&self, commit: &CommitSha) -> Result<bool, GitError> {
        let lock = self.lock(Mode::Exclusive).await?;
        self.prepare_locked(&lock).await?;
        if self.has(commit).await? {
            return Ok(true);
        }
        let _watched = self.watched();
        let _tidied = TidyMirror(self);
        match self.fetch_refs(&[commit.as_str()], Extent::Commit, &quiet).await {
            Ok(()) => {}
            // As servers say it that do not have it, or do not hand out what no branch leads to.
            Err(GitError::CommitNotFound { .. } | GitError::RefNotFound { .. }) => {}
            Err(GitError::Other(_)) => {}
            Err(error) => return Err(error),
        }
        let is_here = self.has(commit).await?;
        if is_here {
            self.keep(commit).await?;
        }
        Ok(is_here)
    }

    /// What counts what is written to the mirror, until it is dropped.
    pub(crate) fn watched(&self) -> Option<Box<dyn std::any::Any + Send>> {
        let supervisor = self.git.settings().supervisor.as_ref();
        supervisor.map(|supervisor| supervisor.fetches_into(&self.dir))
    }

    async fn fetch_commit(
        &self,
        commit: &CommitSha,
        branch: Option<&RefName>,
        progress: Progress<'_>,
    ) -> Result<(), GitError> {
        match self
            .fetch_refs(&[commit.as_str()], Extent::Commit, progress)
            .await
        {
            Ok(()) if self.has(commit).await? => return self.keep(commit).await,
            Ok(()) | Err(GitError::CommitNotFound { .. } | GitError::RefNotFound { .. }) => {}
            // An http server of the old kind cannot even be asked for a sha.
            Err(GitError::Other(_)) => {}
            Err(error) => return Err(error),
        }
        if let Some(branch) = branch {
            let tip = format!("+{}:refs/boatyard/tip", branch.as_full());
            match self.fetch_refs(&[&tip], Extent::Commit, progress).await {
                Ok(()) if self.has(commit).await? => return self.keep(commit).await,
                // The branch may be gone while the commit lives on elsewhere.
                Ok(()) | Err(GitError::RefNotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        progress("The server does not hand out this commit alone; fetching all branches.");
        self.fetch_refs(&ALL, Extent::History, progress).await?;
        if self.has(commit).await? {
            return self.keep(commit).await;
        }
        Err(self.no_commit(commit))
    }

    /// All branches and tags, and the commit where none of them leads to it.
    async fn fetch_history(
        &self,
        commit: &CommitSha,
        branch: Option<&RefName>,
        progress: Progress<'_>,
    ) -> Result<(), GitError> {
        self.fetch_refs(&ALL, Extent::History, progress).await?;
        let tip = branch.map(|branch| format!("+{}:refs/boatyard/tip", branch.as_full()));
        for name in [Some(commit.as_str()), tip.as_deref()]
            .into_iter()
            .flatten()
        {
            if self.has_history(commit).await? {
                break;
            }
            match self.fetch_refs(&[name], Extent::History, progress).await {
                Ok(()) | Err(GitError::CommitNotFound { .. } | GitError::RefNotFound { .. }) => {}
                Err(GitError::Other(_)) => {}
                Err(error) => return Err(error),
            }
        }
        if self.has_history(commit).await? {
            return self.keep(commit).await;
        }
        Err(self.no_commit(commit))
    }

    fn no_commit(&self, commit: &CommitSha) -> GitError {
        GitError::CommitNotFound {
            url: self.url.to_string(),
            commit: commit.to_string(),
        }
    }

    /// Whether the commit is here with all that led to it: no earlier fetch cut its history off.
    async fn has_history(&self, commit: &CommitSha) -> Result<bool, GitError> {
        if !self.has(commit).await? {
            return Ok(false);
        }
        let Ok(cut) = std::fs::read_to_string(self.dir.join("shallow")) else {
            return Ok(true);
        };
        let call = self.local().args(["rev-list", "--max-parents=0"]);
        let call = call.args(["--end-of-options", commit.as_str()]);
        let beginnings = self.run(call, &quiet).await?.text();
        Ok(!beginnings.lines().any(|first| cut.contains(first)))
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

    pub(crate) async fn fetch_refs(
        &self,
        refs: &[&str],
        extent: Extent,
        progress: Progress<'_>,
    ) -> Result<(), GitError> {
        let (extent, prune) = extent.options();
        let git_dir = format!("--git-dir={}", self.dir.display());
        let args = |url: &crate::url::RepoUrl| {
            let mut args: Vec<String> = [
                git_dir.as_str(),
                "fetch",
                extent,
                prune,
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
