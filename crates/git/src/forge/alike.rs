//! What GitHub's API and Gitea's, which is made after it, say in the same words: people, repositories and
//! pull requests. They differ in what they call the size of a page.

use super::ask::{Api, Pages};
use super::pulls::{Enough, ForgePullRequest, PullRequestHead, PullRequestState, Which};
use super::{Account, ForgeError, ForgeRepository};
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct User {
    pub(super) login: String,
    /// Absent or empty where it is not told.
    email: Option<String>,
}

#[derive(Deserialize)]
struct Repository {
    id: u64,
    name: String,
    full_name: String,
    html_url: String,
    owner: User,
}

impl From<Repository> for ForgeRepository {
    fn from(row: Repository) -> Self {
        ForgeRepository {
            id: row.id.to_string(),
            name: row.name,
            full_name: row.full_name,
            url: row.html_url,
            owner: row.owner.login,
        }
    }
}

#[derive(Deserialize)]
struct Pull {
    number: i64,
    state: String,
    merged_at: Option<String>,
    /// Of Gitea's only.
    #[serde(default)]
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
    /// Of Gitea's only.
    repo_id: Option<i64>,
    /// Nothing when the fork was deleted.
    repo: Option<RepositoryId>,
}

#[derive(Deserialize)]
struct RepositoryId {
    id: i64,
}

impl Side {
    fn repository(&self) -> Option<i64> {
        let of_repo = || self.repo.as_ref().map(|repo| repo.id);
        self.repo_id.or_else(of_repo)
    }
}

impl Pull {
    /// One that was pushed to Gitea's `refs/for/…` says that it is from the repository itself, but whoever
    /// reads that may make one; as one whose branch is gone, it then names its own ref for its branch.
    fn is_from_fork(&self) -> bool {
        let head = self.head.repository();
        let is_own = head.is_some() && head == self.base.repository();
        let has_branch = !self.head.name.starts_with("refs/");
        !(is_own && has_branch)
    }
}

impl From<Pull> for ForgePullRequest {
    fn from(row: Pull) -> Self {
        let merged = row.merged || row.merged_at.is_some();
        ForgePullRequest {
            is_from_fork: row.is_from_fork(),
            number: row.number,
            state: PullRequestState::of(row.state == "open", merged),
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

pub(super) async fn account(api: &Api) -> Result<Account, ForgeError> {
    let user: User = api.get(&["user"], &[]).await?;
    Ok(Account {
        login: user.login,
        email: user.email.unwrap_or_default(),
    })
}

/// The repositories, `size` being the name of the parameter for the rows of a page.
pub(super) async fn repositories(
    api: &Api,
    size: &str,
) -> Result<Vec<ForgeRepository>, ForgeError> {
    let rows: Vec<Repository> = api.every(&["user", "repos"], &[], size).await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// The pull requests, the newest first, as both forges have them unless they are asked otherwise.
pub(super) async fn pull_requests(
    api: &Api,
    (owner, name, which): (&str, &str, Which),
    size: &str,
    enough: Enough<'_>,
) -> Result<Vec<ForgePullRequest>, ForgeError> {
    let path = ["repos", owner, name, "pulls"];
    let query = [("state", which.word("all", "open"))];
    let pages = Pages::Numbered { size };
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
