//! Azure DevOps, where the address is an organisation's. Source: its REST API's reference, version 7.1,
//! "Git: Repositories", "Git: Stats"; it lists everything in one answer.

use super::ask::Api;
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
