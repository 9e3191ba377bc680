//! The server's side of the worker protocol (`protocol`). The one-build token is the fence: a
//! worker whose attempt is over finds no build behind it and gets 410 for everything it tries.

use crate::edge::{ApiError, Body, Data, Nothing, Params};
use crate::job_credentials;
use crate::linked;
use crate::state::State;
use axum::extract::{FromRequestParts, State as FromState};
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::registry_address::host_and_path;
use domain::{Build, Image, PushTo, Reason, Status, fields};
use http::StatusCode;
use http::request::Parts;
use logs::NewLine;
use protocol::{
    Claim, Conclusion, Job, LogChunk, LogsAccepted, Overtaken, Report, SampleBatch, Watch,
};
use std::time::Duration;
use store::{Advanced, Ending};

/// How long a watch waits at the most.
const LONGEST_WATCH: Duration = Duration::from_secs(60);
/// How often a watch looks for itself: another server may have changed the build.
const LOOK: Duration = Duration::from_millis(500);

pub(crate) fn router() -> Router<State> {
    Router::new()
        .route("/claim", post(claim))
        .route("/heartbeat", post(heartbeat))
        .route("/status", post(status))
        .route("/logs", post(logs))
        .route("/samples", post(samples))
        .route("/conclude", post(conclude))
        .route("/watch", get(watch))
        .route("/overtaken", get(overtaken))
}

/// The bearer of a one-build token.
struct Worker(String);

impl FromRequestParts<State> for Worker {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &State) -> Result<Self, ApiError> {
        let token = crate::edge::bearer(&parts.headers).ok_or_else(ApiError::unauthorized)?;
        Ok(Worker(token.to_owned()))
    }
}

fn gone() -> ApiError {
    ApiError::new(
        StatusCode::GONE,
        "lease-lost",
        "This worker does not hold a build any more: it was aborted, lost its lease, or is over.",
    )
}

async fn claim(
    FromState(state): FromState<State>,
    Worker(token): Worker,
    Body(claim): Body<Claim>,
) -> Result<Json<Job>, ApiError> {
    let lease = state.settings.lease;
    let lease_ms = i64::try_from(lease.as_millis()).unwrap_or(i64::MAX);
    let claimed = state
        .store
        .claim(&token, &claim.process, lease_ms)
        .await?
        .ok_or_else(gone)?;
    let build = claimed.build;
    let mut request = claimed.request;
    let commit_is_named = request.sha.is_some();
    // The commit that the branch had when the build was asked for.
    request.sha = request.sha.or(build.sha.clone());
    let repository = state
        .store
        .repository(&build.service_uid)
        .await?
        .ok_or_else(gone)?;
    let cache_generation = state.store.cache_generation(&build.service_uid).await?;
    let next_log_seq = state.logs.status(&build.uid).await?.next_seq;
    let credentials = job_credentials::look_up(&state, &build.project_uid, &request).await?;
    let git_login = linked::git_login(&state, &request).await?;
    let (project, service) = state
        .store
        .names_of(&build.service_uid)
        .await
        .unwrap_or_default();
    tracing::info!(%project, %service, build = %build.id, attempt = build.attempt, "a worker took the build");
    Ok(Json(Job {
        build_uid: build.uid,
        build_id: build.id,
        service_uid: build.service_uid,
        cache_generation: cache_generation.ok_or_else(gone)?,
        attempt: build.attempt,
        request,
        commit_is_named,
        registry: state.settings.worker_registry_host.clone(),
        repository,
        registry_public: state.settings.registry_host.clone(),
        credentials: credentials.pull,
        push_credential: credentials.push,
        git_login,
        lease_seconds: lease.as_secs(),
        next_log_seq,
    }))
}

async fn heartbeat(
    FromState(state): FromState<State>,
    Worker(token): Worker,
) -> Result<Nothing, ApiError> {
    let lease_ms = i64::try_from(state.settings.lease.as_millis()).unwrap_or(i64::MAX);
    if state.store.heartbeat(&token, lease_ms).await? {
        Ok(Nothing::new())
    } else {
        Err(gone())
    }
}

async fn status(
    FromState(state): FromState<State>,
    Worker(token): Worker,
    Body(report): Body<Report>,
) -> Result<Nothing, ApiError> {
    let sha = report.sha.as_deref();
    if let Some(Err(problem)) = sha.map(fields::sha) {
        return Err(ApiError::field("sha", problem));
    }
    match state.store.advance(&token, report.status, sha).await? {
        Advanced::Moved(_) | Advanced::Unchanged(_) => Ok(Nothing::new()),
        Advanced::Refused(build) if build.status.is_concluded() => Err(gone()),
        Advanced::Refused(build) => Err(ApiError::conflict(format!(
            "A build in {} cannot move to {}, nor to another commit.",
            build.status, report.status
        ))),
        Advanced::NotFound => Err(gone()),
    }
}

async fn logs(
    FromState(state): FromState<State>,
    Worker(token): Worker,
    Body(chunk): Body<LogChunk>,
) -> Result<Json<LogsAccepted>, ApiError> {
    let build = state
        .store
        .build_of_worker(&token)
        .await?
        .ok_or_else(gone)?;
    let lines = chunk
        .lines
        .into_iter()
        .map(|line| NewLine {
            ts: line.ts,
            text: line.text,
        })
        .collect();
    match state.logs.append(&build.uid, chunk.first_seq, lines).await {
        Ok(next_seq) => Ok(Json(LogsAccepted { next_seq })),
        // Lines are missing in between: the worker sends from there.
        Err(logs::LogError::Gap { expected, .. }) => Ok(Json(LogsAccepted { next_seq: expected })),
        Err(logs::LogError::Sealed { .. }) => Err(gone()),
        Err(error) => Err(error.into()),
    }
}

async fn samples(
    FromState(state): FromState<State>,
    Worker(token): Worker,
    Body(batch): Body<SampleBatch>,
) -> Result<Nothing, ApiError> {
    let build = state
        .store
        .build_of_worker(&token)
        .await?
        .ok_or_else(gone)?;
    match state.logs.append_samples(&build.uid, batch.samples).await {
        Ok(()) => Ok(Nothing::new()),
        Err(logs::LogError::Sealed { .. }) => Err(gone()),
        Err(error) => Err(error.into()),
    }
}

async fn conclude(
    FromState(state): FromState<State>,
    Worker(token): Worker,
    Body(conclusion): Body<Conclusion>,
) -> Result<Data<&'static str>, ApiError> {
    let ending = ending(&state, &token, conclusion).await?;
    match state.store.conclude_by_worker(&token, &ending).await? {
        Advanced::Moved(build) => {
            let (project, service) = state
                .store
                .names_of(&build.service_uid)
                .await
                .unwrap_or_default();
            tracing::info!(%project, %service, build = %build.id, status = %build.status, "a build concluded");
            Ok(Data { data: "concluded" })
        }
        Advanced::Unchanged(_) => Ok(Data { data: "concluded" }),
        Advanced::Refused(_) | Advanced::NotFound => Err(gone()),
    }
}

/// SUCCESS is said only when the registry has the image: a worker's word alone is not enough.
async fn ending(state: &State, token: &str, conclusion: Conclusion) -> Result<Ending, ApiError> {
    let mut ending = Ending {
        status: conclusion.status,
        reason: conclusion.reason,
        message: conclusion.message,
        image: None,
        usage: None,
    };
    // A conclusion sent again finds its build over; the store then tells whether it counted.
    let Some(build) = state.store.build_of_worker(token).await? else {
        return Ok(ending);
    };
    ending.usage = state.logs.usage(&build.uid).await;
    if conclusion.status == Status::Success {
        if let Some(to) = state.store.push_to_of_worker(token).await? {
            return elsewhere(&build, &to, conclusion.digest, conclusion.size, ending);
        }
        ending.image = pushed(state, &build, conclusion.digest.as_deref()).await?;
        if ending.image.is_none() {
            ending.status = Status::Failure;
            ending.reason = Some(Reason::PushFailed);
            ending.message = "The registry does not have the image that was pushed".to_owned();
        }
    }
    Ok(ending)
}

/// Of an image in a registry of the project's own there is the worker's word: it has read the manifest
/// back from there, with a login that this server needs for nothing else.
fn elsewhere(
    build: &Build,
    to: &PushTo,
    digest: Option<String>,
    size: Option<i64>,
    mut ending: Ending,
) -> Result<Ending, ApiError> {
    let (host, repository) = host_and_path(&to.repository);
    let (Some(digest), Some(size), Some(repository)) = (digest, size, repository) else {
        return Err(ApiError::field("digest", "and `size` are required"));
    };
    ending.image = Some(Image {
        registry: Some(host.to_owned()),
        name: format!("{repository}:{}", build.id),
        digest,
        size,
    });
    Ok(ending)
}

async fn pushed(
    state: &State,
    build: &Build,
    digest: Option<&str>,
) -> Result<Option<Image>, ApiError> {
    let Some(repository) = state.store.repository(&build.service_uid).await? else {
        return Ok(None);
    };
    let found = state
        .registry
        .manifest(&repository, &build.id)
        .await
        .map_err(|error| {
            tracing::error!(%error, "the registry's catalogue cannot be read");
            ApiError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "registry-unavailable",
                "Try again.",
            )
        })?;
    Ok(found
        .filter(|manifest| digest == Some(manifest.digest.as_str()))
        .map(|manifest| Image {
            registry: None,
            name: format!("{repository}:{}", build.id),
            size: i64::try_from(manifest.size_total).unwrap_or(i64::MAX),
            digest: manifest.digest,
        }))
}

async fn watch(
    FromState(state): FromState<State>,
    Worker(token): Worker,
    params: Params,
) -> Result<Json<Watch>, ApiError> {
    let seconds = params
        .get("seconds")
        .and_then(|text| text.parse().ok())
        .unwrap_or(20);
    let until = tokio::time::Instant::now() + Duration::from_secs(seconds).min(LONGEST_WATCH);
    // Listening begins before looking, so that nothing falls in between.
    let mut changes = state.store.changes();
    loop {
        let Some(build) = state.store.build_of_worker(&token).await? else {
            return Ok(Json(Watch { stop: true }));
        };
        if tokio::time::Instant::now() >= until || state.stop.is_cancelled() {
            return Ok(Json(Watch { stop: false }));
        }
        let touched = async {
            while changes
                .next()
                .await
                .is_some_and(|change| change.build_uid != build.uid)
            {}
        };
        let look = (tokio::time::Instant::now() + LOOK).min(until);
        tokio::select! {
            () = touched => {}
            () = tokio::time::sleep_until(look) => {}
            () = state.stop.cancelled() => {}
        }
    }
}

async fn overtaken(
    FromState(state): FromState<State>,
    Worker(token): Worker,
) -> Result<Json<Overtaken>, ApiError> {
    let build = state.store.build_of_worker(&token).await?;
    let build = build.ok_or_else(gone)?;
    let overtaken = state.store.is_overtaken(&build).await?;
    Ok(Json(Overtaken { overtaken }))
}
