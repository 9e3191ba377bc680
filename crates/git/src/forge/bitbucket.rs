//! Bitbucket Cloud. Source: its REST API's reference, version 2.0, "Users", "Repositories", "Refs",
//! "Pullrequests".

use super::ask::{Api, Pages, below};
use super::pulls::{Enough, ForgePullRequest, PullRequestHead, PullRequestState, Which};
use super::{Account, ForgeBranch, ForgeCommit, ForgeError, ForgeRepository};
use serde::Deserialize;
use url::Url;

#[derive(Deserialize)]
struct User {
    nickname: Option<String>,
    display_name: Option<String>,
}

#[derive(Deserialize)]
struct Repository {
    uuid: String,
    slug: String,
    full_name: String,
    links: Links,
}

#[derive(Deserialize)]
struct Links {
    html: Link,
}

#[derive(Deserialize)]
struct Link {
    href: String,
}

#[derive(Deserialize)]
struct Branch {
    name: String,
    target: Target,
}

#[derive(Deserialize)]
struct Target {
    hash: String,
    message: String,
    date: String,
    author: Author,
}

#[derive(Deserialize)]
struct Author {
    raw: String,
    user: Option<User>,
}

impl User {
    fn login(self) -> Option<String> {
        self.nickname.or(self.display_name)
    }
}

pub(super) fn api(url: &Url) -> Url {
    let mut api = url.clone();
    if url.host_str() == Some("bitbucket.org") {
        // A name in place of a name: it fits.
        let _ = api.set_host(Some("api.bitbucket.org"));
    }
    below(&api, &["2.0"])
}

pub(super) async fn account(api: &Api) -> Result<Account, ForgeError> {
    let user: User = api.get(&["user"], &[]).await?;
    Ok(Account {
        login: user.login().unwrap_or_default(),
        email: String::new(),
    })
}

pub(super) async fn repositories(api: &Api) -> Result<Vec<ForgeRepository>, ForgeError> {
    let query = [("role", "member")];
    let rows: Vec<Repository> = api.every(&["repositories"], &query, "pagelen").await?;
    let repository = |row: Repository| {
        let owner = row.full_name.split_once('/');
        ForgeRepository {
            id: row.uuid,
            name: row.slug,
            owner: owner.map_or("", |(owner, _)| owner).to_owned(),
            full_name: row.full_name,
            url: row.links.html.href,
        }
    };
    Ok(rows.into_iter().map(repository).collect())
}

pub(super) async fn branches(
    api: &Api,
    owner: &str,
    name: &str,
) -> Result<Vec<ForgeBranch>, ForgeError> {
    let path = ["repositories", owner, name, "refs", "branches"];
    let rows: Vec<Branch> = api.every(&path, &[], "pagelen").await?;
    let branch = |row: Branch| {
        let Author { raw, user } = row.target.author;
        ForgeBranch {
            name: row.name,
            sha: row.target.hash,
            commit: Some(ForgeCommit {
                author: user.and_then(User::login).unwrap_or(raw),
                message: row.target.message,
                date: row.target.date,
            }),
        }
    };
    Ok(rows.into_iter().map(branch).collect())
}

#[derive(Deserialize)]
struct Pull {
    id: i64,
    state: String,
    title: String,
    source: Side,
    destination: Side,
    created_on: String,
    updated_on: String,
    links: Links,
}

#[derive(Deserialize)]
struct Side {
    branch: BranchName,
    commit: Option<CommitHash>,
    /// Absent when the repository was deleted.
    repository: Option<FullName>,
}

#[derive(Deserialize)]
struct BranchName {
    name: String,
}

#[derive(Deserialize)]
struct CommitHash {
    hash: String,
}

#[derive(Deserialize, PartialEq)]
struct FullName {
    full_name: String,
}

impl Pull {
    fn is_from_fork(&self) -> bool {
        self.source.repository.is_none() || self.source.repository != self.destination.repository
    }
}

impl From<Pull> for ForgePullRequest {
    fn from(row: Pull) -> Self {
        ForgePullRequest {
            is_from_fork: row.is_from_fork(),
            number: row.id,
            state: PullRequestState::of(row.state == "OPEN", row.state == "MERGED"),
            title: row.title,
            source: row.source.branch.name,
            destination: row.destination.branch.name,
            sha: row.source.commit.map_or_else(String::new, |c| c.hash),
            created_at: row.created_on,
            updated_at: row.updated_on,
            url: row.links.html.href,
        }
    }
}

pub(super) async fn pull_requests(
    api: &Api,
    (owner, name, which): (&str, &str, Which),
    enough: Enough<'_>,
) -> Result<Vec<ForgePullRequest>, ForgeError> {
    let path = ["repositories", owner, name, "pullrequests"];
    let states: &[&str] = match which {
        Which::All => &["OPEN", "MERGED", "DECLINED", "SUPERSEDED"],
        Which::Open => &["OPEN"],
    };
    let states: Vec<_> = states.iter().map(|state| ("state", *state)).collect();
    let query = [&states[..], &[("sort", "-created_on")]].concat();
    let pages = Pages::Numbered { size: "pagelen" };
    api.until(&path, &query, pages, |row: Pull| row.into(), enough)
        .await
}

/// A pull request's newest commit in full: with the pull request itself its first twelve digits come.
pub(super) async fn pull_request_sha(
    api: &Api,
    owner: &str,
    name: &str,
    number: i64,
) -> Result<Option<String>, ForgeError> {
    let number = number.to_string();
    let path = ["repositories", owner, name, "pullrequests", &number];
    let path = [&path[..], &["commits"]].concat();
    let commits: Vec<CommitHash> = api.rows(&path, &[("pagelen", "1")]).await?;
    Ok(commits.into_iter().next().map(|commit| commit.hash))
}

pub(super) async fn pull_request_head(
    api: &Api,
    owner: &str,
    name: &str,
    number: i64,
) -> Result<PullRequestHead, ForgeError> {
    let digits = number.to_string();
    let path = ["repositories", owner, name, "pullrequests", &digits];
    let pull: Pull = api.get(&path, &[]).await?;
    let sha = pull_request_sha(api, owner, name, number).await?;
    Ok(PullRequestHead {
        sha: Some(sha.ok_or_else(|| api.missing())?),
        is_from_fork: pull.is_from_fork(),
        branch: pull.source.branch.name,
    })
}
