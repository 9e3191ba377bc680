//! Teams. The installation is the organisation; its tokens make teams and act in all of them.

use crate::edge::{
    ApiError, Body, Caller, Data, Listed, PageQuery, Paging, Params, Path, Place, Problems, call,
    iso_millis,
};
use crate::state::State;
use aide::axum::ApiRouter;
use axum::extract::State as FromState;
use domain::{Permission as P, Team, fields, slug};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Teams.
pub(crate) fn routes() -> ApiRouter<State> {
    let list = call("list.teams", "List teams").needs(P::TeamRead);
    let create = call("create.team", "Create a team").needs(P::TeamCreate);
    let get = call("get.team", "Get a team").needs(P::TeamRead);
    let patch = call("patch.team", "Change a team").needs(P::TeamUpdate);
    ApiRouter::new()
        .api_route(
            "/teams",
            list.get(self::list).merge(create.post(self::create)),
        )
        .api_route(
            "/teams/{teamId}",
            get.get(self::get).merge(patch.patch(self::patch)),
        )
}

/// The body of create.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTeam {
    name: String,
    description: Option<String>,
    /// Kept with the team. This server bills nobody.
    email: String,
}

/// The body of patch.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TeamChanges {
    description: Option<String>,
}

/// A team in a list.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TeamSummary {
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    created_at: String,
}

/// A team.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TeamView {
    #[serde(flatten)]
    summary: TeamSummary,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    updated_at: String,
}

impl From<Team> for TeamView {
    fn from(team: Team) -> Self {
        TeamView {
            email: team.email.clone(),
            updated_at: iso_millis(team.updated_at),
            summary: team.into(),
        }
    }
}

impl From<Team> for TeamSummary {
    fn from(team: Team) -> Self {
        TeamSummary {
            id: team.id,
            name: team.name,
            description: team.description,
            created_at: iso_millis(team.created_at),
        }
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Teams {
    teams: Vec<TeamSummary>,
}

/// `GET /v1/teams`: all of them for a token of the organisation, else the token's own.
async fn list(
    FromState(state): FromState<State>,
    caller: Caller,
    params: Params<Paging>,
) -> Result<Listed<Teams>, ApiError> {
    let page = PageQuery::read(&params, &state.sealer, "teams")?;
    let mut rows = if caller.token.organisation {
        let (after, skip) = page.range();
        state.store.teams(after, skip, page.limit()).await?
    } else {
        let own = state.store.team(&caller.token.team).await?;
        page.of_few(own.into_iter().collect(), |team| team.number)
    };
    let pagination = page.cut(&mut rows, &state.sealer, "teams", |team| team.number);
    let teams = rows.into_iter().map(TeamSummary::from).collect();
    Ok(Listed {
        data: Teams { teams },
        pagination,
    })
}

/// `POST /v1/teams`.
async fn create(
    FromState(state): FromState<State>,
    _: Caller,
    Body(input): Body<NewTeam>,
) -> Result<Data<TeamView>, ApiError> {
    let mut problems = Problems::default();
    problems.check("name", fields::name(&input.name, fields::TEAM_NAME));
    problems.check("email", fields::email(&input.email));
    let description = input.description.as_deref();
    problems.check_some("description", description, fields::description);
    problems.into_result()?;
    let id = slug::from_name(&input.name);
    let taken = format!("There is a team with the id `{id}` already; choose another name.");
    let team = Team {
        id,
        name: input.name,
        description: input.description,
        email: Some(input.email),
        number: 0,
        created_at: 0,
        updated_at: 0,
    };
    let made = state.store.create_team(team).await;
    let team = made.map_err(ApiError::or_taken(taken))?;
    Ok(Data { data: team.into() })
}

/// `GET /v1/teams/{teamId}`.
async fn get(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
) -> Result<Data<TeamView>, ApiError> {
    let id = caller.team(place.team_id.as_deref())?;
    let team = state.store.team(id).await?;
    let team = team.ok_or_else(|| ApiError::not_found("team", id))?;
    Ok(Data { data: team.into() })
}

/// `PATCH /v1/teams/{teamId}`.
async fn patch(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    Body(input): Body<TeamChanges>,
) -> Result<Data<TeamView>, ApiError> {
    let id = caller.team(place.team_id.as_deref())?;
    let mut problems = Problems::default();
    let description = input.description.as_deref();
    problems.check_some("description", description, fields::description);
    problems.into_result()?;
    let team = state.store.describe_team(id, input.description).await?;
    let team = team.ok_or_else(|| ApiError::not_found("team", id))?;
    Ok(Data { data: team.into() })
}
