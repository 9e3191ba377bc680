//! The heads of a repository, as refs with their commits.

use super::pulls::PullRequests;
use git::{CommitSha, Heads, RefName};
use std::collections::BTreeMap;

/// A ref whose commits may build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Its commit.
    pub(super) sha: CommitSha,
    /// The branch that the commit is on.
    pub(super) branch: String,
    /// The pull request that it is the head of; of a branch none.
    pub(super) pull_request: Option<i64>,
}

/// All of them, by their refs. Pull requests have the same ref whichever the forge.
pub(super) type ByRef = BTreeMap<String, Head>;

const PULLS: &str = "refs/pull/";

/// Whether it is a pull request's.
pub(super) fn is_pull_request(name: &str) -> bool {
    name.starts_with(PULLS)
}

pub(super) fn branches(heads: &Heads) -> ByRef {
    let head = |(branch, sha): (&String, &CommitSha)| {
        let head = Head {
            sha: sha.clone(),
            branch: branch.clone(),
            pull_request: None,
        };
        (format!("refs/heads/{branch}"), head)
    };
    heads.branches.iter().map(head).collect()
}

/// Those of the pull requests that are from the repository's own branches.
pub(super) fn pull_requests(heads: &Heads, pulls: &PullRequests) -> ByRef {
    let head = |(number, branch): (&i64, &String)| {
        let head = Head {
            sha: heads.branches.get(branch)?.clone(),
            branch: branch.clone(),
            pull_request: Some(*number),
        };
        Some((format!("{PULLS}{number}/head"), head))
    };
    pulls.iter().filter_map(head).collect()
}

/// What is kept of them.
pub(super) fn commits(heads: &ByRef) -> BTreeMap<String, String> {
    let commit = |(name, head): (&String, &Head)| (name.clone(), head.sha.to_string());
    heads.iter().map(commit).collect()
}

impl Head {
    /// The ref that the commit can be fetched by.
    pub(super) fn fetched_by(&self) -> Option<RefName> {
        RefName::branch(&self.branch).ok()
    }
}
