//! The HTTP door: the Northflank-compatible API under `/v1`, the workers' protocol under
//! `/worker/v1`, the registry under `/v2`, health, figures for Prometheus. It knows tokens, permissions and wire shapes,
//! and no SQL, no engine.

mod accept;
mod edge;
mod job_credentials;
mod linked;
mod openapi;
#[cfg(test)]
mod permissions_page;
mod pull_request;
mod registry_access;
mod removal;
mod routes;
mod settings;
mod state;
mod tail;
mod telemetry;
mod watch;
mod worker_calls;

pub use registry_access::RegistryAccess;
pub use routes::builds::describe;
pub use settings::Settings;
pub use telemetry::Telemetry;
pub use watch::{Watcher, Watching};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use edge::{Answers, ApiError, RateLimit, Sealer};
use http::StatusCode;
use logs::LogStore;
use registry::Registry;
use routes::vcs::Told;
use state::{Shared, State};
use std::sync::Arc;
use store::{Store, StoreError};
use tokio_util::sync::CancellationToken;

/// JSON bodies of the API are small; anything larger is a mistake or an attack.
const JSON_LIMIT: usize = 1024 * 1024;
/// A chunk of a worker's log.
const LOG_CHUNK_LIMIT: usize = 16 * 1024 * 1024;

/// What the API stands on.
pub struct Parts {
    /// The store.
    pub store: Store,
    /// The logs.
    pub logs: LogStore,
    /// The embedded registry.
    pub registry: Registry,
    /// Git, for looking up branches.
    pub git: git::Git,
    /// What repositories are looked at with.
    pub watching: Watching,
    /// What is counted in this process.
    pub telemetry: Telemetry,
    /// What the operator decided.
    pub settings: Settings,
    /// Ends long waits when the server stops.
    pub stop: CancellationToken,
}

/// Builds the whole router, and what looks for new commits beside it. Serve it with connection info,
/// which the rate limit counts by.
///
/// # Errors
/// When the key that seals cursors cannot be read or made.
pub async fn open(parts: Parts) -> Result<(Router, Watcher), StoreError> {
    let key = parts.store.fact_or("cursor-key", store::random_key).await?;
    let registry = parts.registry.router();
    let state: State = Arc::new(Shared {
        rate: RateLimit::new(parts.settings.rate_limit),
        sealer: Sealer::new(&key),
        answers: Answers::default(),
        told: Told::default(),
        store: parts.store,
        logs: parts.logs,
        registry: parts.registry,
        git: parts.git,
        watching: parts.watching,
        bell: watch::Bell::default(),
        telemetry: parts.telemetry,
        settings: parts.settings,
        stop: parts.stop,
    });
    let workers = worker_calls::router()
        .layer(DefaultBodyLimit::max(LOG_CHUNK_LIMIT))
        .with_state(Arc::clone(&state));
    // Whoever watches the server asks often, and must not be told that it is down for that.
    let health = Router::new()
        .route("/healthz", get(routes::machine::healthz))
        .route("/readyz", get(routes::machine::readyz))
        .route("/metrics", get(telemetry::scrape))
        .with_state(Arc::clone(&state));
    let outside = Router::new()
        .merge(openapi::with_document(routes::all, JSON_LIMIT))
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
        // Last added, first run: who calls is known before the limit counts.
        .layer(from_fn_with_state(Arc::clone(&state), edge::limit_rate))
        .layer(from_fn_with_state(Arc::clone(&state), edge::authenticate))
        .with_state(Arc::clone(&state));
    let router = Router::new()
        .nest(protocol::BASE, workers)
        .merge(registry)
        .merge(health)
        .merge(outside)
        .layer(tower_http::catch_panic::CatchPanicLayer::custom(panicked))
        .layer(from_fn(telemetry::record));
    Ok((router, Watcher::new(state)))
}

async fn not_found(uri: http::Uri) -> ApiError {
    let message = format!("There is nothing at `{}`.", uri.path());
    ApiError::new(StatusCode::NOT_FOUND, "not-found", message)
}

async fn wrong_method(method: http::Method, uri: http::Uri) -> ApiError {
    let message = format!("`{}` does not take {method}.", uri.path());
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        message,
    )
}

fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(panic = text, "a call panicked");
    ApiError::internal().into_response()
}
