//! Gitea and Forgejo. Source: their API's own description (`/api/swagger`), version 1. What is like
//! GitHub's is in [`alike`](super::alike).

use super::ask::Api;
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
