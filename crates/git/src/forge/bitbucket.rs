//! Bitbucket Cloud. Source: its REST API's reference, version 2.0, "Users", "Repositories", "Refs".

use super::ask::{Api, below};
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
