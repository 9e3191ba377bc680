//! Asking for a build again: the same commit with the same arguments, whatever the service says by now.

use super::build_details::BuildDetails;
use super::builds::{creator, find};
use super::no_fields::NoFields;
use crate::accept;
use crate::edge::{ApiError, Caller, Data, Path, Place, call};
use crate::state::State;
use aide::axum::ApiRouter;
use axum::extract::State as FromState;
use domain::Permission as P;

/// Retries.
pub(crate) fn routes() -> ApiRouter<State> {
    let retry = call(
        "retry.service.build",
        "Start a build again: the same commit, with what it was started with",
    );
    ApiRouter::new().api_route(
        "/projects/{projectId}/services/{serviceId}/build/{buildId}/retry",
        retry.needs(P::DeployBuild).post(self::retry),
    )
}

/// `POST …/build/{buildId}/retry`.
async fn retry(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    _: NoFields,
) -> Result<Data<BuildDetails>, ApiError> {
    let (_, service) = place.service(&state, &caller).await?;
    let build = find(&state, &service, &place.build_id).await?;
    if !build.status.is_concluded() {
        return Err(ApiError::conflict(format!(
            "The build is not over yet: {}. Abort it first, or wait for its end.",
            build.status
        )));
    }
    let again = accept::again(&state, build, Some(creator(&caller))).await?;
    let build = state.store.accept_build(&service, again).await?;
    let data = BuildDetails::find(&state, &service, &build.id).await?;
    Ok(Data { data })
}
