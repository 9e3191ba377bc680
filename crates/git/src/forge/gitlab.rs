//! GitLab. Source: its REST API's reference, "Users", "Projects", "Branches".

use super::ask::Api;
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
