//! Notification integrations: who is told about a team's builds.

mod input;
mod view;

use super::tags;
use crate::edge::{
    ApiError, Body, Caller, Data, Listed, Nothing, PageQuery, Paging, Params, Path, Place,
    Problems, Start, call,
};
use crate::state::State;
use aide::axum::ApiRouter;
use axum::extract::State as FromState;
use domain::notification::Integration;
use domain::{Permission as P, Projects};
use input::NotificationInput;
use store::StoreError;
use view::{NotificationSummary, NotificationView, Notifications};

/// Notification integrations.
pub(crate) fn routes() -> ApiRouter<State> {
    let list = call("list.notifications", "List notification integrations");
    let create = call("create.notification", "Create a notification integration");
    let get = call("get.notification", "Get a notification integration");
    let update = call("update.notification", "Change a notification integration");
    let delete = call("delete.notification", "Delete a notification integration");
    ApiRouter::new()
        .api_route(
            "/integrations/notifications",
            list.needs(P::NotificationRead)
                .get(self::list)
                .merge(create.needs(P::NotificationManage).post(self::create)),
        )
        .api_route(
            "/integrations/notifications/{notificationId}",
            get.needs(P::NotificationRead)
                .get(self::get)
                .merge(update.needs(P::NotificationManage).post(self::update))
                .merge(delete.needs(P::NotificationManage).delete(self::delete)),
        )
}

/// The projects whose builds a caller may read, and so may be told of.
fn readable(caller: &Caller) -> Projects {
    caller.token.rights.projects(P::ServiceRead)
}

/// Whether a caller sees an integration: one that tells of no build that the caller may not read.
fn sees(caller: &Caller, integration: &Integration) -> bool {
    let readable = readable(caller);
    match &integration.audience.projects {
        None => readable.is_all(),
        Some(projects) => projects.iter().all(|id| readable.covers(id)),
    }
}

async fn find(state: &State, caller: &Caller, place: &Place) -> Result<Integration, ApiError> {
    let team = caller.team(place.team_id.as_deref())?;
    let found = state
        .store
        .notification(team, &place.notification_id)
        .await?;
    found
        .filter(|integration| sees(caller, integration))
        .ok_or_else(|| ApiError::not_found("notification integration", &place.notification_id))
}

/// `GET /v1/integrations/notifications`.
async fn list(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    params: Params<Paging>,
) -> Result<Listed<Notifications>, ApiError> {
    let team = caller.team(place.team_id.as_deref())?;
    let list = format!("notifications:{team}");
    let page = PageQuery::read(&params, &state.sealer, &list)?;
    let mut rows = if readable(&caller).is_all() {
        let (after, skip) = match page.start {
            Start::After(number) => (number, 0),
            Start::Skip(count) => (0, count),
        };
        let limit = page.limit();
        state.store.notifications(team, after, skip, limit).await?
    } else {
        let mut all = state.store.notifications(team, 0, 0, i64::MAX).await?;
        all.retain(|integration| sees(&caller, integration));
        page.of_few(all, |integration| integration.number)
    };
    let number = |integration: &Integration| integration.number;
    let pagination = page.cut(&mut rows, &state.sealer, &list, number);
    let notification_integrations = rows.iter().map(NotificationSummary::from).collect();
    Ok(Listed {
        data: Notifications {
            notification_integrations,
        },
        pagination,
    })
}

/// `POST /v1/integrations/notifications`.
async fn create(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    Body(input): Body<NotificationInput>,
) -> Result<Data<NotificationView>, ApiError> {
    let team = caller.team(place.team_id.as_deref())?;
    let mut problems = Problems::default();
    let new = input.create(team, &mut problems);
    check_audience(&state, &caller, &input, &new, &mut problems).await?;
    problems.into_result()?;
    let taken = format!(
        "There is a notification integration with the id `{}` already; choose another name.",
        new.id
    );
    let made = state.store.create_notification(new).await;
    let made = made.map_err(ApiError::or_taken(taken))?;
    Ok(Data {
        data: (&made).into(),
    })
}

/// Every project that is named must be there, for this caller; and who sees only some projects must
/// not be told of others.
async fn check_audience(
    state: &State,
    caller: &Caller,
    input: &NotificationInput,
    wanted: &Integration,
    problems: &mut Problems,
) -> Result<(), ApiError> {
    for id in input.projects() {
        let there = state.store.project(&wanted.team, id).await?;
        if there.is_none() || !readable(caller).covers(id) {
            problems.add(
                "projects",
                format!("names `{id}`: there is no such project"),
            );
        }
    }
    let field = "restrictions.tags.items";
    tags::check(state, &wanted.team, field, input.tags(), problems).await?;
    if wanted.audience.projects.is_none() && !readable(caller).is_all() {
        problems.add(
            "restricted",
            "must be true: this token reads the builds of some projects only",
        );
    }
    Ok(())
}

/// `GET /v1/integrations/notifications/{notificationId}`.
async fn get(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
) -> Result<Data<NotificationView>, ApiError> {
    let found = find(&state, &caller, &place).await?;
    Ok(Data {
        data: (&found).into(),
    })
}

/// `POST /v1/integrations/notifications/{notificationId}`: changes what is given.
async fn update(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    Body(input): Body<NotificationInput>,
) -> Result<Data<NotificationView>, ApiError> {
    let found = find(&state, &caller, &place).await?;
    let mut problems = Problems::default();
    let changed = input.update(found, &mut problems);
    check_audience(&state, &caller, &input, &changed, &mut problems).await?;
    problems.into_result()?;
    let updated = state.store.update_notification(&changed).await?;
    let updated = updated.ok_or(StoreError::Gone)?;
    Ok(Data {
        data: (&updated).into(),
    })
}

/// `DELETE /v1/integrations/notifications/{notificationId}`.
async fn delete(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
) -> Result<Nothing, ApiError> {
    let found = find(&state, &caller, &place).await?;
    state.store.delete_notification(&found.uid).await?;
    Ok(Nothing::new())
}
