//! The people in a team. There is no mail to send and no page to log in on: an invitation answers a
//! token, shown this once, that whoever invites passes on.

use super::roles::roles_to_give;
use crate::edge::{
    ApiError, Body, Caller, Data, Listed, Nothing, PageQuery, Paging, Params, Path, Problems, call,
    iso_millis,
};
use crate::state::State;
use aide::axum::ApiRouter;
use axum::extract::State as FromState;
use domain::{Member, Permission as P, fields};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::MemberRange;

/// The people in a team.
pub(crate) fn routes() -> ApiRouter<State> {
    let list = call("list.teamMembers", "List the members of a team").needs(P::MemberRead);
    let invite = call("create.teamMemberInvite", "Invite somebody to a team");
    let delete = call("delete.teamMember", "Delete a member with their tokens");
    ApiRouter::new()
        .api_route(
            "/members",
            list.get(self::list)
                .merge(invite.needs(P::MemberManage).post(self::invite)),
        )
        .api_route(
            "/members/{memberId}",
            delete.needs(P::MemberManage).delete(self::delete),
        )
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct MemberPlace {
    team_id: String,
    member_id: String,
}

/// The body of an invitation.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Invitation {
    email: String,
    /// The ids of roles.
    #[serde(default)]
    roles: Vec<String>,
}

/// A member.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MemberView {
    id: String,
    emails: [EmailView; 1],
    joined_at: String,
    /// Whether they have used a token of theirs.
    finalized: bool,
}

#[derive(Serialize, JsonSchema)]
struct EmailView {
    address: String,
    /// Nobody's address is verified here: no mail is sent.
    verified: bool,
}

impl From<Member> for MemberView {
    fn from(member: Member) -> Self {
        MemberView {
            id: member.id,
            emails: [EmailView {
                address: member.email,
                verified: false,
            }],
            joined_at: iso_millis(member.created_at),
            finalized: member.finalized,
        }
    }
}

/// What an invitation answers.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Invited {
    #[serde(flatten)]
    member: MemberView,
    /// The member's token. It is shown this once.
    token: String,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Members {
    pub(super) members: Vec<MemberView>,
}

/// `GET /v1/teams/{teamId}/members`.
async fn list(
    FromState(state): FromState<State>,
    _: Caller,
    Path(place): Path<MemberPlace>,
    params: Params<Paging>,
) -> Result<Listed<Members>, ApiError> {
    let list = format!("members:{}", place.team_id);
    let page = PageQuery::read(&params, &state.sealer, &list)?;
    let (after, offset) = page.range();
    let range = MemberRange {
        role: None,
        after,
        offset,
        limit: page.limit(),
    };
    let mut members = state.store.members(&place.team_id, range).await?;
    let pagination = page.cut(&mut members, &state.sealer, &list, |member| member.number);
    Ok(Listed {
        data: Members {
            members: members.into_iter().map(MemberView::from).collect(),
        },
        pagination,
    })
}

/// `POST /v1/teams/{teamId}/members`.
async fn invite(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<MemberPlace>,
    Body(input): Body<Invitation>,
) -> Result<Data<Invited>, ApiError> {
    let mut problems = Problems::default();
    problems.check("email", fields::email(&input.email));
    problems.into_result()?;
    roles_to_give(&state, &caller, &place.team_id, &input.roles).await?;
    let taken = format!("The team has a member with the address {}.", input.email);
    let invited = state
        .store
        .invite(&place.team_id, &input.email, &input.roles)
        .await;
    let (member, secret) = invited.map_err(ApiError::or_taken(taken))?;
    Ok(Data {
        data: Invited {
            member: member.into(),
            token: secret.expose().to_owned(),
        },
    })
}

/// `DELETE /v1/teams/{teamId}/members/{memberId}`.
async fn delete(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<MemberPlace>,
) -> Result<Nothing, ApiError> {
    let roles = state
        .store
        .roles_of_member(&place.team_id, &place.member_id)
        .await?;
    // Who could not have given a role cannot take it away either.
    roles_to_give(&state, &caller, &place.team_id, &roles).await?;
    let deleted = state
        .store
        .delete_member(&place.team_id, &place.member_id)
        .await?;
    if !deleted {
        return Err(ApiError::not_found("member", &place.member_id));
    }
    Ok(Nothing::new())
}
