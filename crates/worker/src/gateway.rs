//! The engine's only way to the registries of this machine, and to our own wherever that is.
//!
//! The engine runs what strangers wrote, in a network from which the machine cannot be reached. What
//! it needs of the machine all the same it gets at these gates: our own registry, spoken to as this
//! build, and mirrors on loopback, from which it may only read. So nobody in the room ever holds the
//! build's token, and nothing can be pushed before it is time to.
//!
//! Where the room has no network of its own the gates are on the machine's loopback. A key that only
//! the engine is told keeps others out of the gate to our registry.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use rand::distr::{Alphanumeric, SampleString};
use tokio::task::JoinSet;

use crate::engine::is_loopback;
use crate::token::Token;

/// The user name that goes with a worker's token, and with a gate's key.
pub(crate) const REGISTRY_USER: &str = "boatyard";
const KEY_LENGTH: usize = 32;
/// What belongs to one connection, not to what is said over it (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [HeaderName; 6] = [
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
];

/// The registries behind the gates.
#[derive(Debug)]
pub(crate) struct Upstreams<'a> {
    /// Host and port of our own registry, as this machine reaches it.
    pub(crate) own: &'a str,
    /// The build's token.
    pub(crate) token: &'a Token,
    /// Mirrors on this machine's loopback: host, port and perhaps a path.
    pub(crate) mirrors: Vec<&'a str>,
}

impl Upstreams<'_> {
    /// How many gates it takes.
    pub(crate) fn gates(&self) -> usize {
        1 + self.mirrors.len()
    }
}

/// Gates that are open for as long as this is kept.
#[derive(Debug)]
pub(crate) struct Gateway {
    own: SocketAddr,
    mirrors: Vec<(String, SocketAddr)>,
    key: Token,
    pushing: Arc<AtomicBool>,
    _serving: JoinSet<()>,
}

impl Gateway {
    /// Opens the gates at these sockets, as many as [`Upstreams::gates`] says.
    ///
    /// # Errors
    /// When a socket does not work.
    pub(crate) fn open(
        upstreams: &Upstreams<'_>,
        sockets: Vec<TcpListener>,
    ) -> io::Result<Gateway> {
        let key = Token::new(Alphanumeric.sample_string(&mut rand::rng(), KEY_LENGTH));
        let pushing = Arc::new(AtomicBool::new(false));
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(io::Error::other)?;
        let gate = |host: &str, login| Gate {
            base: base(host),
            http: http.clone(),
            login,
            pushing: Arc::clone(&pushing),
        };
        let login = Login {
            key: basic(&key)?,
            token: basic(upstreams.token)?,
        };
        let mut serving = JoinSet::new();
        let mut sockets = sockets.into_iter();
        let mut serve = |gate| {
            let socket = sockets.next().ok_or(io::ErrorKind::InvalidInput)?;
            serve(&mut serving, socket, gate)
        };
        let own = serve(gate(upstreams.own, Some(login)))?;
        let mut mirrors = Vec::new();
        for &mirror in &upstreams.mirrors {
            mirrors.push((mirror.to_owned(), serve(gate(mirror, None))?));
        }
        Ok(Gateway {
            own,
            mirrors,
            key,
            pushing,
            _serving: serving,
        })
    }

    /// Where our own registry is reached.
    pub(crate) fn own(&self) -> SocketAddr {
        self.own
    }

    /// What opens the gate to our own registry, with [`REGISTRY_USER`].
    pub(crate) fn key(&self) -> &Token {
        &self.key
    }

    /// Where a mirror is reached: at its gate, or by itself where it is not on this machine.
    pub(crate) fn mirror(&self, mirror: &str) -> String {
        let gate = self.mirrors.iter().find(|(name, _)| name == mirror);
        match (gate, mirror.split_once('/')) {
            (None, _) => mirror.to_owned(),
            (Some((_, gate)), None) => gate.to_string(),
            (Some((_, gate)), Some((_, path))) => format!("{gate}/{path}"),
        }
    }

    /// From now on the build may push.
    pub(crate) fn allow_pushes(&self) {
        self.pushing.store(true, Ordering::Release);
    }

    /// A line of the engine's with the registries' names in place of the gates'.
    pub(crate) fn named(&self, line: &str, own: &str) -> String {
        let mut line = line.replace(&self.own.to_string(), own);
        for (mirror, gate) in &self.mirrors {
            let host = mirror.split('/').next().unwrap_or_default();
            line = line.replace(&gate.to_string(), host);
        }
        line
    }
}

/// What the way to our own registry takes.
#[derive(Clone)]
struct Login {
    /// What the engine has to say, as an `Authorization`.
    key: HeaderValue,
    /// What the registry is told instead.
    token: HeaderValue,
}

#[derive(Clone)]
struct Gate {
    base: String,
    http: reqwest::Client,
    /// `None` for a mirror.
    login: Option<Login>,
    pushing: Arc<AtomicBool>,
}

fn base(registry: &str) -> String {
    let host = registry.split('/').next().unwrap_or_default();
    let scheme = if is_loopback(host) { "http" } else { "https" };
    format!("{scheme}://{host}")
}

fn basic(secret: &Token) -> io::Result<HeaderValue> {
    let mut value =
        HeaderValue::try_from(format!("Basic {}", login(secret))).map_err(io::Error::other)?;
    value.set_sensitive(true);
    Ok(value)
}

/// A secret with [`REGISTRY_USER`], as HTTP's basic authentication and Docker's files of credentials
/// write it.
pub(crate) fn login(secret: &Token) -> String {
    let pair = format!("{REGISTRY_USER}:{}", secret.reveal());
    base64::engine::general_purpose::STANDARD.encode(pair)
}

fn serve(serving: &mut JoinSet<()>, socket: TcpListener, gate: Gate) -> io::Result<SocketAddr> {
    socket.set_nonblocking(true)?;
    let address = socket.local_addr()?;
    let listener = tokio::net::TcpListener::from_std(socket)?;
    let router = Router::new().fallback(pass).with_state(gate);
    serving.spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the way to a registry is closed");
        }
    });
    Ok(address)
}

/// Lets a request through, streaming both ways.
async fn pass(State(gate): State<Gate>, request: Request) -> Response {
    match gate.check(&request) {
        Ok(()) => gate.forward(request).await,
        Err(refusal) => refusal,
    }
}

impl Gate {
    #[expect(clippy::result_large_err, reason = "made once for a refusal")]
    fn check(&self, request: &Request) -> Result<(), Response> {
        if !is_content(request.uri().path()) {
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
            forwarded = forwarded.body(reqwest::Body::wrap_stream(body.into_data_stream()));
        }
        match forwarded.send().await {
            Ok(answer) => answered(answer),
            Err(error) => refused(StatusCode::BAD_GATEWAY, &error.without_url().to_string()),
        }
    }
}

fn answered(answer: reqwest::Response) -> Response {
    let status = answer.status();
    let headers = end_to_end(answer.headers().clone());
    let mut response = Response::new(Body::from_stream(answer.bytes_stream()));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
    headers
}

/// Whether a path leads to what a registry keeps, or asks whether there is a registry. Not one where
/// dots or escapes lead elsewhere, to the API of a server or to the call that shows its caller's token.
fn is_content(path: &str) -> bool {
    let Some(rest) = path.strip_prefix("/v2/") else {
        return false;
    };
    let odd = rest.contains(['%', '\\']) || rest.split('/').any(|part| part == ".." || part == ".");
    let kinds = ["manifests", "blobs", "tags", "referrers"];
    let kept = rest.split('/').skip(1).any(|part| kinds.contains(&part));
    rest.is_empty() || (kept && !odd)
}

/// A refusal as registries word it (OCI Distribution Specification, "Error Codes").
fn refused(status: StatusCode, message: &str) -> Response {
    let errors = serde_json::json!({"errors": [{"code": "DENIED", "message": message}]});
    (status, axum::Json(errors)).into_response()
}

#[cfg(test)]
mod tests {
    use axum::http::Uri;

    use super::*;

    /// A registry that answers everything with what it was asked and by whom.
    async fn echo() -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer = async |method: Method, uri: Uri, headers: HeaderMap, body: String| {
            let caller = headers.get(header::AUTHORIZATION);
            let caller = caller.map_or("nobody", |value| value.to_str().unwrap());
            format!("{method} {uri} {caller} {body}")
        };
        let router = Router::new().fallback(answer);
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    struct Asked {
        gateway: Gateway,
        http: reqwest::Client,
    }

    impl Asked {
        async fn new(own: &str, mirror: &str) -> Asked {
            // Another test of this process may have been first.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let upstreams = Upstreams {
                own,
                token: &Token::new("hush"),
                mirrors: vec![mirror],
            };
            let sockets = (0..upstreams.gates()).map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
            Asked {
                gateway: Gateway::open(&upstreams, sockets.collect()).unwrap(),
                http: reqwest::Client::new(),
            }
        }

        async fn ask(&self, method: Method, gate: &str, path: &str, key: &str) -> (u16, String) {
            let request = self
                .http
                .request(method, format!("http://{gate}{path}"))
                .basic_auth(REGISTRY_USER, Some(key))
                .body("layer");
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        }
    }

    #[tokio::test]
    async fn the_engine_speaks_for_the_build_and_pushes_in_time() {
        let upstream = echo().await.to_string();
        let asked = Asked::new(&upstream, &upstream).await;
        let own = asked.gateway.own().to_string();
        let key = asked.gateway.key().reveal();
        let path = "/v2/shop/web/manifests/main";

        assert_eq!(asked.ask(Method::GET, &own, path, "guess").await.0, 401);
        let (status, said) = asked.ask(Method::GET, &own, path, key).await;
        let token = login(&Token::new("hush"));
        assert_eq!(status, 200);
        assert_eq!(said, format!("GET {path} Basic {token} layer"));

        assert_eq!(asked.ask(Method::PUT, &own, path, key).await.0, 403);
        asked.gateway.allow_pushes();
        let (status, said) = asked.ask(Method::PUT, &own, path, key).await;
        assert_eq!(status, 200);
        assert_eq!(said, format!("PUT {path} Basic {token} layer"));
        for path in ["/v1/projects", "/v2/token", "/v2/a/blobs/%2e%2e/token"] {
            assert_eq!(
                asked.ask(Method::GET, &own, path, key).await.0,
                404,
                "{path}"
            );
        }
    }

    #[tokio::test]
    async fn a_mirror_is_read_by_nobody_in_particular() {
        let upstream = format!("{}/cache", echo().await);
        let asked = Asked::new("127.0.0.1:1", &upstream).await;
        let gate = asked.gateway.mirror(&upstream);
        let (host, path) = gate.split_once('/').unwrap();
        assert_eq!(path, "cache");
        asked.gateway.allow_pushes();
        let path = "/v2/cache/library/debian/manifests/12";
        let (status, said) = asked.ask(Method::GET, host, path, "x").await;
        assert_eq!(
            (status, &*said),
            (200, &*format!("GET {path} nobody layer"))
        );
        assert_eq!(asked.ask(Method::PUT, host, path, "x").await.0, 403);
        let away = asked.gateway.own().to_string();
        let (status, said) = asked
            .ask(Method::GET, &away, path, asked.gateway.key().reveal())
            .await;
        assert_eq!(status, 502, "{said}");
        let line = format!("pinging {away}: 502");
        assert_eq!(
            asked.gateway.named(&line, "builds.example"),
            "pinging builds.example: 502"
        );
    }

    #[test]
    fn only_what_registries_keep_is_behind_a_gate() {
        for path in [
            "/v2/",
            "/v2/a/b/blobs/uploads/",
            "/v2/a/manifests/1",
            "/v2/a/tags/list",
        ] {
            assert!(is_content(path), "{path}");
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
            assert!(!is_content(path), "{path}");
        }
    }
}
