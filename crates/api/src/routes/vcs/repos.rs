//! The repositories that linked accounts open, as their forges tell.

use super::{silent, told};
use crate::edge::{
    ApiError, Caller, Gathered, PageQuery, Paging, Params, Path, Place, Start, Unavailable,
};
use crate::state::State;
use axum::extract::State as FromState;
use domain::vcs::VcsLink;
use futures::future::join_all;
use git::forge::ForgeRepository;
use schemars::JsonSchema;
use serde::Serialize;

/// For the document: the parameters of the list.
#[derive(JsonSchema)]
pub(crate) struct RepoQuery {
    #[schemars(flatten)]
    #[expect(dead_code, reason = "for the document")]
    paging: Paging,
    /// Only those of this kind of forge: `github`, `gitlab`, `bitbucket`, `azure` or `self-hosted`.
    #[expect(dead_code, reason = "for the document")]
    vcs_service: Option<String>,
    /// Only those of this forge of one's own.
    #[expect(dead_code, reason = "for the document")]
    self_hosted_vcs_id: Option<String>,
    /// Only those of the account with this name.
    #[expect(dead_code, reason = "for the document")]
    account_login: Option<String>,
    /// Only those of this link.
    #[expect(dead_code, reason = "for the document")]
    vcs_link_id: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RepoView {
    /// Its place in the list.
    #[serde(skip)]
    number: i64,
    vcs_service: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    self_hosted_vcs_id: Option<String>,
    vcs_link_id: String,
    id: String,
    name: String,
    #[serde(rename = "full_name")]
    full_name: String,
    url: String,
    owner: OwnerView,
    account_login: String,
}

#[derive(Serialize, JsonSchema)]
struct OwnerView {
    login: String,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Repos {
    repos: Vec<RepoView>,
}

/// Whether the query asks for repositories of this link.
fn asked(params: &Params<RepoQuery>, link: &VcsLink) -> bool {
    let own = link.is_self_hosted().then_some(link.id.as_str());
    let is = |name: &str, value: Option<&str>| {
        let wanted = params.get(name);
        wanted.is_none() || wanted == value
    };
    is("vcs_service", Some(link.service()))
        && is("self_hosted_vcs_id", own)
        && is("account_login", Some(&link.login))
        && is("vcs_link_id", Some(&link.id))
}

fn view(link: &VcsLink, repository: &ForgeRepository) -> RepoView {
    RepoView {
        number: 0,
        vcs_service: link.service(),
        self_hosted_vcs_id: link.is_self_hosted().then(|| link.id.clone()),
        vcs_link_id: link.id.clone(),
        id: repository.id.clone(),
        name: repository.name.clone(),
        full_name: repository.full_name.clone(),
        url: repository.url.clone(),
        owner: OwnerView {
            login: repository.owner.clone(),
        },
        account_login: link.login.clone(),
    }
}

/// `GET /v1/integrations/vcs/repos`, by link and in the forge's order. A forge that does not answer hides no
/// other's.
pub(super) async fn list(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    params: Params<RepoQuery>,
) -> Result<Gathered<Repos>, ApiError> {
    let team = caller.team(place.team_id.as_deref())?;
    let list = format!("repos:{team}");
    let page = PageQuery::read(&params, &state.sealer, &list)?;
    let mut links = state.store.vcs_links(team).await?;
    links.retain(|link| asked(&params, link));
    let goes_on = page.start != Start::Skip(0);
    let answers = links
        .iter()
        .map(|link| told::repositories(&state, link, goes_on));
    let (mut all, mut unavailable) = (Vec::new(), Vec::new());
    for (link, answer) in links.iter().zip(join_all(answers).await) {
        match answer {
            Ok(found) => all.extend(found.iter().map(|repository| view(link, repository))),
            Err(message) => unavailable.push(Unavailable {
                vcs_link_id: link.id.clone(),
                message,
            }),
        }
    }
    if unavailable.len() == links.len()
        && let Some(first) = unavailable.pop()
    {
        return Err(silent(first.message));
    }
    for (number, row) in (1..).zip(&mut all) {
        row.number = number;
    }
    let mut repos = page.of_few(all, |row| row.number);
    let pagination = page.cut(&mut repos, &state.sealer, &list, |row| row.number);
    Ok(Gathered {
        data: Repos { repos },
        pagination,
        unavailable: (!unavailable.is_empty()).then_some(unavailable),
    })
}
