//! GitLab. Source: its REST API's reference, "Users", "Projects", "Branches",
//! "Merge requests".

use super::ask::{Api, Pages};
use super::pulls::{Enough, ForgePullRequest, PullRequestHead, PullRequestState, Which};
use super::{Account, ForgeBranch, ForgeCommit, ForgeError, ForgeRepository};
use serde::Deserialize;

#[derive(Deserialize)]
struct User {
    username: String,
    email: Option<String>,
}

#[derive(Deserialize)]
struct Project {
    id: u64,
    path: String,
    path_with_namespace: String,
    web_url: String,
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
    author_name: String,
    committed_date: String,
}

pub(super) async fn account(api: &Api) -> Result<Account, ForgeError> {
    let user: User = api.get(&["user"], &[]).await?;
    Ok(Account {
        login: user.username,
        email: user.email.unwrap_or_default(),
    })
}

pub(super) async fn repositories(api: &Api) -> Result<Vec<ForgeRepository>, ForgeError> {
    let query = [("membership", "true"), ("simple", "true")];
    let rows: Vec<Project> = api.every(&["projects"], &query, "per_page").await?;
    let repository = |row: Project| {
        // Groups nest: all but the last part is the owner.
        let owner = row.path_with_namespace.rsplit_once('/');
        ForgeRepository {
            id: row.id.to_string(),
            owner: owner.map_or("", |(owner, _)| owner).to_owned(),
            name: row.path,
            full_name: row.path_with_namespace,
            url: row.web_url,
        }
    };
    Ok(rows.into_iter().map(repository).collect())
}

pub(super) async fn branches(
    api: &Api,
    owner: &str,
    name: &str,
) -> Result<Vec<ForgeBranch>, ForgeError> {
    // A project's path is one part of the address: its slashes are escaped.
    let project = format!("{owner}/{name}");
    let path = ["projects", &project, "repository", "branches"];
    let rows: Vec<Branch> = api.every(&path, &[], "per_page").await?;
    let branch = |row: Branch| ForgeBranch {
        name: row.name,
        sha: row.commit.id,
        commit: Some(ForgeCommit {
            author: row.commit.author_name,
            message: row.commit.message,
            date: row.commit.committed_date,
        }),
    };
    Ok(rows.into_iter().map(branch).collect())
}

#[derive(Deserialize)]
struct MergeRequest {
    iid: i64,
    state: String,
    title: String,
    source_branch: String,
    target_branch: String,
    sha: Option<String>,
    /// Nothing when the fork was deleted.
    source_project_id: Option<u64>,
    target_project_id: Option<u64>,
    created_at: String,
    updated_at: String,
    web_url: String,
}

impl MergeRequest {
    fn is_from_fork(&self) -> bool {
        let source = self.source_project_id;
        source.is_none() || source != self.target_project_id
    }
}

impl From<MergeRequest> for ForgePullRequest {
    fn from(row: MergeRequest) -> Self {
        // One that is being merged at this moment is locked.
        let is_open = matches!(row.state.as_str(), "opened" | "locked");
        ForgePullRequest {
            is_from_fork: row.is_from_fork(),
            number: row.iid,
            state: PullRequestState::of(is_open, row.state == "merged"),
            title: row.title,
            source: row.source_branch,
            destination: row.target_branch,
            sha: row.sha.unwrap_or_default(),
            created_at: row.created_at,
            updated_at: row.updated_at,
            url: row.web_url,
        }
    }
}

pub(super) async fn pull_requests(
    api: &Api,
    (owner, name, which): (&str, &str, Which),
    enough: Enough<'_>,
) -> Result<Vec<ForgePullRequest>, ForgeError> {
    let project = format!("{owner}/{name}");
    let path = ["projects", &project, "merge_requests"];
    let query = [
        ("state", which.word("all", "opened")),
        ("order_by", "created_at"),
        ("sort", "desc"),
    ];
    let pages = Pages::Numbered { size: "per_page" };
    api.until(&path, &query, pages, |row: MergeRequest| row.into(), enough)
        .await
}

pub(super) async fn pull_request_head(
    api: &Api,
    owner: &str,
    name: &str,
    number: i64,
) -> Result<PullRequestHead, ForgeError> {
    let (project, number) = (format!("{owner}/{name}"), number.to_string());
    let path = ["projects", &project, "merge_requests", &number];
    let row: MergeRequest = api.get(&path, &[]).await?;
    Ok(PullRequestHead {
        is_from_fork: row.is_from_fork(),
        sha: row.sha,
        branch: row.source_branch,
    })
}
