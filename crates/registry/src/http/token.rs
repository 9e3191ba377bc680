//! The token call: who logs in gets the API token back as bearer, anybody else the anonymous one.
//! What either may do is decided at each call, so nothing needs to be signed or to expire here.
//!
//! Source of the exchange: the distribution project's token authentication specification.

use crate::Inner;
use crate::access::{ANONYMOUS, Action, Verdict, credentials};
use crate::error::Refusal;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::HOST;
use serde_json::json;
use std::sync::Arc;

/// How long a client may keep the answer, in seconds.
const KEEP: u64 = 3600;

/// `GET /v2/token`.
pub(super) async fn token(State(inner): State<Arc<Inner>>, headers: HeaderMap) -> Response {
    let Some(credentials) = credentials(&headers) else {
        return answer(ANONYMOUS);
    };
    let token = credentials.password.clone();
    match inner.authorizer.login(Some(credentials)).await {
        Verdict::Allow => answer(&token),
        Verdict::Unavailable => Refusal::unavailable().into_response(),
        _ => Refusal::need_login(challenge(&inner, &headers, None)).into_response(),
    }
}

fn answer(token: &str) -> Response {
    Json(json!({"token": token, "access_token": token, "expires_in": KEEP})).into_response()
}

/// Where to get a token, on the address the client used.
pub(super) fn challenge(
    inner: &Inner,
    headers: &HeaderMap,
    scope: Option<(&str, Action<'_>)>,
) -> String {
    let host = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("localhost");
    let host: String = host.chars().filter(|c| !matches!(c, '"' | '\\')).collect();
    // Behind a proxy that speaks TLS, the client must come back through it.
    let public = inner.config.public_url.as_deref().filter(|url| {
        url.split_once("://")
            .is_some_and(|(_, authority)| authority == host)
    });
    let base = public.map_or_else(|| format!("http://{host}"), str::to_owned);
    let scope = scope.map_or_else(String::new, |(repository, action)| {
        let actions = if action == Action::Pull {
            "pull"
        } else {
            "pull,push"
        };
        format!(",scope=\"repository:{repository}:{actions}\"")
    });
    format!("Bearer realm=\"{base}/v2/token\",service=\"boatyard\"{scope}")
}
