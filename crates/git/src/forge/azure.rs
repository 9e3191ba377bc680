//! Azure DevOps, where the address is an organisation's. Source: its REST API's reference, version 7.1,
//! "Git: Repositories", "Git: Stats", "Git: Pull Requests"; only the last have pages.

use super::ask::{Api, Pages};
use super::pulls::{Enough, ForgePullRequest, PullRequestHead, PullRequestState, Which};
use super::{Account, ForgeBranch, ForgeCommit, ForgeError, ForgeRepository};
use serde::Deserialize;

const VERSION: (&str, &str) = ("api-version", "7.1");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Connection {
    authenticated_user: User,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    provider_display_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Repository {
    id: String,
    name: String,
    web_url: String,
    project: Project,
}

#[derive(Deserialize)]
struct Project {
    name: String,
}

#[derive(Deserialize)]
struct Branch {
    name: String,
    commit: Commit,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Commit {
    commit_id: String,
    comment: String,
    author: Author,
}

#[derive(Deserialize)]
struct Author {
    name: String,
    date: String,
}

pub(super) async fn account(api: &Api) -> Result<Account, ForgeError> {
    let connection: Connection = api.get(&["_apis", "connectionData"], &[]).await?;
    Ok(Account {
        login: connection.authenticated_user.provider_display_name,
        email: String::new(),
    })
}

pub(super) async fn repositories(api: &Api) -> Result<Vec<ForgeRepository>, ForgeError> {
    let path = ["_apis", "git", "repositories"];
    let rows: Vec<Repository> = api.rows(&path, &[VERSION]).await?;
    let repository = |row: Repository| ForgeRepository {
        full_name: format!("{}/{}", row.project.name, row.name),
        id: row.id,
        name: row.name,
        url: row.web_url,
        owner: row.project.name,
    };
    Ok(rows.into_iter().map(repository).collect())
}

pub(super) async fn branches(
    api: &Api,
    owner: &str,
    name: &str,
) -> Result<Vec<ForgeBranch>, ForgeError> {
    let path = [
        owner,
        "_apis",
        "git",
        "repositories",
        name,
        "stats",
        "branches",
    ];
    let rows: Vec<Branch> = api.rows(&path, &[VERSION]).await?;
    let branch = |row: Branch| ForgeBranch {
        name: row.name,
        sha: row.commit.commit_id,
        commit: Some(ForgeCommit {
            author: row.commit.author.name,
            message: row.commit.comment,
            date: row.commit.author.date,
        }),
    };
    Ok(rows.into_iter().map(branch).collect())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pull {
    pull_request_id: i64,
    status: String,
    title: String,
    source_ref_name: String,
    target_ref_name: String,
    last_merge_source_commit: Option<CommitRef>,
    creation_date: String,
    closed_date: Option<String>,
    /// There when it is from a fork.
    fork_source: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CommitRef {
    commit_id: String,
}

fn short(full: String) -> String {
    full.strip_prefix("refs/heads/")
        .map_or(full.clone(), str::to_owned)
}

pub(super) async fn pull_requests(
    api: &Api,
    (owner, name, which): (&str, &str, Which),
    enough: Enough<'_>,
) -> Result<Vec<ForgePullRequest>, ForgeError> {
    let pull = |row: Pull| {
        let number = row.pull_request_id.to_string();
        let sha = row.last_merge_source_commit.map(|commit| commit.commit_id);
        ForgePullRequest {
            is_from_fork: row.fork_source.is_some(),
            number: row.pull_request_id,
            state: PullRequestState::of(row.status == "active", row.status == "completed"),
            title: row.title,
            source: short(row.source_ref_name),
            destination: short(row.target_ref_name),
            sha: sha.unwrap_or_default(),
            // Of what happened in between, Azure tells nothing.
            updated_at: row.closed_date.unwrap_or_else(|| row.creation_date.clone()),
            created_at: row.creation_date,
            url: api.page(&[owner, "_git", name, "pullrequest", &number]),
        }
    };
    let path = [owner, "_apis", "git", "repositories", name, "pullrequests"];
    let query = [
        VERSION,
        ("searchCriteria.status", which.word("all", "active")),
    ];
    api.until(&path, &query, Pages::Skipping, pull, enough)
        .await
}

/// What is built is the pull request merged for a try, which its ref has.
pub(super) async fn pull_request_head(
    api: &Api,
    owner: &str,
    name: &str,
    number: i64,
) -> Result<PullRequestHead, ForgeError> {
    let number = number.to_string();
    let path = [owner, "_apis", "git", "repositories", name, "pullrequests"];
    let path = [&path[..], &[&number]].concat();
    let pull: Pull = api.get(&path, &[VERSION]).await?;
    Ok(PullRequestHead {
        sha: None,
        branch: short(pull.source_ref_name),
        is_from_fork: pull.fork_source.is_some(),
    })
}
