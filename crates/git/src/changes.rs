//! What changed between two commits: enough to tell whether to build, without a checkout.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::classify;
use crate::error::GitError;
use crate::fetch::Want;
use crate::lock::Mode;
use crate::mirror::Mirror;
use crate::names::{CommitSha, RefName};
use crate::process::quiet;

/// As much of a list of paths as is read, in bytes.
const MAX_LIST: usize = 4 << 20;

/// What a commit brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// The commit's message.
    pub message: String,
    /// The files that are other ones than in the commit that it is compared with; `None` when there is
    /// none to compare with, or when they are too many to list.
    pub paths: Option<Vec<PathBuf>>,
}

impl Mirror {
    /// What a commit of a branch brings, compared with another commit, if that is still to be had. Fetches
    /// what is not here yet.
    ///
    /// # Errors
    /// Any error of reaching the server.
    pub async fn changes(
        &self,
        commit: &CommitSha,
        branch: &RefName,
        since: Option<&CommitSha>,
    ) -> Result<Changes, GitError> {
        let want = Want::commit(commit.clone()).on_branch(branch.clone());
        self.fetch(&want, &quiet).await?;
        let message = self.commit_info(commit).await?.message;
        let paths = match since {
            Some(since) if self.fetch_if_there(since).await? => {
                self.differing(since, commit).await?
            }
            _ => None,
        };
        Ok(Changes { message, paths })
    }

    async fn differing(
        &self,
        from: &CommitSha,
        to: &CommitSha,
    ) -> Result<Option<Vec<PathBuf>>, GitError> {
        let _lock = self.lock(Mode::Shared).await?;
        let call = self.local().args([
            "diff-tree",
            "-r",
            "-z",
            "--name-only",
            "--no-renames",
            "--no-ext-diff",
            "--end-of-options",
            from.as_str(),
            to.as_str(),
        ]);
        let call = call.answers_within(MAX_LIST);
        let (settings, about) = (self.git.settings(), self.url.to_string());
        let asked = call.run(&settings.program, &about, settings.question_timeout, &quiet);
        match asked.await {
            Ok(output) if output.success => Ok(Some(paths(&output.stdout))),
            Ok(output) => Err(classify::to_error(&output.stderr, &about, "")),
            // Small to fetch and endless to look through: it can be made so.
            Err(GitError::TooMuch { .. } | GitError::Timeout { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn paths(list: &[u8]) -> Vec<PathBuf> {
    let names = list
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty());
    names.map(|name| OsStr::from_bytes(name).into()).collect()
}
