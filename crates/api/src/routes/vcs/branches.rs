//! The branches of a repository that a linked account opens, as its forge tells.

use super::{forge, unavailable};
use crate::edge::{ApiError, Caller, Listed, PageQuery, Paging, Params, Path};
use crate::state::State;
use axum::extract::State as FromState;
use domain::vcs::VcsLink;
use git::forge::{Forge, ForgeBranch, ForgeError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RepoPlace {
    team_id: Option<String>,
    vcs_service: String,
    repository_owner: String,
    repository_name: String,
}

/// For the document: the parameters of the list.
#[derive(JsonSchema)]
pub(crate) struct BranchQuery {
    #[schemars(flatten)]
    #[expect(dead_code, reason = "for the document")]
    paging: Paging,
    /// The link whose token is used.
    #[expect(dead_code, reason = "for the document")]
    vcs_link_id: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct RepoBranch {
    name: String,
    id: String,
    commit: RepoCommit,
}

#[derive(Serialize, JsonSchema)]
struct RepoCommit {
    sha: String,
    author: RepoAuthor,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct RepoAuthor {
    login: String,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct RepoBranches {
    branches: Vec<RepoBranch>,
}

impl From<ForgeBranch> for RepoBranch {
    fn from(branch: ForgeBranch) -> Self {
        let (mut author, mut message, mut date) = (String::new(), None, None);
        if let Some(commit) = branch.commit {
            author = commit.author;
            message = Some(commit.message);
            date = Some(commit.date);
        }
        RepoBranch {
            id: branch.name.clone(),
            name: branch.name,
            commit: RepoCommit {
                sha: branch.sha,
                author: RepoAuthor { login: author },
                message,
                date,
            },
        }
    }
}

impl RepoPlace {
    fn missing(&self) -> ApiError {
        let name = format!("{}/{}", self.repository_owner, self.repository_name);
        ApiError::not_found("repository", &name)
    }

    /// The links whose forge may have the repository.
    fn asked<'a>(
        &'a self,
        links: &'a [VcsLink],
        wanted: Option<&'a str>,
    ) -> impl Iterator<Item = &'a VcsLink> {
        links.iter().filter(move |link| {
            link.service() == self.vcs_service && wanted.is_none_or(|id| id == link.id)
        })
    }

    /// Whether the names can be parts of an address.
    fn is_plain(&self) -> bool {
        let plain = |part: &str| !matches!(part, "" | "." | "..");
        plain(&self.repository_name) && self.repository_owner.split('/').all(plain)
    }
}

/// `GET …/repos/{vcsService}/{repositoryOwner}/{repositoryName}/branches`, from the first linked account
/// that may see the repository.
pub(super) async fn list(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<RepoPlace>,
    params: Params<BranchQuery>,
) -> Result<Listed<RepoBranches>, ApiError> {
    let team = caller.team(place.team_id.as_deref())?;
    let (owner, name) = (&place.repository_owner, &place.repository_name);
    let list = format!("branches:{team}/{}/{owner}/{name}", place.vcs_service);
    let page = PageQuery::read(&params, &state.sealer, &list)?;
    if !place.is_plain() {
        return Err(place.missing());
    }
    let links = state.store.vcs_links(team).await?;
    let mut silence = None;
    for link in place.asked(&links, params.get("vcs_link_id")) {
        let (forge, all) = match ask(&state, link, (owner, name)).await {
            Ok(Some(found)) => found,
            Ok(None) => continue,
            // Another link may open it.
            Err(error) => {
                silence.get_or_insert(error);
                continue;
            }
        };
        let failed = |error| unavailable(link, &error);
        let mut rows = page.of_few((1..).zip(all).collect(), |(number, _)| *number);
        let pagination = page.cut(&mut rows, &state.sealer, &list, |(number, _)| *number);
        let branches = complete(&forge, owner, name, rows).await.map_err(failed)?;
        let data = RepoBranches { branches };
        return Ok(Listed { data, pagination });
    }
    Err(silence.unwrap_or_else(|| place.missing()))
}

/// A link's forge, and the branches that it has of the repository; `None` when it has no such repository,
/// for this link.
async fn ask(
    state: &State,
    link: &VcsLink,
    (owner, name): (&str, &str),
) -> Result<Option<(Forge, Vec<ForgeBranch>)>, ApiError> {
    let forge = forge(state, link)?;
    match forge.branches(owner, name).await {
        Ok(branches) => Ok(Some((forge, branches))),
        Err(ForgeError::Missing { .. }) => Ok(None),
        Err(error) => Err(unavailable(link, &error)),
    }
}

/// The branches with what only their commits tell.
async fn complete(
    forge: &Forge,
    owner: &str,
    name: &str,
    rows: Vec<(i64, ForgeBranch)>,
) -> Result<Vec<RepoBranch>, ForgeError> {
    let mut views = Vec::new();
    for (_, mut branch) in rows {
        forge.complete(owner, name, &mut branch).await?;
        views.push(branch.into());
    }
    Ok(views)
}
