//! Questions to a server that need no local copy: which branches, which commit.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::classify;
use crate::error::GitError;
use crate::names::{CommitSha, RefName};
use crate::process::{Call, Output, Progress, quiet};
use crate::runner::Git;
use crate::url::{Protocol, RepoUrl};

/// The refs of all branches.
const BRANCHES: &str = "refs/heads/*";

/// A branch and the commit it points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// The branch.
    pub name: RefName,
    /// Its newest commit.
    pub commit: CommitSha,
}

/// A pull request, as far as a repository's refs tell of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// Its number.
    pub number: i64,
    /// Its newest commit.
    pub commit: CommitSha,
    /// Whether the forge keeps it merged for a try, which it does for open ones only. Others may be open
    /// all the same.
    pub is_open: bool,
    /// The branch that has the same newest commit: where it is from, unless it is from a fork.
    pub source: Option<RefName>,
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
        Ok(branches(self.ls_remote(url, &[BRANCHES]).await?))
    }

    /// All pull requests whose refs the forge keeps, the newest first; closed ones, too, on most.
    ///
    /// # Errors
    /// Any error of reaching the server.
    pub async fn list_pull_requests(&self, url: &RepoUrl) -> Result<Vec<PullRequest>, GitError> {
        let patterns = [BRANCHES, "refs/pull/*", "refs/merge-requests/*"];
        Ok(pull_requests(self.ls_remote(url, &patterns).await?))
    }

    /// The commit that a pull request's ref points to, and beside it all branches.
    ///
    /// # Errors
    /// [`GitError::RefNotFound`] when the server has no such ref; any error of reaching it.
    pub async fn resolve_pull_request(
        &self,
        url: &RepoUrl,
        name: &RefName,
    ) -> Result<(CommitSha, Vec<Branch>), GitError> {
        let refs = self.ls_remote(url, &[name.as_full(), BRANCHES]).await?;
        let found = refs.iter().find(|(full, _)| full == name.as_full());
        let commit = found.map(|(_, commit)| commit.clone());
        let commit = commit.ok_or_else(|| GitError::RefNotFound {
            url: url.to_string(),
            name: name.short().to_owned(),
        })?;
        Ok((commit, branches(refs)))
    }

    /// The commits that branches and tags point to.
    pub(crate) async fn tips(&self, url: &RepoUrl) -> Result<HashSet<CommitSha>, GitError> {
        let args = |url: &RepoUrl| {
            // Of tags with a text of their own also the commit below it is told.
            let ask = ["ls-remote", "--heads", "--tags", "--end-of-options"];
            let ask = ask.map(str::to_owned).into_iter();
            ask.chain([url.to_string()]).collect()
        };
        let timeout = self.settings().question_timeout;
        let output = self.ask(url, args, timeout, &quiet).await?;
        let refs = output.text();
        Ok(refs
            .lines()
            .filter_map(parse_line)
            .map(|(_, commit)| commit)
            .collect())
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
        let call = |url: &RepoUrl, call: Call| call.args(args(url));
        self.ask_with(url, call, timeout, progress).await
    }

    /// The same with all that a call may have.
    pub(crate) async fn ask_with(
        &self,
        url: &RepoUrl,
        make: impl Fn(&RepoUrl, Call) -> Call,
        timeout: std::time::Duration,
        progress: Progress<'_>,
    ) -> Result<Output, GitError> {
        let first = self.ask_once(url, &make, timeout, progress).await;
        let is_http = matches!(url.protocol(), Protocol::Https | Protocol::Http);
        match (&first, url.with_git_suffix()) {
            (Err(GitError::Redirected { .. }), Some(other)) if is_http => {
                let again = self.ask_once(&other, &make, timeout, progress).await;
                again.or(first)
            }
            _ => first,
        }
    }

    async fn ask_once(
        &self,
        url: &RepoUrl,
        make: &impl Fn(&RepoUrl, Call) -> Call,
        timeout: std::time::Duration,
        progress: Progress<'_>,
    ) -> Result<Output, GitError> {
        let about = url.to_string();
        let call = make(url, self.call_to(url).await?);
        let program = &self.settings().program;
        let output = call.run(program, &about, timeout, progress).await?;
        if output.success {
            Ok(output)
        } else {
            Err(classify::to_error(&output.stderr, &about, ""))
        }
    }
}

fn branches(refs: Vec<(String, CommitSha)>) -> Vec<Branch> {
    let branches = refs.into_iter().filter_map(|(full, commit)| {
        let short = full.strip_prefix("refs/heads/")?;
        let name = RefName::branch(short).ok()?;
        Some(Branch { name, commit })
    });
    branches.collect()
}

fn pull_requests(refs: Vec<(String, CommitSha)>) -> Vec<PullRequest> {
    let (mut branches, mut heads, mut merges) = (HashMap::new(), BTreeMap::new(), BTreeMap::new());
    for (name, commit) in refs {
        if let Some(branch) = name.strip_prefix("refs/heads/") {
            if let Ok(branch) = RefName::branch(branch) {
                branches.insert(commit, branch);
            }
        } else if let Some(number) = numbered(&name, "head") {
            heads.insert(number, commit);
        } else if let Some(number) = numbered(&name, "merge") {
            merges.insert(number, commit);
        }
    }
    // Some forges keep nothing but the merged form.
    for (number, commit) in &merges {
        heads.entry(*number).or_insert_with(|| commit.clone());
    }
    let pull_requests = heads.into_iter().map(|(number, commit)| PullRequest {
        number,
        is_open: merges.contains_key(&number),
        source: branches.get(&commit).cloned(),
        commit,
    });
    pull_requests.rev().collect()
}

/// The number in `refs/pull/NUMBER/KIND`, or in GitLab's form of it.
pub(crate) fn numbered(name: &str, kind: &str) -> Option<i64> {
    let folders = ["refs/pull/", "refs/merge-requests/"];
    let rest = folders
        .iter()
        .find_map(|folder| name.strip_prefix(folder))?;
    let (number, found) = rest.split_once('/')?;
    number.parse().ok().filter(|_| found == kind)
}

/// `SHA<TAB>NAME`
pub(crate) fn parse_line(line: &str) -> Option<(String, CommitSha)> {
    let (sha, name) = line.split_once('\t')?;
    Some((name.to_owned(), CommitSha::parse(sha).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refs_tell_of_pull_requests_what_they_can() {
        let sha = |digit: &str| CommitSha::parse(&digit.repeat(40)).unwrap();
        let refs = [
            ("refs/heads/feature/x", "a"),
            ("refs/pull/2/head", "a"),
            ("refs/pull/2/merge", "c"),
            ("refs/pull/10/head", "b"),
            ("refs/pull/3/merge", "d"),
            ("refs/merge-requests/7/head", "e"),
            ("refs/pull/x/head", "f"),
            ("refs/pull/8/head/odd", "f"),
        ];
        let refs = refs.map(|(name, digit)| (name.to_owned(), sha(digit)));
        let found: Vec<_> = pull_requests(refs.into())
            .into_iter()
            .map(|pull| {
                let source = pull.source.map(|source| source.to_string());
                (pull.number, pull.commit, pull.is_open, source)
            })
            .collect();
        let expected = [
            (10, sha("b"), false, None),
            (7, sha("e"), false, None),
            (3, sha("d"), true, None),
            (2, sha("a"), true, Some("feature/x".to_owned())),
        ];
        assert_eq!(found, expected);
    }
}
