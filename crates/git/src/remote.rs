//! Questions to a server that need no local copy: which branches, which commit.

use crate::classify;
use crate::error::GitError;
use crate::names::{CommitSha, RefName};
use crate::process::{Output, Progress, quiet};
use crate::runner::Git;
use crate::url::{Protocol, RepoUrl};

/// A branch and the commit it points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// The branch.
    pub name: RefName,
    /// Its newest commit.
    pub commit: CommitSha,
}

impl Git {
    /// The commit that a branch, or another ref, points to now.
    ///
    /// # Errors
    /// [`GitError::RefNotFound`] when the server has no such ref; any error of reaching it.
    pub async fn resolve_branch(
        &self,
        url: &RepoUrl,
        branch: &RefName,
    ) -> Result<CommitSha, GitError> {
        let refs = self.ls_remote(url, &[branch.as_full()]).await?;
        // The pattern also matches `refs/x/refs/heads/main`, so look for the very name.
        let found = refs.into_iter().find(|(name, _)| name == branch.as_full());
        found
            .map(|(_, commit)| commit)
            .ok_or_else(|| GitError::RefNotFound {
                url: url.to_string(),
                name: branch.short().to_owned(),
            })
    }

    /// All branches, in the server's order, which is by name. Branches with names that we would
    /// not use are left out.
    ///
    /// # Errors
    /// Any error of reaching the server.
    pub async fn list_branches(&self, url: &RepoUrl) -> Result<Vec<Branch>, GitError> {
        let refs = self.ls_remote(url, &["refs/heads/*"]).await?;
        let branches = refs.into_iter().filter_map(|(full, commit)| {
            let short = full.strip_prefix("refs/heads/")?;
            let name = RefName::branch(short).ok()?;
            Some(Branch { name, commit })
        });
        Ok(branches.collect())
    }

    async fn ls_remote(
        &self,
        url: &RepoUrl,
        patterns: &[&str],
    ) -> Result<Vec<(String, CommitSha)>, GitError> {
        let args = |url: &RepoUrl| {
            let mut args = vec!["ls-remote".to_owned(), "--refs".to_owned()];
            args.extend(["--end-of-options".to_owned(), url.to_string()]);
            args.extend(patterns.iter().map(|&pattern| pattern.to_owned()));
            args
        };
        let timeout = self.settings().question_timeout;
        let output = self.ask(url, args, timeout, &quiet).await?;
        Ok(output.text().lines().filter_map(parse_line).collect())
    }

    /// Runs a command against the server. When an http server redirects and the address lacks the
    /// `.git` that some forges redirect to, the address with `.git` is tried: it is the same
    /// server, so no check is gone round.
    pub(crate) async fn ask(
        &self,
        url: &RepoUrl,
        args: impl Fn(&RepoUrl) -> Vec<String>,
        timeout: std::time::Duration,
        progress: Progress<'_>,
    ) -> Result<Output, GitError> {
        let first = self.ask_once(url, args(url), timeout, progress).await;
        let is_http = matches!(url.protocol(), Protocol::Https | Protocol::Http);
        match (&first, url.with_git_suffix()) {
            (Err(GitError::Redirected { .. }), Some(other)) if is_http => {
                let again = self.ask_once(&other, args(&other), timeout, progress).await;
                again.or(first)
            }
            _ => first,
        }
    }

    async fn ask_once(
        &self,
        url: &RepoUrl,
        args: Vec<String>,
        timeout: std::time::Duration,
        progress: Progress<'_>,
    ) -> Result<Output, GitError> {
        let about = url.to_string();
        let call = self.call_to(url).await?.args(args);
        let program = &self.settings().program;
        let output = call.run(program, &about, timeout, progress).await?;
        if output.success {
            Ok(output)
        } else {
            Err(classify::to_error(&output.stderr, &about, ""))
        }
    }
}

/// `SHA<TAB>NAME`
fn parse_line(line: &str) -> Option<(String, CommitSha)> {
    let (sha, name) = line.split_once('\t')?;
    Some((name.to_owned(), CommitSha::parse(sha).ok()?))
}
