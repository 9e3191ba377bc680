//! The routes under `/v2/`. A repository's name holds slashes, so one route takes every path and
//! [`crate::names`] reads it.

mod blobs;
mod manifests;
mod tags;
mod token;
mod uploads;

use crate::Inner;
use crate::access::{Action, Verdict, credentials};
use crate::digest::Digest;
use crate::error::Refusal;
use crate::names::{self, Target};
use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use http::header::{AUTHORIZATION, HeaderName, HeaderValue, IF_NONE_MATCH};
use http::{HeaderMap, Method};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::RwLockReadGuard;

type Answer = Result<Response, Refusal>;

const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");

pub(crate) fn router(inner: Arc<Inner>) -> Router {
    Router::new()
        .route("/v2/", get(base))
        .route("/v2", get(base))
        .route("/v2/token", get(token::token))
        .route("/v2/{*path}", any(dispatch))
        // Layers have no limit but the disk; manifests are limited where they are read.
        .layer(DefaultBodyLimit::disable())
        .with_state(inner)
}

/// `GET /v2/`: tells clients how to log in. Who did not is asked to, although pulling may be open:
/// a client that is not asked here sends no credentials later either.
async fn base(State(inner): State<Arc<Inner>>, headers: HeaderMap) -> Response {
    let verdict = match credentials(&headers) {
        Some(credentials) => inner.authorizer.login(Some(credentials)).await,
        None if headers.contains_key(AUTHORIZATION) => inner.authorizer.login(None).await,
        None => Verdict::NeedLogin,
    };
    let mut response = match allowed(&inner, &headers, None, verdict) {
        Ok(()) => axum::Json(serde_json::json!({})).into_response(),
        Err(refusal) => refusal.into_response(),
    };
    response
        .headers_mut()
        .insert(API_VERSION, HeaderValue::from_static("registry/2.0"));
    response
}

async fn dispatch(
    State(inner): State<Arc<Inner>>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let outcome = match path {
        Ok(Path(path)) => answer(&inner, &path, request).await,
        Err(_) => Err(Refusal::name_invalid()),
    };
    let mut response = outcome.unwrap_or_else(IntoResponse::into_response);
    response
        .headers_mut()
        .insert(API_VERSION, HeaderValue::from_static("registry/2.0"));
    response
}

async fn answer(inner: &Inner, path: &str, request: Request) -> Answer {
    let (repository, target) = names::parse(path).ok_or_else(Refusal::name_unknown)?;
    if !names::is_repository(repository) {
        return Err(Refusal::name_invalid());
    }
    let (parts, body) = request.into_parts();
    let method = parts.method;
    authorize(inner, &parts.headers, repository, action(&method, &target)).await?;
    let call = Call {
        inner,
        repository,
        headers: &parts.headers,
        query: query(parts.uri.query().unwrap_or_default()),
    };
    match (target, method) {
        (Target::Blob(digest), Method::GET) => call.blob(digest, true).await,
        (Target::Blob(digest), Method::HEAD) => call.blob(digest, false).await,
        (Target::Blob(digest), Method::DELETE) => call.delete_blob(digest).await,
        (Target::Uploads, Method::POST) => call.begin_upload(body).await,
        (Target::Upload(id), Method::GET) => call.upload_status(id).await,
        (Target::Upload(id), Method::PATCH) => call.append_upload(id, body).await,
        (Target::Upload(id), Method::PUT) => call.finish_upload(id, body).await,
        (Target::Upload(id), Method::DELETE) => call.cancel_upload(id).await,
        (Target::Manifest(reference), Method::GET) => call.manifest(reference, true).await,
        (Target::Manifest(reference), Method::HEAD) => call.manifest(reference, false).await,
        (Target::Manifest(reference), Method::PUT) => call.put_manifest(reference, body).await,
        (Target::Manifest(reference), Method::DELETE) => call.delete_manifest(reference).await,
        (Target::Tags, Method::GET) => call.tags().await,
        (Target::Referrers(digest), Method::GET) => call.referrers(digest).await,
        _ => Err(Refusal::unsupported()),
    }
}

/// One call about one repository, already allowed.
struct Call<'a> {
    inner: &'a Inner,
    repository: &'a str,
    headers: &'a HeaderMap,
    query: HashMap<String, String>,
}

impl Call<'_> {
    /// The right to write what is pushed. Whether that is allowed is asked again: the body may have
    /// taken its time, and what it belongs to may have been deleted meanwhile.
    async fn placing(&self, action: Action<'_>) -> Result<RwLockReadGuard<'_, ()>, Refusal> {
        let placing = self.inner.placing.read().await;
        authorize(self.inner, self.headers, self.repository, action).await?;
        Ok(placing)
    }

    fn path(&self, rest: &str) -> String {
        format!("/v2/{}/{rest}", self.repository)
    }
}

fn action<'a>(method: &Method, target: &Target<'a>) -> Action<'a> {
    match (method, target) {
        // Cancelling an upload is part of pushing.
        (_, Target::Upload(_) | Target::Uploads) => Action::Push,
        (&Method::GET | &Method::HEAD, _) => Action::Pull,
        (&Method::DELETE, _) => Action::Delete,
        (_, Target::Manifest(reference)) => putting(reference),
        _ => Action::Push,
    }
}

/// Putting a manifest under a name that is no digest gives it a tag.
fn putting(reference: &str) -> Action<'_> {
    match Digest::parse(reference) {
        Some(_) => Action::Push,
        None => Action::Tag(reference),
    }
}

async fn authorize(
    inner: &Inner,
    headers: &HeaderMap,
    repository: &str,
    action: Action<'_>,
) -> Result<(), Refusal> {
    let verdict = inner
        .authorizer
        .authorize(credentials(headers), repository, action)
        .await;
    allowed(inner, headers, Some((repository, action)), verdict)
}

fn allowed(
    inner: &Inner,
    headers: &HeaderMap,
    scope: Option<(&str, Action<'_>)>,
    verdict: Verdict,
) -> Result<(), Refusal> {
    match verdict {
        Verdict::Allow => Ok(()),
        Verdict::NeedLogin => Err(Refusal::need_login(token::challenge(inner, headers, scope))),
        Verdict::Deny => Err(Refusal::denied()),
        Verdict::NotVisible => Err(Refusal::name_unknown()),
        Verdict::Unavailable => Err(Refusal::unavailable()),
    }
}

fn query(text: &str) -> HashMap<String, String> {
    url::form_urlencoded::parse(text.as_bytes())
        .into_owned()
        .collect()
}

fn digest(text: &str) -> Result<Digest, Refusal> {
    Digest::parse(text).ok_or_else(|| Refusal::digest_invalid("That is not a sha256 digest."))
}

/// A number in a header: digits only, where Rust would take a sign as well.
fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Whether the client has what this `ETag` names.
fn has_already(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get(IF_NONE_MATCH)
        .is_some_and(|value| value.as_bytes() == etag.as_bytes())
}

/// An answer without a body.
fn empty(status: http::StatusCode, headers: &[(HeaderName, &str)]) -> Response {
    let mut response = (status, Body::empty()).into_response();
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name.clone(), value);
        }
    }
    response
}
