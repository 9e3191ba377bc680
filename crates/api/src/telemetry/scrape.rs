//! `GET /metrics`.

use crate::edge::{ApiError, Caller, bearer};
use crate::state::State;
use axum::extract::State as FromState;
use axum::response::{IntoResponse, Response};
use domain::Status;
use http::{HeaderMap, header};
use metrics::gauge;

/// Prometheus' text format.
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Everything that is counted. Any valid token will do, or none where the operator says so.
pub(crate) async fn scrape(
    FromState(state): FromState<State>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if !state.settings.metrics_public {
        let secret = bearer(&headers).ok_or_else(ApiError::unauthorized)?;
        let caller = Caller::by_secret(&state.store, secret).await?;
        caller.ok_or_else(ApiError::unauthorized)?;
    }
    look(&state).await;
    let format = [(header::CONTENT_TYPE, FORMAT)];
    Ok((format, state.telemetry.render()).into_response())
}

/// Looks how things stand. Without the database, which is worth an alarm, the other figures are still
/// told; these are then told as unknown.
async fn look(state: &State) {
    let open = match state.store.open_by_status().await {
        Ok(open) => Some(open),
        Err(error) => {
            tracing::error!(%error, "how builds stand is not known");
            None
        }
    };
    let now = jiff::Timestamp::now().as_millisecond();
    let mut running = 0.0;
    for status in Status::ALL.into_iter().filter(|s| !s.is_concluded()) {
        let found = open.as_ref().map(|open| {
            let of_status = open.iter().find(|(other, ..)| *other == status);
            of_status.map_or((0.0, 0.0), |(_, count, since)| {
                (*count as f64, (now - since).max(0) as f64 / 1000.0)
            })
        });
        let (count, longest) = found.unwrap_or((f64::NAN, f64::NAN));
        gauge!("boatyard_builds", "status" => status.as_str()).set(count);
        gauge!("boatyard_builds_longest_seconds", "status" => status.as_str()).set(longest);
        if status.is_running() {
            running += count;
        }
    }
    gauge!("boatyard_builds_running").set(running);
}
