//! GitHub. Source: its REST API's reference, "Users", "Repositories", "Branches", "Commits", "Pulls".

use super::ask::{Api, Pages, below};
use super::pulls::{Enough, ForgePullRequest, PullRequestHead, PullRequestState, Which};
use super::{Account, ForgeBranch, ForgeCommit, ForgeError, ForgeRepository};
use serde::Deserialize;
use url::Url;

#[derive(Deserialize)]
struct User {
    login: String,
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

pub(super) async fn account(api: &Api) -> Result<Account, ForgeError> {
    let user: User = api.get(&["user"], &[]).await?;
    Ok(Account {
        login: user.login,
        email: user.email.unwrap_or_default(),
    })
}

pub(super) async fn repositories(api: &Api) -> Result<Vec<ForgeRepository>, ForgeError> {
    let rows: Vec<Repository> = api.every(&["user", "repos"], &[], "per_page").await?;
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
    let rows: Vec<Branch> = api.every(&path, &[], "per_page").await?;
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

/// A pull request, in the words that GitHub has for it.
#[derive(Deserialize)]
struct Pull {
    number: i64,
    state: String,
    merged_at: Option<String>,
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
    /// Nothing when the fork was deleted.
    repo: Option<RepositoryId>,
}

#[derive(Deserialize, PartialEq)]
struct RepositoryId {
    id: u64,
}

impl Pull {
    fn is_from_fork(&self) -> bool {
        self.head.repo.is_none() || self.head.repo != self.base.repo
    }
}

impl From<Pull> for ForgePullRequest {
    fn from(row: Pull) -> Self {
        ForgePullRequest {
            is_from_fork: row.is_from_fork(),
            number: row.number,
            state: PullRequestState::of(row.state == "open", row.merged_at.is_some()),
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
    let pages = Pages::Numbered { size: "per_page" };
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
