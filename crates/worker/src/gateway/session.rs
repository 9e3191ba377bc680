//! Logging in to a registry as it wants it: with user name and password, or with a token that
//! another server gives for them (the Distribution project's "Token Authentication").
//!
//! What a registry wants is asked for before the first request: a layer that is streamed can be sent
//! once only, so it must not be sent to hear that a login is missing.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::header::{self, HeaderValue};
use axum::http::{Method, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Request, Response};
use serde::Deserialize;
use tokio::sync::OnceCell;
use tokio::time::Instant;
use url::Url;

use super::upstream::{Upstream, UpstreamError};

/// How long a token lasts that says nothing of it, in seconds.
const LIFETIME: u64 = 60;
/// How long before its end a token is used no more.
const MARGIN: Duration = Duration::from_secs(10);
/// How much of a token server's answer is read, in bytes: a token is some KiB.
const MAX_ANSWER: usize = 1 << 20;

/// What is put before a request.
pub(super) enum Sign {
    /// This, as its `Authorization`.
    With(HeaderValue),
    /// Nothing: the login is not taken.
    Refused,
}

/// What a registry asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Scheme {
    /// User name and password.
    Basic,
    /// A token from somewhere.
    Bearer { realm: Url, service: Option<String> },
}

/// A repository, and whether it is written to.
type Scope = (String, bool);

/// A login to one registry.
pub(super) struct Session {
    id: String,
    username: String,
    basic: HeaderValue,
    scheme: OnceCell<Scheme>,
    tokens: Mutex<HashMap<Scope, (HeaderValue, Instant)>>,
}

/// What a token server answers. Azure's name for it is the second one.
#[derive(Deserialize)]
struct Given {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

impl Session {
    pub(super) fn new(credential: &protocol::RegistryCredential) -> Session {
        let login = format!("{}:{}", credential.username, credential.password);
        Session {
            id: credential.id.clone(),
            username: credential.username.clone(),
            basic: secret_header(&format!("Basic {}", STANDARD.encode(login))),
            scheme: OnceCell::new(),
            tokens: Mutex::default(),
        }
    }

    /// The credential's id.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// What a request about the repository takes.
    ///
    /// # Errors
    /// When the registry, or whoever gives tokens for it, does not answer.
    pub(super) async fn sign(
        &self,
        upstream: &Upstream,
        repository: &str,
        writes: bool,
    ) -> Result<Sign, UpstreamError> {
        let scheme = self.scheme.get_or_try_init(|| ask(upstream)).await?;
        let Scheme::Bearer { realm, service } = scheme else {
            return Ok(Sign::With(self.basic.clone()));
        };
        let scope = (repository.to_owned(), writes);
        if let Some((token, ends)) = self.tokens().get(&scope)
            && *ends > Instant::now()
        {
            return Ok(Sign::With(token.clone()));
        }
        let request = self.token_request(realm, service.as_deref(), &scope);
        let answer = upstream.raw(request).await?;
        let Some((token, ends)) = given(upstream, answer).await? else {
            return Ok(Sign::Refused);
        };
        self.tokens().insert(scope, (token.clone(), ends));
        Ok(Sign::With(token))
    }

    /// Forgets the tokens; whether there were any.
    pub(super) fn forget_tokens(&self) -> bool {
        let mut tokens = self.tokens();
        let any = !tokens.is_empty();
        tokens.clear();
        any
    }

    fn token_request(&self, realm: &Url, service: Option<&str>, scope: &Scope) -> Request {
        let (repository, writes) = scope;
        let actions = if *writes { "pull,push" } else { "pull" };
        let mut url = realm.clone();
        url.query_pairs_mut()
            .extend_pairs(service.map(|service| ("service", service)))
            .append_pair("scope", &format!("repository:{repository}:{actions}"))
            .append_pair("account", &self.username);
        let mut request = Request::new(Method::GET, url);
        let headers = request.headers_mut();
        headers.insert(header::AUTHORIZATION, self.basic.clone());
        request
    }

    fn tokens(&self) -> MutexGuard<'_, HashMap<Scope, (HeaderValue, Instant)>> {
        // A map that is whole at every step.
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks a registry what it takes.
async fn ask(upstream: &Upstream) -> Result<Scheme, UpstreamError> {
    let answer = upstream
        .raw(Request::new(Method::GET, upstream.ping()))
        .await?;
    match answer.status() {
        // It wants nothing so far. A login that is offered unasked shows more to some.
        StatusCode::OK => Ok(Scheme::Basic),
        StatusCode::UNAUTHORIZED => scheme_of(upstream, &answer),
        status => Err(upstream.unreachable(format!("it answered {status} to /v2/"))),
    }
}

fn scheme_of(upstream: &Upstream, answer: &Response) -> Result<Scheme, UpstreamError> {
    let said = answer.headers().get_all(header::WWW_AUTHENTICATE);
    let challenges = said
        .iter()
        .filter_map(|value| http_auth::parse_challenges(value.to_str().ok()?).ok())
        .flatten();
    for challenge in challenges {
        if !challenge.scheme.eq_ignore_ascii_case("bearer") {
            continue;
        }
        let param = |name: &str| {
            let found = challenge
                .params
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.to_unescaped())
        };
        let realm = param("realm").and_then(|realm| realm.parse::<Url>().ok());
        let Some(realm) = realm.filter(|realm| may_be_told(upstream, realm)) else {
            let why = "it sends for tokens to no address that a password may be sent to";
            return Err(upstream.unreachable(why));
        };
        return Ok(Scheme::Bearer {
            realm,
            service: param("service"),
        });
    }
    Ok(Scheme::Basic)
}

/// Whether a password may be sent there. The registry may say who gives tokens for it: it could ask
/// for the password itself. But never in the clear, but on this machine, and where the outbound
/// policy forbids it the client does not go.
fn may_be_told(upstream: &Upstream, realm: &Url) -> bool {
    let here = || {
        let host = realm.host_str().unwrap_or_default();
        upstream.is_plain() && crate::engine::is_loopback(host)
    };
    realm.scheme() == "https" || (realm.scheme() == "http" && here())
}

/// The token in an answer; `None` when the login is refused.
async fn given(
    upstream: &Upstream,
    mut answer: Response,
) -> Result<Option<(HeaderValue, Instant)>, UpstreamError> {
    let status = answer.status();
    if matches!(
        status,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST
    ) {
        return Ok(None);
    }
    let broken = |why: String| upstream.unreachable(format!("its token server {why}"));
    if !status.is_success() {
        return Err(broken(format!("answered {status}")));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|e| broken(e.to_string()))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_ANSWER {
            return Err(broken("gives no token but something large".into()));
        }
    }
    let given: Given = serde_json::from_slice(&bytes)
        .map_err(|_| broken("gives something that is no token".into()))?;
    let token = given.token.or(given.access_token);
    let token = token.ok_or_else(|| broken("gives no token".into()))?;
    let lasts = Duration::from_secs(given.expires_in.unwrap_or(LIFETIME).min(24 * 3600));
    let ends = Instant::now() + lasts.saturating_sub(MARGIN);
    Ok(Some((secret_header(&format!("Bearer {token}")), ends)))
}

fn secret_header(text: &str) -> HeaderValue {
    // Only control characters are none of a header's; a registry refuses the empty login.
    let mut value = HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}
