//! Gitea and Forgejo. Source: their API's own description (`/api/swagger`), version 1. What is like
//! GitHub's is in [`alike`](super::alike).

use super::alike;
use super::ask::Api;
use super::pulls::PullRequestHead;
use super::{ForgeBranch, ForgeCommit, ForgeError};
use serde::Deserialize;

/// What the rows of a page are called.
pub(super) const SIZE: &str = "limit";

#[derive(Deserialize)]
struct Branch {
    name: String,
    commit: Commit,
}

#[derive(Deserialize)]
struct Commit {
    id: String,
    message: String,
    timestamp: String,
    author: Author,
}

#[derive(Deserialize)]
struct Author {
    name: String,
    #[serde(default)]
    username: String,
}

pub(super) async fn branches(
    api: &Api,
    owner: &str,
    name: &str,
) -> Result<Vec<ForgeBranch>, ForgeError> {
    let path = ["repos", owner, name, "branches"];
    let rows: Vec<Branch> = api.every(&path, &[], SIZE).await?;
    let branch = |row: Branch| {
        let author = row.commit.author;
        let known = !author.username.is_empty();
        ForgeBranch {
            name: row.name,
            sha: row.commit.id,
            commit: Some(ForgeCommit {
                author: if known { author.username } else { author.name },
                message: row.commit.message,
                date: row.commit.timestamp,
            }),
        }
    };
    Ok(rows.into_iter().map(branch).collect())
}

/// A pull request that was pushed to `refs/for/…` says that it is from the repository itself, but whoever
/// reads that may make one; as one whose branch is gone, it then names its own ref for its branch.
pub(super) async fn pull_request_head(
    api: &Api,
    owner: &str,
    name: &str,
    number: i64,
) -> Result<PullRequestHead, ForgeError> {
    let alike::Pull { head, base, .. } = alike::pull_request(api, (owner, name), number).await?;
    let is_own = head.repo_id.is_some() && head.repo_id == base.repo_id;
    let has_branch = !head.name.starts_with("refs/");
    Ok(PullRequestHead {
        sha: Some(head.sha),
        branch: head.name,
        is_from_fork: !(is_own && has_branch),
    })
}
