//! Version control: the accounts that the operator has linked (`boatyard admin vcs`), what they open,
//! and their tokens.

mod branches;
mod repos;
mod told;

pub(crate) use told::Told;

use super::unreadable::problem;
use crate::edge::{ApiError, Caller, Data, Params, Path, Place, call};
use crate::state::State;
use aide::axum::ApiRouter;
use axum::extract::State as FromState;
use domain::Permission as P;
use domain::vcs::{VcsKind, VcsLink};
use git::forge::{Forge, ForgeError};
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Version control.
pub(crate) fn routes() -> ApiRouter<State> {
    let list = call("list.vcs", "List the linked accounts").needs(P::GitRead);
    let repos = call("list.repos", "List the repositories that they open").needs(P::GitRead);
    let branches = call("list.branches", "List the branches of a repository").needs(P::GitRead);
    let token = call(
        "create.customVcs.token",
        "Get the token of a linked account",
    );
    ApiRouter::new()
        .api_route("/integrations/vcs", list.get(self::list))
        .api_route("/integrations/vcs/repos", repos.get(repos::list))
        .api_route(
            "/integrations/vcs/repos/{vcsService}/{repositoryOwner}/{repositoryName}/branches",
            branches.get(branches::list),
        )
        .api_route(
            "/integrations/vcs/custom/{customVCSId}/token/{vcsLinkId}",
            token.needs(P::GitTokenRead).post(self::token),
        )
}

/// The one kind of a forge of one's own that the contract has a word for.
const GITLAB: &str = "gitlab-ee";

/// A linked account.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct LinkView {
    vcs_service: &'static str,
    email: String,
    login: String,
    /// The link's id.
    vcs_link_id: String,
    /// What is wrong with it: a part of it cannot be read any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    #[serde(flatten)]
    own: Option<OwnForge>,
}

/// What is shown of a forge of one's own.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct OwnForge {
    name: String,
    vcs_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    vcs_type: Option<&'static str>,
    internal_id: String,
    entity_name: String,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Links {
    vcs_account_links: Vec<LinkView>,
}

fn view(link: VcsLink, team: &str) -> LinkView {
    let own = link.is_self_hosted().then(|| OwnForge {
        name: link.name.clone(),
        vcs_url: link.url.clone(),
        vcs_type: (link.kind == VcsKind::Gitlab).then_some(GITLAB),
        internal_id: link.id.clone(),
        entity_name: team.to_owned(),
    });
    LinkView {
        vcs_service: link.service(),
        problem: problem(link.unreadable, "Its token"),
        email: link.email,
        login: link.login,
        vcs_link_id: link.id,
        own,
    }
}

/// `GET /v1/integrations/vcs`.
async fn list(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
) -> Result<Data<Links>, ApiError> {
    let team = caller.team(place.team_id.as_deref())?;
    let name = state.store.team(team).await?;
    let name = name.map_or_else(|| team.to_owned(), |team| team.name);
    let links = state.store.vcs_links(team).await?;
    let links = links.into_iter().map(|link| view(link, &name)).collect();
    Ok(Data {
        data: Links {
            vcs_account_links: links,
        },
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokenPlace {
    team_id: Option<String>,
    #[serde(rename = "customVCSId")]
    custom_vcs_id: String,
    vcs_link_id: String,
}

/// For the document: the parameters of the token.
#[derive(JsonSchema)]
pub(crate) struct TokenQuery {
    /// Refused: the tokens of linked accounts are not made here, and cannot be made anew.
    #[expect(dead_code, reason = "for the document")]
    force_refresh: Option<bool>,
}

/// A linked account's token.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TokenView {
    vcs_service: &'static str,
    token: String,
}

/// `POST /v1/integrations/vcs/custom/{customVCSId}/token/{vcsLinkId}`.
async fn token(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<TokenPlace>,
    params: Params<TokenQuery>,
) -> Result<Data<TokenView>, ApiError> {
    if !matches!(params.get("force_refresh"), None | Some("false")) {
        let problem = "is not supported: the operator gives the token (`boatyard admin vcs`)";
        return Err(ApiError::field("force_refresh", problem));
    }
    let team = caller.team(place.team_id.as_deref())?;
    let links = state.store.vcs_links(team).await?;
    let own = |link: &VcsLink| link.id == place.custom_vcs_id && link.is_self_hosted();
    let link = links.into_iter().find(own);
    let link = link.ok_or_else(|| ApiError::not_found("custom VCS", &place.custom_vcs_id))?;
    if link.id != place.vcs_link_id {
        return Err(ApiError::not_found("VCS link", &place.vcs_link_id));
    }
    if link.unreadable {
        return Err(lost(&link));
    }
    Ok(Data {
        data: TokenView {
            vcs_service: link.service(),
            token: link.token.expose().to_owned(),
        },
    })
}

/// The forge of a link, seen with its token.
pub(crate) fn forge(state: &State, link: &VcsLink) -> Result<Forge, ApiError> {
    if link.unreadable {
        return Err(lost(link));
    }
    let url = link.url.parse().map_err(|error| {
        tracing::error!(link = link.id, %error, "the address of a link cannot be read");
        ApiError::internal()
    })?;
    let forge = Forge::new(link.kind, &url, link.token.expose(), state.git.http());
    forge.map_err(|error| unavailable(link, &error))
}

fn silent(message: String) -> ApiError {
    ApiError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "forge-unavailable",
        message,
    )
}

/// There is nothing to log in with.
fn lost(link: &VcsLink) -> ApiError {
    let why = problem(link.unreadable, &format!("The token of `{}`", link.id));
    silent(why.unwrap_or_default())
}

/// A forge that does not answer is no fault of the caller's.
pub(crate) fn unavailable(link: &VcsLink, error: &ForgeError) -> ApiError {
    silent(format!("The forge of the link `{}`: {error}.", link.id))
}
