//! What may pass a gate, and how it is passed on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::TryStreamExt;

use crate::measures::Traffic;

/// What belongs to one connection, not to what is said over it (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [HeaderName; 6] = [
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
];

/// What the way to our own registry takes.
#[derive(Clone)]
pub(super) struct Login {
    /// What the engine has to say, as an `Authorization`.
    pub(super) key: HeaderValue,
    /// What the registry is told instead.
    pub(super) token: HeaderValue,
}

/// The way to one registry.
#[derive(Clone)]
pub(super) struct Gate {
    /// Where it is: scheme, host and port.
    pub(super) base: String,
    /// The folder of repositories that it is about, where it is not all of them.
    pub(super) below: Option<String>,
    pub(super) http: reqwest::Client,
    /// `None` for a mirror.
    pub(super) login: Option<Login>,
    /// Whether pushing is allowed.
    pub(super) pushing: Arc<AtomicBool>,
    /// What passes.
    pub(super) traffic: Traffic,
}

/// Lets a request through, streaming both ways.
pub(super) async fn pass(State(gate): State<Gate>, request: Request) -> Response {
    match gate.check(&request) {
        Ok(()) => gate.forward(request).await,
        Err(refusal) => refusal,
    }
}

impl Gate {
    #[expect(clippy::result_large_err, reason = "made once for a refusal")]
    fn check(&self, request: &Request) -> Result<(), Response> {
        if !is_content(request.uri().path(), self.below.as_deref()) {
            return Err(refused(
                StatusCode::NOT_FOUND,
                "only images are behind this",
            ));
        }
        let login = self.login.as_ref();
        if login
            .is_some_and(|login| request.headers().get(header::AUTHORIZATION) != Some(&login.key))
        {
            let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"boatyard\"")];
            return Err((StatusCode::UNAUTHORIZED, challenge).into_response());
        }
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        if reads || (login.is_some() && self.pushing.load(Ordering::Acquire)) {
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
        if let Some(login) = &self.login {
            headers.insert(header::AUTHORIZATION, login.token.clone());
        }
        let mut forwarded = self
            .http
            .request(parts.method, format!("{}{path}", self.base))
            .headers(headers);
        if !body.is_end_stream() {
            let traffic = self.traffic.clone();
            let body = body
                .into_data_stream()
                .inspect_ok(move |bytes| traffic.went(bytes.len()));
            forwarded = forwarded.body(reqwest::Body::wrap_stream(body));
        }
        match forwarded.send().await {
            Ok(answer) => answered(answer, self.traffic.clone()),
            Err(error) => refused(StatusCode::BAD_GATEWAY, &error.without_url().to_string()),
        }
    }
}

fn answered(answer: reqwest::Response, traffic: Traffic) -> Response {
    let status = answer.status();
    let headers = end_to_end(answer.headers().clone());
    let body = answer
        .bytes_stream()
        .inspect_ok(move |bytes| traffic.came(bytes.len()));
    let mut response = Response::new(Body::from_stream(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
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
    let kinds = ["manifests", "blobs", "tags", "referrers"];
    let kept = rest.split('/').skip(1).any(|part| kinds.contains(&part));
    rest.is_empty() || (kept && below && !odd)
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
}
