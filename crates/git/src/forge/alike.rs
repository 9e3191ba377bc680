//! What GitHub's API and Gitea's, which is made after it, say in the same words: people, repositories and
//! pull requests. They differ in what they call the size of a page.

use super::ask::{Api, Pages};
use super::pulls::{Enough, ForgePullRequest, PullRequestState};
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
pub(super) struct Pull {
    number: i64,
    state: String,
    merged_at: Option<String>,
    /// Of Gitea's only.
    #[serde(default)]
    merged: bool,
    title: String,
    pub(super) head: Side,
    pub(super) base: Side,
    created_at: String,
    updated_at: String,
    html_url: String,
}

#[derive(Deserialize)]
pub(super) struct Side {
    #[serde(rename = "ref")]
    pub(super) name: String,
    pub(super) sha: String,
    /// Of Gitea's only.
    pub(super) repo_id: Option<i64>,
    /// Nothing when the fork was deleted.
    pub(super) repo: Option<RepositoryId>,
}

#[derive(Deserialize, PartialEq)]
pub(super) struct RepositoryId {
    id: i64,
}

impl From<Pull> for ForgePullRequest {
    fn from(row: Pull) -> Self {
        let merged = row.merged || row.merged_at.is_some();
        ForgePullRequest {
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
    (owner, name): (&str, &str),
    size: &str,
    enough: Enough<'_>,
) -> Result<Vec<ForgePullRequest>, ForgeError> {
    let (path, query) = (["repos", owner, name, "pulls"], [("state", "all")]);
    let pages = Pages::Numbered { size };
    api.until(&path, &query, pages, |row: Pull| row.into(), enough)
        .await
}

/// One pull request; whose it is each forge tells in its own way.
pub(super) async fn pull_request(
    api: &Api,
    (owner, name): (&str, &str),
    number: i64,
) -> Result<Pull, ForgeError> {
    let path = ["repos", owner, name, "pulls", &number.to_string()];
    api.get(&path, &[]).await
}
