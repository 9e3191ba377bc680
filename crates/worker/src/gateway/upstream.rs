//! A registry as the worker reaches it: where it is, under which policy, and as whom.

use std::time::Duration;

use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{Method, StatusCode};
use outbound::{HttpClient, HttpError, OutboundPolicy};
use reqwest::{Body, Request, Response};
use url::Url;

use super::session::{Session, Sign};
use crate::engine::{base_url, host_and_path};

/// How long a registry may take to be there, and to say the next thing.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
const READ_TIMEOUT: Duration = Duration::from_secs(120);

/// Why a registry has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpstreamError {
    /// Nobody there.
    #[error("the registry {host} cannot be reached: {why}")]
    Unreachable {
        /// Its host and port.
        host: String,
        /// What happened.
        why: String,
    },
    /// Its address is none that may be contacted.
    #[error("the registry {host} may not be contacted: {why}")]
    NotAllowed {
        /// Its host and port.
        host: String,
        /// The policy's words.
        why: String,
    },
    /// It did not take the login.
    #[error("the registry {host} refused the login `{id}`")]
    LoginRefused {
        /// Its host and port.
        host: String,
        /// The credential's id.
        id: String,
    },
}

/// As whom a registry is spoken to.
enum Login {
    /// As nobody.
    None,
    /// With the same words every time.
    Fixed(HeaderValue),
    /// As the registry wants it.
    Session(Box<Session>),
}

/// Whom the operator trusts is contacted wherever he is, others where the policy allows.
enum Http {
    Trusted(reqwest::Client),
    Checked(HttpClient),
}

/// A registry, from somebody's point of view.
pub(crate) struct Upstream {
    host: String,
    base: Url,
    http: Http,
    login: Login,
}

impl Upstream {
    /// A registry of the operator's: his own, with what it takes to log in, or a mirror.
    ///
    /// # Errors
    /// When it has no address, in words.
    pub(super) fn trusted(
        registry: &str,
        login: Option<HeaderValue>,
        http: reqwest::Client,
    ) -> Result<Upstream, String> {
        Ok(Upstream {
            host: host_and_path(registry).0.to_owned(),
            base: base(registry)?,
            http: Http::Trusted(http),
            login: login.map_or(Login::None, Login::Fixed),
        })
    }

    /// A registry that a user named, with the user's login.
    ///
    /// # Errors
    /// When it has no address, in words.
    pub(super) fn of_user(
        credential: &protocol::RegistryCredential,
        policy: &OutboundPolicy,
    ) -> Result<Upstream, String> {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT);
        let http = HttpClient::new(policy.clone(), client).map_err(|error| error.to_string())?;
        Ok(Upstream {
            host: host_and_path(&credential.registry).0.to_owned(),
            base: base(&credential.registry)?,
            http: Http::Checked(http),
            login: Login::Session(Box::new(Session::new(credential))),
        })
    }

    /// Host and port, as images name them.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Whether a user named it.
    pub(super) fn is_users(&self) -> bool {
        matches!(self.login, Login::Session(_))
    }

    /// What a `Location` of the registry's is below it; `None` when it leads elsewhere.
    pub(super) fn own_path(&self, location: &str) -> Option<String> {
        let to = self.base.join(location).ok()?;
        // A registry behind a proxy may not know that it is spoken to by https.
        let same = to.host() == self.base.host()
            && (to.port() == self.base.port()
                || to.port_or_known_default() == self.base.port_or_known_default());
        let query = to.query().map(|query| format!("?{query}"));
        same.then(|| format!("{}{}", to.path(), query.unwrap_or_default()))
    }

    /// Sends a request about a repository, as whom it takes.
    ///
    /// # Errors
    /// When there is no answer, or the registry takes no request of ours.
    pub(crate) async fn send(
        &self,
        sent: Sent<'_>,
        body: Option<Body>,
    ) -> Result<Response, UpstreamError> {
        let session = match &self.login {
            Login::None => return self.execute(&sent, None, body).await,
            Login::Fixed(login) => return self.execute(&sent, Some(login.clone()), body).await,
            Login::Session(session) => session,
        };
        let reads = body.is_none() && matches!(sent.method, Method::GET | Method::HEAD);
        let login = self.sign(session, &sent).await?;
        let answer = self.execute(&sent, Some(login), body).await?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        // The token may have run out before its time.
        let changed = session.forget_tokens();
        if !(reads && changed) {
            return Err(self.refused(session));
        }
        let login = self.sign(session, &sent).await?;
        let answer = self.execute(&sent, Some(login), None).await?;
        match answer.status() {
            StatusCode::UNAUTHORIZED => Err(self.refused(session)),
            _ => Ok(answer),
        }
    }

    async fn sign(&self, session: &Session, sent: &Sent<'_>) -> Result<HeaderValue, UpstreamError> {
        let writes = !matches!(sent.method, Method::GET | Method::HEAD);
        let signed = session.sign(self, sent.repository, writes).await?;
        match signed {
            Sign::With(header) => Ok(header),
            Sign::Refused => Err(self.refused(session)),
        }
    }

    fn refused(&self, session: &Session) -> UpstreamError {
        UpstreamError::LoginRefused {
            host: self.host.clone(),
            id: session.id().to_owned(),
        }
    }

    async fn execute(
        &self,
        sent: &Sent<'_>,
        login: Option<HeaderValue>,
        body: Option<Body>,
    ) -> Result<Response, UpstreamError> {
        // Set, not joined: a path that begins with two slashes would name another host.
        let mut url = self.base.clone();
        let (path, query) = match sent.path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (sent.path, None),
        };
        url.set_path(path);
        url.set_query(query);
        let mut request = Request::new(sent.method.clone(), url);
        *request.headers_mut() = sent.headers.clone();
        if let Some(login) = login {
            request.headers_mut().insert(header::AUTHORIZATION, login);
        }
        *request.body_mut() = body;
        self.raw(request).await
    }

    /// Sends a request as it is.
    pub(super) async fn raw(&self, request: Request) -> Result<Response, UpstreamError> {
        match &self.http {
            Http::Trusted(http) => {
                let answer = http.execute(request).await;
                answer.map_err(|error| self.unreachable(causes(&error.without_url())))
            }
            Http::Checked(http) => http.send(request).await.map_err(|error| match error {
                HttpError::Outbound(error @ outbound::OutboundError::NotAllowed { .. }) => {
                    UpstreamError::NotAllowed {
                        host: self.host.clone(),
                        why: error.to_string(),
                    }
                }
                error => self.unreachable(error.to_string()),
            }),
        }
    }

    pub(super) fn unreachable(&self, why: impl Into<String>) -> UpstreamError {
        UpstreamError::Unreachable {
            host: self.host.clone(),
            why: why.into(),
        }
    }

    /// The address that registries answer at for who asks what they take.
    pub(super) fn ping(&self) -> Url {
        let mut url = self.base.clone();
        url.set_path("/v2/");
        url
    }

    /// Whether passwords go no further than this machine.
    pub(super) fn is_plain(&self) -> bool {
        self.base.scheme() == "http"
    }
}

/// A request to a registry.
#[derive(Clone, Debug)]
pub(crate) struct Sent<'a> {
    /// Its method.
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) path: &'a str,
    /// The repository that it is about.
    pub(crate) repository: &'a str,
    /// Headers, without a login.
    pub(crate) headers: HeaderMap,
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Upstream").field(&self.host).finish()
    }
}

fn base(registry: &str) -> Result<Url, String> {
    let url = base_url(registry);
    Url::parse(&url).map_err(|error| format!("{url} is no address: {error}"))
}

/// What went wrong, with what was behind it.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    let words: Vec<_> = chain.map(ToString::to_string).collect();
    words.join(": ")
}
