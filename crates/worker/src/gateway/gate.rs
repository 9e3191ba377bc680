//! What may pass a gate, and how it is passed on.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::TryStreamExt;

use crate::measures::Traffic;

use super::upstream::{Sent, Upstream, UpstreamError};

/// What belongs to one connection, not to what is said over it (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [HeaderName; 6] = [
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
];
/// How many places that the registry sent the engine to are remembered at a time.
const PLACES: usize = 1024;

/// The way to one registry.
#[derive(Clone)]
pub(super) struct Gate {
    /// The registry.
    pub(super) upstream: Arc<Upstream>,
    /// The folder of repositories, or the repository, that it is about, where it is not all of them.
    pub(super) below: Option<String>,
    /// What the engine has to say, as an `Authorization`; `None` lets everybody in.
    pub(super) key: Option<HeaderValue>,
    /// Whether pushing is allowed; `None` never allows it.
    pub(super) pushing: Option<Arc<AtomicBool>>,
    /// Where else the registry keeps uploads: it said so itself.
    pub(super) places: Places,
    /// What passes.
    pub(super) traffic: Traffic,
}

/// Paths that a registry sent us to.
#[derive(Clone, Default)]
pub(super) struct Places(Arc<Mutex<HashSet<String>>>);

impl Places {
    fn set(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, location: &str) {
        let mut places = self.set();
        if places.len() >= PLACES {
            places.clear();
        }
        let path = location.split('?').next().unwrap_or_default();
        places.insert(path.to_owned());
    }

    fn has(&self, path: &str) -> bool {
        self.set().contains(path)
    }
}

/// Lets a request through, streaming both ways.
pub(super) async fn pass(State(gate): State<Gate>, request: Request) -> Response {
    match gate.check(&request) {
        // Whether it is there shows when it is asked for an image; the answer then says why.
        Ok(()) if gate.upstream.is_users() && request.uri().path() == "/v2/" => {
            axum::Json(serde_json::json!({})).into_response()
        }
        Ok(()) => gate.forward(request).await,
        Err(refusal) => refusal,
    }
}

impl Gate {
    #[expect(clippy::result_large_err, reason = "made once for a refusal")]
    fn check(&self, request: &Request) -> Result<(), Response> {
        let path = request.uri().path();
        if !is_content(path, self.below.as_deref()) && !self.places.has(path) {
            return Err(refused(
                StatusCode::NOT_FOUND,
                "only images are behind this",
            ));
        }
        let said = request.headers().get(header::AUTHORIZATION);
        if self.key.as_ref().is_some_and(|key| said != Some(key)) {
            let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"boatyard\"")];
            return Err((StatusCode::UNAUTHORIZED, challenge).into_response());
        }
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let pushing = self.pushing.as_ref();
        if reads || pushing.is_some_and(|pushing| pushing.load(Ordering::Acquire)) {
            return Ok(());
        }
        Err(refused(
            StatusCode::FORBIDDEN,
            "only a build that is uploading may push",
        ))
    }

    async fn forward(&self, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut headers = end_to_end(parts.headers);
        headers.remove(header::HOST);
        headers.remove(header::AUTHORIZATION);
        let sent = Sent {
            method: parts.method,
            path,
            repository: repository(parts.uri.path())
                .or(self.below.as_deref())
                .unwrap_or_default(),
            headers,
        };
        let traffic = self.traffic.clone();
        let body = (!body.is_end_stream()).then(|| {
            let stream = body.into_data_stream();
            let counted = stream.inspect_ok(move |bytes| traffic.went(bytes.len()));
            reqwest::Body::wrap_stream(counted)
        });
        match self.upstream.send(sent, body).await {
            Ok(answer) => self.answered(answer),
            Err(error) => self.unanswered(&error),
        }
    }

    fn answered(&self, answer: reqwest::Response) -> Response {
        let status = answer.status();
        let mut headers = end_to_end(answer.headers().clone());
        self.keep_here(&mut headers);
        let traffic = self.traffic.clone();
        let body = answer
            .bytes_stream()
            .inspect_ok(move |bytes| traffic.came(bytes.len()));
        let mut response = Response::new(Body::from_stream(body));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }

    /// Where the registry sends to a place of its own, the way there is this gate.
    fn keep_here(&self, headers: &mut HeaderMap) {
        let location = headers.get(header::LOCATION);
        let location = location.and_then(|location| location.to_str().ok());
        let Some(path) = location.and_then(|location| self.upstream.own_path(location)) else {
            return;
        };
        if let Ok(value) = HeaderValue::from_str(&path) {
            self.places.add(&path);
            headers.insert(header::LOCATION, value);
        }
    }

    /// Engines tell what is in the body of a refusal, and nothing of one that the server failed with.
    fn unanswered(&self, error: &UpstreamError) -> Response {
        let status = match error {
            _ if !self.upstream.is_users() => StatusCode::BAD_GATEWAY,
            UpstreamError::LoginRefused { .. } => StatusCode::UNAUTHORIZED,
            _ => StatusCode::FORBIDDEN,
        };
        refused(status, &error.to_string())
    }
}

fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    let listed: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in listed {
        headers.remove(name);
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
    headers
}

/// What a registry keeps of a repository.
const KINDS: [&str; 4] = ["manifests", "blobs", "tags", "referrers"];

/// Whether a path leads to what a registry keeps, or asks whether there is a registry. Not one where
/// dots or escapes lead elsewhere, to the API of a server or to the call that shows its caller's token. With `below`, only what is in that folder.
fn is_content(path: &str, below: Option<&str>) -> bool {
    let Some(rest) = path.strip_prefix("/v2/") else {
        return false;
    };
    let below = below.is_none_or(|folder| {
        let rest = rest.strip_prefix(folder);
        rest.is_some_and(|rest| rest.starts_with('/'))
    });
    let odd = rest.contains(['%', '\\']) || rest.split('/').any(|part| part == ".." || part == ".");
    let kept = rest.split('/').skip(1).any(|part| KINDS.contains(&part));
    rest.is_empty() || (kept && below && !odd)
}

/// The repository that a path is about.
fn repository(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("/v2/")?;
    let end = KINDS.iter().filter_map(|kind| {
        let at = rest.find(&format!("/{kind}/"))?;
        (at > 0).then_some(at)
    });
    end.min().map(|end| &rest[..end])
}

/// A refusal as registries word it (OCI Distribution Specification, "Error Codes").
fn refused(status: StatusCode, message: &str) -> Response {
    let errors = serde_json::json!({"errors": [{"code": "DENIED", "message": message}]});
    (status, axum::Json(errors)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_registries_keep_is_behind_a_gate() {
        for path in [
            "/v2/",
            "/v2/a/b/blobs/uploads/",
            "/v2/a/manifests/1",
            "/v2/a/tags/list",
        ] {
            assert!(is_content(path, None), "{path}");
        }
        for path in [
            "/",
            "/v1/",
            "/v2",
            "/v2/token",
            "/v2/manifests",
            "/v2/a/../../v1/blobs/x",
            "/v2/a/%2e%2e/blobs/x",
            "/v2/_catalog",
            "/metrics",
        ] {
            assert!(!is_content(path, None), "{path}");
        }
    }

    #[test]
    fn a_mirror_in_a_folder_is_only_that_folder() {
        let inside = |path: &str| is_content(path, Some("cache"));
        assert!(inside("/v2/") && inside("/v2/cache/debian/manifests/12"));
        assert!(!inside("/v2/cached/debian/manifests/12"));
        assert!(!inside("/v2/shop/web/manifests/main"));
    }

    #[test]
    fn a_path_is_about_a_repository() {
        assert_eq!(repository("/v2/shop/web/manifests/main"), Some("shop/web"));
        assert_eq!(repository("/v2/shop/blobs/uploads/1"), Some("shop"));
        assert_eq!(repository("/v2/tags/tags/list"), Some("tags"));
        assert_eq!(repository("/v2/"), None);
        assert_eq!(repository("/uploads/1"), None);
    }
}
