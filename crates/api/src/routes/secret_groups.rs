//! Groups of secrets of a project: what builds of its services inherit.

mod input;
mod view;

use super::build_arguments::Show;
use super::secret_input::{may_refer, replace_all};
use super::service_rights::may_show_more;
use crate::edge::{
    ApiError, Body, Caller, Data, Listed, Nothing, PageQuery, Paging, Params, Path, Place,
    Problems, Start, call,
};
use crate::state::State;
use aide::axum::ApiRouter;
use axum::extract::State as FromState;
use domain::secret_group::{GROUPS, GroupSettings};
use domain::{Permission as P, Project, SecretGroup, SecretValues, slug};
use input::GroupInput;
use schemars::JsonSchema;
use serde::Serialize;
use store::StoreError;
use view::{GroupDetails, GroupSummary, GroupView};

/// Groups of secrets.
pub(crate) fn routes() -> ApiRouter<State> {
    let list = call("list.secrets", "List a project's groups of secrets").needs(P::SecretRead);
    let create = call("create.secret", "Create a group of secrets").needs(P::SecretCreate);
    let put = call("put.secret", "Create or replace a group of secrets").needs(P::SecretCreate);
    let get = call("get.secret", "Get a group of secrets").needs(P::SecretRead);
    let details = call("get.secretDetails", "Get a group of secrets in detail");
    let patch = call("patch.secret", "Change a group of secrets").needs(P::SecretUpdate);
    let update = call("update.secret", "Change a group of secrets").needs(P::SecretUpdate);
    let delete = call("delete.secret", "Delete a group of secrets").needs(P::SecretDelete);
    ApiRouter::new()
        .api_route(
            "/projects/{projectId}/secrets",
            list.get(self::list)
                .merge(create.post(self::create))
                .merge(put.put(self::put)),
        )
        .api_route(
            "/projects/{projectId}/secrets/{secretId}",
            get.get(self::get)
                .merge(patch.patch(self::patch))
                .merge(update.post(self::update))
                .merge(delete.delete(self::delete)),
        )
        .api_route(
            "/projects/{projectId}/secrets/{secretId}/details",
            details.needs(P::SecretRead).get(self::details),
        )
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Groups {
    secrets: Vec<GroupSummary>,
}

/// `GET /v1/projects/{projectId}/secrets`: without their values.
pub(crate) async fn list(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    params: Params<Paging>,
) -> Result<Listed<Groups>, ApiError> {
    let project = place.project(&state, &caller).await?;
    let list = format!("secrets:{}", project.uid);
    let page = PageQuery::read(&params, &state.sealer, &list)?;
    let (after, skip) = match page.start {
        Start::After(number) => (number, 0),
        Start::Skip(count) => (0, count),
    };
    let mut rows = state
        .store
        .secret_groups(&project.uid, after, skip, page.limit())
        .await?;
    let pagination = page.cut(&mut rows, &state.sealer, &list, |group| group.number);
    let secrets = rows
        .into_iter()
        .map(|group| GroupSummary::new(&project, group))
        .collect();
    Ok(Listed {
        data: Groups { secrets },
        pagination,
    })
}

async fn find(
    state: &State,
    project: &Project,
    id: &str,
) -> Result<(SecretGroup, SecretValues), ApiError> {
    let found = state.store.secret_group(&project.uid, id).await?;
    found.ok_or_else(|| missing(id))
}

/// For the document: the parameters of `get`.
#[derive(JsonSchema)]
#[schemars(rename = "ShownOfGroup")]
pub(crate) struct Shown {
    /// Which values to show. There are no addons to inherit from, so `inherited` shows none.
    #[expect(dead_code, reason = "for the document")]
    show: Option<Show>,
}

/// `GET /v1/projects/{projectId}/secrets/{secretId}`.
pub(crate) async fn get(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    params: Params<Shown>,
) -> Result<Data<GroupView>, ApiError> {
    let project = place.project(&state, &caller).await?;
    let mut problems = Problems::default();
    let show = Show::read(&params, &mut problems);
    problems.into_result()?;
    let (group, mut values) = find(&state, &project, &place.secret_id).await?;
    if show == Show::Inherited {
        values = SecretValues::default();
    }
    Ok(view(&caller, &project, group, values))
}

/// `GET /v1/projects/{projectId}/secrets/{secretId}/details`.
pub(crate) async fn details(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
) -> Result<Data<GroupDetails>, ApiError> {
    let project = place.project(&state, &caller).await?;
    let (group, values) = find(&state, &project, &place.secret_id).await?;
    Ok(Data {
        data: GroupDetails::new(view(&caller, &project, group, values).data),
    })
}

/// A group as the caller may see it.
fn view(
    caller: &Caller,
    project: &Project,
    group: SecretGroup,
    values: SecretValues,
) -> Data<GroupView> {
    let values = may_read(caller, project).then_some(values);
    Data {
        data: GroupView::new(project, group, values),
    }
}

fn may_read(caller: &Caller, project: &Project) -> bool {
    caller.has_in(P::SecretRead, &project.id)
}

/// `POST /v1/projects/{projectId}/secrets`.
pub(crate) async fn create(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    Body(input): Body<GroupInput>,
) -> Result<Data<GroupView>, ApiError> {
    let project = place.project(&state, &caller).await?;
    make(&state, &caller, &project, input).await
}

async fn make(
    state: &State,
    caller: &Caller,
    project: &Project,
    input: GroupInput,
) -> Result<Data<GroupView>, ApiError> {
    let name = input.name.clone().unwrap_or_default();
    let mut settings = GroupSettings::default();
    let changes = input.apply(&mut settings, true, state, project).await?;
    let mut values = SecretValues::default();
    may_refer(caller, &changes, &values)?;
    changes.apply(&mut values);
    let id = slug::from_name(&name);
    let taken = format!("The project has a group of secrets with the id `{id}` already.");
    let group = SecretGroup {
        uid: String::new(),
        project_uid: project.uid.clone(),
        number: 0,
        id,
        name,
        settings,
        created_at: 0,
        updated_at: 0,
    };
    let made = state.store.create_secret_group(group, &values).await;
    let group = made.map_err(|error| match error {
        StoreError::TooMany => ApiError::conflict(format!(
            "The project has {GROUPS} groups of secrets, as many as it may have; delete one first."
        )),
        other => ApiError::or_taken(taken)(other),
    })?;
    Ok(view(caller, project, group, values))
}

/// `PUT /v1/projects/{projectId}/secrets`: creates, or makes the one whose id the name derives exactly
/// what the body says.
pub(crate) async fn put(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    Body(input): Body<GroupInput>,
) -> Result<Data<GroupView>, ApiError> {
    let project = place.project(&state, &caller).await?;
    let id = slug::from_name(input.name.as_deref().unwrap_or_default());
    let Some((group, before)) = state.store.secret_group(&project.uid, &id).await? else {
        let made = make(&state, &caller, &project, input).await;
        return made.map_err(ApiError::or_made_meanwhile);
    };
    caller.may_in(P::SecretUpdate, &project.id)?;
    let mut settings = GroupSettings::default();
    let mut changes = input.apply(&mut settings, true, &state, &project).await?;
    may_refer(&caller, &changes, &before)?;
    may_show_more(&caller, &project, (&group.settings, &before), &settings)?;
    // What the caller was not shown stays.
    if may_read(&caller, &project) {
        replace_all(&mut changes);
    }
    let changed = state.store.update_secret_group(&group, &settings, changes);
    let (group, values) = changed.await?.ok_or_else(|| missing(&id))?;
    Ok(view(&caller, &project, group, values))
}

fn missing(id: &str) -> ApiError {
    ApiError::not_found("group of secrets", id)
}

/// `PATCH /v1/projects/{projectId}/secrets/{secretId}`: changes what the body names.
pub(crate) async fn patch(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    Body(input): Body<GroupInput>,
) -> Result<Data<GroupView>, ApiError> {
    let project = place.project(&state, &caller).await?;
    let (group, before) = find(&state, &project, &place.secret_id).await?;
    if input.name.is_some() {
        let problem = "cannot be changed: the group's id derives from it";
        return Err(ApiError::field("name", problem));
    }
    let mut settings = group.settings.clone();
    let changes = input.apply(&mut settings, false, &state, &project).await?;
    may_refer(&caller, &changes, &before)?;
    may_show_more(&caller, &project, (&group.settings, &before), &settings)?;
    let changed = state.store.update_secret_group(&group, &settings, changes);
    let (group, values) = changed.await?.ok_or_else(|| missing(&group.id))?;
    Ok(view(&caller, &project, group, values))
}

/// `POST /v1/projects/{projectId}/secrets/{secretId}`: the same under its older name.
pub(crate) async fn update(
    state: FromState<State>,
    caller: Caller,
    place: Path<Place>,
    input: Body<GroupInput>,
) -> Result<Data<GroupView>, ApiError> {
    patch(state, caller, place, input).await
}

/// `DELETE /v1/projects/{projectId}/secrets/{secretId}`. Builds that were accepted keep what they
/// inherited.
pub(crate) async fn delete(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
) -> Result<Nothing, ApiError> {
    let project = place.project(&state, &caller).await?;
    let id = &place.secret_id;
    if state.store.delete_secret_group(&project.uid, id).await? {
        return Ok(Nothing::new());
    }
    Err(missing(id))
}
