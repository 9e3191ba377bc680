//! The roles of a team: those that every team has, and its own.

use super::role_input::{RoleInput, may_give};
use crate::edge::{
    ApiError, Body, Caller, Data, Listed, Nothing, PageQuery, Paging, Params, Path, Problems, call,
    iso_millis,
};
use crate::state::State;
use aide::axum::ApiRouter;
use axum::extract::State as FromState;
use domain::permission::Scope;
use domain::{Permission as P, PermissionSet, Restrictions, TeamRole, fields, slug};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::RoleChanges;

/// The roles of a team.
pub(crate) fn routes() -> ApiRouter<State> {
    let list = call("list.teamRoles", "List the roles of a team").needs(P::RoleRead);
    let create = call("create.teamRole", "Create a role").needs(P::RoleManage);
    let put = call("put.teamRole", "Create or replace a role").needs(P::RoleManage);
    let get = call("get.teamRole", "Get a role").needs(P::RoleRead);
    let patch = call("patch.teamRole", "Change a role").needs(P::RoleManage);
    let delete = call("delete.teamRole", "Delete a role").needs(P::RoleManage);
    ApiRouter::new()
        .api_route(
            "/roles",
            list.get(self::list)
                .merge(create.post(self::create))
                .merge(put.put(self::put)),
        )
        .api_route(
            "/roles/{roleId}",
            get.get(self::get)
                .merge(patch.patch(self::patch))
                .merge(delete.delete(self::delete)),
        )
}

/// A team and one of its roles.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RolePlace {
    pub(super) team_id: String,
    role_id: String,
}

impl RolePlace {
    /// The role that the path names.
    pub(super) async fn role(&self, state: &State) -> Result<TeamRole, ApiError> {
        let role = state.store.role(&self.team_id, &self.role_id).await?;
        role.ok_or_else(|| self.missing())
    }

    /// The role, if it is one that can be changed.
    async fn own_role(&self, state: &State) -> Result<TeamRole, ApiError> {
        let role = self.role(state).await?;
        if role.is_fixed() {
            return Err(fixed(&role.id));
        }
        Ok(role)
    }

    fn missing(&self) -> ApiError {
        ApiError::not_found("role", &self.role_id)
    }
}

fn fixed(id: &str) -> ApiError {
    ApiError::conflict(format!(
        "Every team has the role `{id}`, and none can change it; make one under another name."
    ))
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RoleSummary {
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    restrictions: Restrictions,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<String>,
    /// Whether every team has it, and none can change it.
    fixed: bool,
}

/// A role and what its members may do.
#[derive(Serialize, JsonSchema)]
pub(crate) struct RoleView {
    #[serde(flatten)]
    summary: RoleSummary,
    permissions: Permissions,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Permissions {
    team_scope: Vec<&'static str>,
    project_scope: Vec<&'static str>,
}

impl From<&PermissionSet> for Permissions {
    fn from(set: &PermissionSet) -> Self {
        let of = |scope| {
            let some = set.iter().filter(move |p| p.scope() == scope);
            some.map(P::as_str).collect()
        };
        Permissions {
            team_scope: of(Scope::Team),
            project_scope: of(Scope::Project),
        }
    }
}

impl From<TeamRole> for RoleSummary {
    fn from(role: TeamRole) -> Self {
        RoleSummary {
            fixed: role.is_fixed(),
            id: role.id,
            name: role.name,
            description: role.description,
            restrictions: role.restrictions,
            created_at: role.created_at.map(iso_millis),
            updated_at: role.updated_at.map(iso_millis),
        }
    }
}

impl From<TeamRole> for RoleView {
    fn from(role: TeamRole) -> Self {
        RoleView {
            permissions: (&role.permissions).into(),
            summary: role.into(),
        }
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Roles {
    roles: Vec<RoleSummary>,
}

/// `GET /v1/teams/{teamId}/roles`.
async fn list(
    FromState(state): FromState<State>,
    _: Caller,
    Path(place): Path<RolePlace>,
    params: Params<Paging>,
) -> Result<Listed<Roles>, ApiError> {
    let list = format!("roles:{}", place.team_id);
    let page = PageQuery::read(&params, &state.sealer, &list)?;
    let roles = state.store.roles(&place.team_id).await?;
    let mut roles = page.of_few(roles, |role| role.number);
    let pagination = page.cut(&mut roles, &state.sealer, &list, |role| role.number);
    let roles = roles.into_iter().map(RoleSummary::from).collect();
    Ok(Listed {
        data: Roles { roles },
        pagination,
    })
}

/// A role that is not stored yet, and may do nothing.
fn new_role(input: &RoleInput) -> Result<TeamRole, ApiError> {
    let mut problems = Problems::default();
    let name = input.name.clone().unwrap_or_default();
    match &input.name {
        None => problems.add("name", "is required"),
        Some(name) => problems.check("name", fields::name(name, fields::ROLE_NAME)),
    }
    problems.into_result()?;
    Ok(TeamRole {
        id: slug::from_name(&name),
        name,
        description: None,
        permissions: PermissionSet::default(),
        restrictions: Restrictions::default(),
        number: 0,
        created_at: None,
        updated_at: None,
    })
}

async fn make(state: &State, team: &str, role: TeamRole) -> Result<TeamRole, ApiError> {
    let taken = format!(
        "The team has a role with the id `{}` already; choose another name.",
        role.id
    );
    let made = state.store.create_role(team, role).await;
    made.map_err(ApiError::or_taken(taken))
}

/// `POST /v1/teams/{teamId}/roles`.
async fn create(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<RolePlace>,
    Body(input): Body<RoleInput>,
) -> Result<Data<RoleView>, ApiError> {
    let mut role = new_role(&input)?;
    input
        .apply(&mut role, &state, &caller, &place.team_id)
        .await?;
    let role = make(&state, &place.team_id, role).await?;
    Ok(Data { data: role.into() })
}

/// `PUT /v1/teams/{teamId}/roles`: creates, or makes the one whose id the name derives exactly what
/// the body says.
async fn put(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<RolePlace>,
    Body(input): Body<RoleInput>,
) -> Result<Data<RoleView>, ApiError> {
    let mut role = new_role(&input)?;
    if TeamRole::fixed(&role.id).is_some() {
        return Err(fixed(&role.id));
    }
    input
        .apply(&mut role, &state, &caller, &place.team_id)
        .await?;
    let Some(before) = state.store.role(&place.team_id, &role.id).await? else {
        let made = make(&state, &place.team_id, role).await;
        let role = made.map_err(ApiError::or_made_meanwhile)?;
        return Ok(Data { data: role.into() });
    };
    may_give(&caller, &before)?;
    let changes = RoleChanges {
        description: Some(role.description.unwrap_or_default()),
        permissions: Some(role.permissions),
        restrictions: Some(role.restrictions),
    };
    let changed = state.store.update_role(&place.team_id, &before, changes);
    let role = changed.await?.ok_or_else(ApiError::changed_meanwhile)?;
    Ok(Data { data: role.into() })
}

/// `GET /v1/teams/{teamId}/roles/{roleId}`.
async fn get(
    FromState(state): FromState<State>,
    _: Caller,
    Path(place): Path<RolePlace>,
) -> Result<Data<RoleView>, ApiError> {
    let role = place.role(&state).await?;
    Ok(Data { data: role.into() })
}

/// `PATCH /v1/teams/{teamId}/roles/{roleId}`: changes what the body names.
async fn patch(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<RolePlace>,
    Body(input): Body<RoleInput>,
) -> Result<Data<RoleView>, ApiError> {
    let before = place.own_role(&state).await?;
    let mut role = before.clone();
    if input.name.is_some() {
        let problem = "cannot be changed: the role's id derives from it";
        return Err(ApiError::field("name", problem));
    }
    input
        .apply(&mut role, &state, &caller, &place.team_id)
        .await?;
    let changes = RoleChanges {
        description: input.description,
        permissions: Some(role.permissions),
        restrictions: Some(role.restrictions),
    };
    let changed = state.store.update_role(&place.team_id, &before, changes);
    let role = changed.await?.ok_or_else(|| place.missing())?;
    Ok(Data { data: role.into() })
}

/// `DELETE /v1/teams/{teamId}/roles/{roleId}`: whoever has it has it no more.
async fn delete(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<RolePlace>,
) -> Result<Nothing, ApiError> {
    let role = place.own_role(&state).await?;
    may_give(&caller, &role)?;
    if !state.store.delete_role(&place.team_id, &role.id).await? {
        return Err(place.missing());
    }
    Ok(Nothing::new())
}

/// Finds the roles that somebody is to have, which the caller must be able to give.
pub(super) async fn roles_to_give(
    state: &State,
    caller: &Caller,
    team: &str,
    ids: &[String],
) -> Result<(), ApiError> {
    let mut problems = Problems::default();
    let mut roles = Vec::new();
    for (index, id) in ids.iter().enumerate() {
        match state.store.role(team, id).await? {
            Some(role) => roles.push(role),
            None => problems.add(
                &format!("roles[{index}]"),
                format!("there is no role `{id}`"),
            ),
        }
    }
    problems.into_result()?;
    roles.iter().try_for_each(|role| may_give(caller, role))
}
