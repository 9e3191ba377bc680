//! Who has a role.

use super::members::{MemberView, Members};
use super::role_input::may_give;
use super::roles::RolePlace;
use crate::edge::{ApiError, Body, Caller, Listed, Nothing, PageQuery, Paging, Params, Path, call};
use crate::state::State;
use aide::axum::ApiRouter;
use axum::extract::State as FromState;
use domain::{Member, Permission as P};
use schemars::JsonSchema;
use serde::Deserialize;
use store::{MemberRange, StoreError};

/// Who has a role.
pub(crate) fn routes() -> ApiRouter<State> {
    let list = call("list.teamRoleMembers", "List who has a role").needs(P::RoleRead);
    let add = call("create.teamRoleMember", "Give a role to a member").needs(P::RoleManage);
    let remove = call("delete.teamRoleMember", "Take a role from a member");
    ApiRouter::new()
        .api_route(
            "/roles/{roleId}/members",
            list.get(self::list).merge(add.post(self::add)),
        )
        .api_route(
            "/roles/{roleId}/members/{memberId}",
            remove.needs(P::RoleManage).delete(self::remove),
        )
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MemberOfRole {
    team_id: String,
    role_id: String,
    member_id: String,
}

/// For the document: the parameters of the list.
#[derive(JsonSchema)]
pub(crate) struct MemberQuery {
    #[schemars(flatten)]
    #[expect(dead_code, reason = "for the document")]
    paging: Paging,
    /// Only these members: give it again for each, or put commas between their ids.
    #[schemars(rename = "userIds")]
    #[expect(dead_code, reason = "for the document")]
    user_ids: Option<String>,
}

/// The body of adding.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewRoleMember {
    user_id: String,
}

/// `GET /v1/teams/{teamId}/roles/{roleId}/members`.
async fn list(
    FromState(state): FromState<State>,
    _: Caller,
    Path(place): Path<RolePlace>,
    params: Params<MemberQuery>,
) -> Result<Listed<Members>, ApiError> {
    let role = place.role(&state).await?;
    let list = format!("role-members:{}/{}", place.team_id, role.id);
    let page = PageQuery::read(&params, &state.sealer, &list)?;
    let only = params.list("userIds");
    let mut rows = read(&state, &place.team_id, &role.id, &page, &only).await?;
    let pagination = page.cut(&mut rows, &state.sealer, &list, |member| member.number);
    Ok(Listed {
        data: Members {
            members: rows.into_iter().map(MemberView::from).collect(),
        },
        pagination,
    })
}

async fn read(
    state: &State,
    team: &str,
    role: &str,
    page: &PageQuery,
    only: &[&str],
) -> Result<Vec<Member>, ApiError> {
    let (after, offset) = page.range();
    let mut range = MemberRange {
        role: Some(role),
        after,
        offset,
        limit: page.limit(),
    };
    if only.is_empty() {
        return Ok(state.store.members(team, range).await?);
    }
    (range.after, range.offset, range.limit) = (0, 0, i64::MAX);
    let mut members = state.store.members(team, range).await?;
    members.retain(|member| only.contains(&member.id.as_str()));
    Ok(page.of_few(members, |member| member.number))
}

/// `POST /v1/teams/{teamId}/roles/{roleId}/members`.
async fn add(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<RolePlace>,
    Body(input): Body<NewRoleMember>,
) -> Result<Nothing, ApiError> {
    let role = place.role(&state).await?;
    may_give(&caller, &role)?;
    let given = state
        .store
        .give_role(&place.team_id, &role.id, &input.user_id)
        .await;
    given.map_err(|error| match error {
        StoreError::Gone => {
            let problem = format!("the team has no member `{}`", input.user_id);
            ApiError::field("userId", problem)
        }
        other => other.into(),
    })?;
    Ok(Nothing::new())
}

/// `DELETE /v1/teams/{teamId}/roles/{roleId}/members/{memberId}`.
async fn remove(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<MemberOfRole>,
) -> Result<Nothing, ApiError> {
    let role = state.store.role(&place.team_id, &place.role_id).await?;
    let role = role.ok_or_else(|| ApiError::not_found("role", &place.role_id))?;
    // Who could not have given it cannot take it away either.
    may_give(&caller, &role)?;
    let taken = state
        .store
        .take_role(&place.team_id, &place.role_id, &place.member_id)
        .await?;
    if !taken {
        return Err(ApiError::not_found("member of the role", &place.member_id));
    }
    Ok(Nothing::new())
}
