//! Gitea and Forgejo. Source: their API's own description (`/api/swagger`), version 1.

use super::ask::Api;
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
