//! What forges know beyond git: whose token this is, which repositories it opens, and what is on their
//! branches. Each forge has its own words; here is one form for all.

mod alike;
mod ask;
mod azure;
mod bitbucket;
mod gitea;
mod github;
mod gitlab;
mod pulls;
mod repository_name;
#[cfg(test)]
mod tests;

use crate::http::{HttpClient, HttpError};
use ask::Api;
use domain::vcs::VcsKind;
use url::Url;

pub use pulls::{Enough, ForgePullRequest, PullRequestHead, PullRequestState, Which};
pub use repository_name::RepositoryName;

/// Why a forge did not answer what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ForgeError {
    /// It cannot be reached, or refused in another way than those below.
    #[error("{0}")]
    Http(HttpError),
    /// It does not know the token, or the token opens too little.
    #[error("{host} refuses the token")]
    Token {
        /// The forge.
        host: String,
    },
    /// It has no such thing, or does not show it to this token.
    #[error("{host} has nothing there")]
    Missing {
        /// The forge.
        host: String,
    },
    /// The answer is not what the forge documents.
    #[error("{host} answers what cannot be read: {detail}")]
    Unreadable {
        /// The forge.
        host: String,
        /// What is wrong with it.
        detail: String,
    },
    /// There is more than anybody pages through.
    #[error("{host} has too much to list")]
    TooMuch {
        /// The forge.
        host: String,
    },
}

/// Whose token it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// The name they log in with.
    pub login: String,
    /// Their address; empty where the forge does not tell.
    pub email: String,
}

/// A repository that the token opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForgeRepository {
    /// The forge's own id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its name with its owner's.
    pub full_name: String,
    /// Its page, which is also where it is cloned from.
    pub url: String,
    /// Its owner.
    pub owner: String,
}

/// A branch and its newest commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForgeBranch {
    /// Its name.
    pub name: String,
    /// The commit.
    pub sha: String,
    /// What else is known of the commit.
    pub commit: Option<ForgeCommit>,
}

/// A commit as a forge tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForgeCommit {
    /// Who made it: the login where the forge knows one, else the name.
    pub author: String,
    /// Its message.
    pub message: String,
    /// When, in ISO 8601.
    pub date: String,
}

/// A forge, seen with a token.
pub struct Forge {
    kind: VcsKind,
    api: Api,
}

impl Forge {
    /// The forge whose pages are at `url`. A token with a colon is a user and a password.
    ///
    /// # Errors
    /// When the token holds what no header can.
    pub fn new(
        kind: VcsKind,
        url: &Url,
        token: &str,
        http: HttpClient,
    ) -> Result<Forge, ForgeError> {
        let base = match kind {
            VcsKind::Github => github::api(url),
            VcsKind::Gitlab => ask::below(url, &["api", "v4"]),
            VcsKind::Gitea => ask::below(url, &["api", "v1"]),
            VcsKind::Bitbucket => bitbucket::api(url),
            VcsKind::Azure => url.clone(),
        };
        // Azure takes its tokens as the password of nobody.
        let login = match kind {
            VcsKind::Azure if !token.contains(':') => format!(":{token}"),
            _ => token.to_owned(),
        };
        let api = Api::new(base, &login, http)?;
        Ok(Forge { kind, api })
    }

    /// Whose token it is.
    ///
    /// # Errors
    /// Any of [`ForgeError`].
    pub async fn account(&self) -> Result<Account, ForgeError> {
        match self.kind {
            VcsKind::Github | VcsKind::Gitea => alike::account(&self.api).await,
            VcsKind::Gitlab => gitlab::account(&self.api).await,
            VcsKind::Bitbucket => bitbucket::account(&self.api).await,
            VcsKind::Azure => azure::account(&self.api).await,
        }
    }

    /// Every repository that the token opens.
    ///
    /// # Errors
    /// Any of [`ForgeError`].
    pub async fn repositories(&self) -> Result<Vec<ForgeRepository>, ForgeError> {
        match self.kind {
            VcsKind::Github => alike::repositories(&self.api, github::SIZE).await,
            VcsKind::Gitlab => gitlab::repositories(&self.api).await,
            VcsKind::Gitea => alike::repositories(&self.api, gitea::SIZE).await,
            VcsKind::Bitbucket => bitbucket::repositories(&self.api).await,
            VcsKind::Azure => azure::repositories(&self.api).await,
        }
    }

    /// Every branch of a repository.
    ///
    /// # Errors
    /// Any of [`ForgeError`].
    pub async fn branches(&self, owner: &str, name: &str) -> Result<Vec<ForgeBranch>, ForgeError> {
        match self.kind {
            VcsKind::Github => github::branches(&self.api, owner, name).await,
            VcsKind::Gitlab => gitlab::branches(&self.api, owner, name).await,
            VcsKind::Gitea => gitea::branches(&self.api, owner, name).await,
            VcsKind::Bitbucket => bitbucket::branches(&self.api, owner, name).await,
            VcsKind::Azure => azure::branches(&self.api, owner, name).await,
        }
    }

    /// What is known of a branch's commit, where the list of branches did not tell: for the few that
    /// are shown.
    ///
    /// # Errors
    /// Any of [`ForgeError`].
    pub async fn complete(
        &self,
        owner: &str,
        name: &str,
        branch: &mut ForgeBranch,
    ) -> Result<(), ForgeError> {
        if self.kind == VcsKind::Github && branch.commit.is_none() {
            branch.commit = Some(github::commit(&self.api, owner, name, &branch.sha).await?);
        }
        Ok(())
    }

    /// A repository's pull requests, the newest first; at least as many as are enough, if there are so
    /// many.
    ///
    /// # Errors
    /// Any of [`ForgeError`].
    pub async fn pull_requests(
        &self,
        owner: &str,
        name: &str,
        which: Which,
        enough: Enough<'_>,
    ) -> Result<Vec<ForgePullRequest>, ForgeError> {
        let api = &self.api;
        let asked = (owner, name, which);
        let mut pulls = match self.kind {
            VcsKind::Github => alike::pull_requests(api, asked, github::SIZE, enough).await,
            VcsKind::Gitlab => gitlab::pull_requests(api, asked, enough).await,
            VcsKind::Gitea => alike::pull_requests(api, asked, gitea::SIZE, enough).await,
            VcsKind::Bitbucket => bitbucket::pull_requests(api, asked, enough).await,
            VcsKind::Azure => azure::pull_requests(api, asked, enough).await,
        }?;
        pulls.sort_by_key(|pull| std::cmp::Reverse(pull.number));
        // One that is opened between two pages moves another onto the next.
        pulls.dedup_by_key(|pull| pull.number);
        Ok(pulls)
    }

    /// What the list of pull requests did not tell of one: for the few that are shown.
    ///
    /// # Errors
    /// Any of [`ForgeError`].
    pub async fn complete_pull_request(
        &self,
        owner: &str,
        name: &str,
        pull: &mut ForgePullRequest,
    ) -> Result<(), ForgeError> {
        if self.kind == VcsKind::Bitbucket {
            let sha = bitbucket::pull_request_sha(&self.api, owner, name, pull.number).await?;
            pull.sha = sha.unwrap_or_default();
        }
        Ok(())
    }

    /// Where a pull request's commit is.
    ///
    /// # Errors
    /// Any of [`ForgeError`].
    pub async fn pull_request_head(
        &self,
        owner: &str,
        name: &str,
        number: i64,
    ) -> Result<PullRequestHead, ForgeError> {
        let api = &self.api;
        match self.kind {
            VcsKind::Github => alike::pull_request_head(api, owner, name, number).await,
            VcsKind::Gitlab => gitlab::pull_request_head(api, owner, name, number).await,
            VcsKind::Gitea => alike::pull_request_head(api, owner, name, number).await,
            VcsKind::Bitbucket => bitbucket::pull_request_head(api, owner, name, number).await,
            VcsKind::Azure => azure::pull_request_head(api, owner, name, number).await,
        }
    }
}
