//! GitHub. Source: its REST API's reference, "Branches", "Commits"; the rest is like
//! others ([`alike`](super::alike)).

use super::alike::User;
use super::ask::{Api, below};
use super::{ForgeBranch, ForgeCommit, ForgeError};
use serde::Deserialize;
use url::Url;

/// What the rows of a page are called.
pub(super) const SIZE: &str = "per_page";

#[derive(Deserialize)]
struct Branch {
    name: String,
    commit: Head,
}

#[derive(Deserialize)]
struct Head {
    sha: String,
}

#[derive(Deserialize)]
struct Commit {
    /// The account, where the address is known to be somebody's.
    author: Option<User>,
    commit: Words,
}

#[derive(Deserialize)]
struct Words {
    message: String,
    author: Author,
}

#[derive(Deserialize)]
struct Author {
    name: String,
    date: String,
}

/// GitHub's own API has a host of its own; an enterprise's is below its pages.
pub(super) fn api(url: &Url) -> Url {
    if url.host_str() == Some("github.com") {
        let mut api = url.clone();
        // A name in place of a name: it fits.
        let _ = api.set_host(Some("api.github.com"));
        return api;
    }
    below(url, &["api", "v3"])
}

pub(super) async fn branches(
    api: &Api,
    owner: &str,
    name: &str,
) -> Result<Vec<ForgeBranch>, ForgeError> {
    let path = ["repos", owner, name, "branches"];
    let rows: Vec<Branch> = api.every(&path, &[], SIZE).await?;
    let branch = |row: Branch| ForgeBranch {
        name: row.name,
        sha: row.commit.sha,
        commit: None,
    };
    Ok(rows.into_iter().map(branch).collect())
}

pub(super) async fn commit(
    api: &Api,
    owner: &str,
    name: &str,
    sha: &str,
) -> Result<ForgeCommit, ForgeError> {
    let path = ["repos", owner, name, "commits", sha];
    let Commit { author, commit } = api.get(&path, &[]).await?;
    Ok(ForgeCommit {
        author: author.map_or(commit.author.name, |user| user.login),
        message: commit.message,
        date: commit.author.date,
    })
}
