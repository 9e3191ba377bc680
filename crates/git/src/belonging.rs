//! Whether a commit that somebody names is the repository's own. Forges keep what is in forks beside the
//! repository itself and hand out a fork's commit by its sha as if it were the repository's; but no
//! branch or tag of the repository leads to it.

use crate::error::GitError;
use crate::fetch::{ALL, Extent, TidyMirror};
use crate::lock::{Lock, Mode};
use crate::mirror::Mirror;
use crate::names::CommitSha;
use crate::process::{Progress, quiet};

impl Mirror {
    /// Whether a branch or tag of the repository leads to the commit. The newest commit of one costs a
    /// question; for another one all commits are fetched, without their files where the server can
    /// leave these out, and kept, so that the next time costs what is new.
    ///
    /// # Errors
    /// Any error of reaching the server.
    pub async fn leads_to(
        &self,
        commit: &CommitSha,
        progress: Progress<'_>,
    ) -> Result<bool, GitError> {
        if self.git.tips(&self.url).await?.contains(commit) {
            return Ok(true);
        }
        let graph = self.graph();
        let lock = graph.lock(Mode::Exclusive).await?;
        if graph.knows(commit).await? {
            return Ok(true);
        }
        progress("The commit is the newest of no branch or tag; looking for it in their history.");
        match graph.fetch_graph(&lock, progress).await {
            Err(GitError::BrokenMirror { detail, .. }) => {
                tracing::warn!(url = %self.url, detail, "mirror is broken, making it anew");
                graph.remove_locked(&lock).await?;
                graph.fetch_graph(&lock, progress).await?;
            }
            done => done?,
        }
        graph.knows(commit).await
    }

    async fn fetch_graph(&self, lock: &Lock, progress: Progress<'_>) -> Result<(), GitError> {
        self.prepare_locked(lock).await?;
        let _watched = self.watched();
        let _tidied = TidyMirror(self);
        self.fetch_refs(&ALL, Extent::Graph, progress).await
    }

    /// Whether one of the refs that are here leads to the commit. One that is not here is not asked
    /// for: the server would hand it out, and prove nothing.
    async fn knows(&self, commit: &CommitSha) -> Result<bool, GitError> {
        if !self.dir.join("HEAD").is_file() {
            return Ok(false);
        }
        let call = self.local().env("GIT_ALLOW_PROTOCOL", "");
        let call = call.env("GIT_NO_LAZY_FETCH", "1");
        let call = call.args(["for-each-ref", "--count=1", "--contains", commit.as_str()]);
        let call = call.args(["refs/boatyard/heads/", "refs/boatyard/tags/"]);
        let about = self.url.to_string();
        let output = self.git.run(call, &about, &quiet).await?;
        Ok(output.success && !output.stdout.is_empty())
    }
}
