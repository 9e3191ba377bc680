//! Gitea and Forgejo. Source: their API's own description (`/api/swagger`), version 1.

use super::ask::{Api, Pages};
use super::pulls::{Enough, ForgePullRequest, PullRequestHead, PullRequestState, Which};
use super::{Account, ForgeBranch, ForgeCommit, ForgeError, ForgeRepository};
use serde::Deserialize;

#[derive(Deserialize)]
struct User {
    login: String,
    #[serde(default)]
    email: String,
}

#[derive(Deserialize)]
struct Repository {
    id: u64,
    name: String,
    full_name: String,
    html_url: String,
    owner: User,
}

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

pub(super) async fn account(api: &Api) -> Result<Account, ForgeError> {
    let user: User = api.get(&["user"], &[]).await?;
    Ok(Account {
        login: user.login,
        email: user.email,
    })
}

pub(super) async fn repositories(api: &Api) -> Result<Vec<ForgeRepository>, ForgeError> {
    let rows: Vec<Repository> = api.every(&["user", "repos"], &[], "limit").await?;
    let repository = |row: Repository| ForgeRepository {
        id: row.id.to_string(),
        name: row.name,
        full_name: row.full_name,
        url: row.html_url,
        owner: row.owner.login,
    };
    Ok(rows.into_iter().map(repository).collect())
}

pub(super) async fn branches(
    api: &Api,
    owner: &str,
    name: &str,
) -> Result<Vec<ForgeBranch>, ForgeError> {
    let path = ["repos", owner, name, "branches"];
    let rows: Vec<Branch> = api.every(&path, &[], "limit").await?;
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

/// A pull request, in the words that Gitea has for it.
#[derive(Deserialize)]
struct Pull {
    number: i64,
    state: String,
    merged: bool,
    title: String,
    head: Side,
    base: Side,
    created_at: String,
    updated_at: String,
    html_url: String,
}

#[derive(Deserialize)]
struct Side {
    #[serde(rename = "ref")]
    name: String,
    sha: String,
    repo_id: Option<i64>,
}

impl Pull {
    /// One that was pushed to `refs/for/…` says that it is from the repository itself, but whoever reads
    /// that may make one; as one whose branch is gone, it then names its own ref for its branch.
    fn is_from_fork(&self) -> bool {
        let (head, base) = (&self.head, &self.base);
        let is_own = head.repo_id.is_some() && head.repo_id == base.repo_id;
        let has_branch = !head.name.starts_with("refs/");
        !(is_own && has_branch)
    }
}

impl From<Pull> for ForgePullRequest {
    fn from(row: Pull) -> Self {
        ForgePullRequest {
            is_from_fork: row.is_from_fork(),
            number: row.number,
            state: PullRequestState::of(row.state == "open", row.merged),
            title: row.title,
            source: row.head.name,
            destination: row.base.name,
            sha: row.head.sha,
            created_at: row.created_at,
            updated_at: row.updated_at,
            url: row.html_url,
        }
    }
}

pub(super) async fn pull_requests(
    api: &Api,
    (owner, name, which): (&str, &str, Which),
    enough: Enough<'_>,
) -> Result<Vec<ForgePullRequest>, ForgeError> {
    // The newest first, unless it is asked otherwise.
    let (path, query) = (
        ["repos", owner, name, "pulls"],
        [("state", which.word("all", "open"))],
    );
    let pages = Pages::Numbered { size: "limit" };
    api.until(&path, &query, pages, |row: Pull| row.into(), enough)
        .await
}

pub(super) async fn pull_request_head(
    api: &Api,
    owner: &str,
    name: &str,
    number: i64,
) -> Result<PullRequestHead, ForgeError> {
    let path = ["repos", owner, name, "pulls", &number.to_string()];
    let pull: Pull = api.get(&path, &[]).await?;
    Ok(PullRequestHead {
        is_from_fork: pull.is_from_fork(),
        sha: Some(pull.head.sha),
        branch: pull.head.name,
    })
}
