//! The engine's only way to the registries of this machine, and to our own wherever that is.
//!
//! The engine runs what strangers wrote, in a network from which the machine cannot be reached. What
//! it needs of the machine all the same it gets at these gates: our own registry, spoken to as this
//! build, and mirrors on loopback, from which it may only read. So nobody in the room ever holds the
//! build's token, and nothing can be pushed before it is time to.
//!
//! Where the room has no network of its own the gates are on the machine's loopback. A key that only
//! the engine is told keeps others out of the gate to our registry.

mod gate;
mod listen;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::header::HeaderValue;
use base64::Engine as _;
use rand::distr::{Alphanumeric, SampleString};
use tokio::task::JoinSet;

use crate::engine::{base_url, host_and_path, is_loopback};
use crate::measures::Traffic;
use crate::token::Token;
use gate::{Gate, Login};

/// The user name that goes with a worker's token, and with a gate's key.
pub(crate) const REGISTRY_USER: &str = "boatyard";
const KEY_LENGTH: usize = 32;

/// The registries behind the gates.
#[derive(Debug)]
pub(crate) struct Upstreams<'a> {
    /// Host and port of our own registry, as this machine reaches it.
    own: &'a str,
    /// The build's token.
    token: &'a Token,
    /// Mirrors on this machine's loopback: host, port and perhaps a path.
    mirrors: Vec<&'a str>,
}

impl<'a> Upstreams<'a> {
    /// Our own registry, and those of the mirrors that are on this machine. A mirror that is our own
    /// registry would show every project's images to every build.
    ///
    /// # Errors
    /// When there is one like that, in words for the machine's operator.
    pub(crate) fn new(
        own: &'a str,
        token: &'a Token,
        mirrors: impl Iterator<Item = &'a str>,
    ) -> io::Result<Upstreams<'a>> {
        let mirrors: Vec<_> = mirrors.filter(|mirror| is_loopback(mirror)).collect();
        match mirrors.iter().find(|mirror| is_same(own, mirror)) {
            None => Ok(Upstreams {
                own,
                token,
                mirrors,
            }),
            Some(mirror) => Err(io::Error::other(format!(
                "registry_mirrors names this server's own registry, {mirror}"
            ))),
        }
    }

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
    /// Opens the gates at these sockets, as many as [`Upstreams::gates`] says. What passes them is
    /// counted as `traffic`.
    ///
    /// # Errors
    /// When a socket does not work.
    pub(crate) fn open(
        upstreams: &Upstreams<'_>,
        sockets: Vec<TcpListener>,
        traffic: &Traffic,
    ) -> io::Result<Gateway> {
        let key = Token::new(Alphanumeric.sample_string(&mut rand::rng(), KEY_LENGTH));
        let pushing = Arc::new(AtomicBool::new(false));
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(io::Error::other)?;
        let gate = |registry: &str, login| {
            let (_, path) = host_and_path(registry);
            Gate {
                base: base_url(registry),
                below: path.map(str::to_owned),
                http: http.clone(),
                login,
                pushing: Arc::clone(&pushing),
                traffic: traffic.clone(),
            }
        };
        let login = Login {
            key: basic(&key)?,
            token: basic(upstreams.token)?,
        };
        let mut serving = JoinSet::new();
        let mut sockets = sockets.into_iter();
        let mut serve = |gate| {
            let socket = sockets.next().ok_or(io::ErrorKind::InvalidInput)?;
            listen::serve(&mut serving, socket, gate)
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
        match (gate, host_and_path(mirror).1) {
            (None, _) => mirror.to_owned(),
            (Some((_, gate)), None) => gate.to_string(),
            (Some((_, gate)), Some(path)) => format!("{gate}/{path}"),
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
            line = line.replace(&gate.to_string(), host_and_path(mirror).0);
        }
        line
    }
}

/// Whether both are one port of this machine, or the same host.
fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (host_and_path(one).0, host_and_path(other).0);
    let port = |host: &str| host.rsplit_once(':').map(|(_, port)| port.to_owned());
    one == other || (is_loopback(one) && is_loopback(other) && port(one) == port(other))
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

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::{HeaderMap, Method, Uri, header};

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
        traffic: Traffic,
        http: reqwest::Client,
    }

    impl Asked {
        async fn new(own: &str, mirror: &str) -> Asked {
            // Another test of this process may have been first.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let token = Token::new("hush");
            let upstreams = Upstreams::new(own, &token, [mirror].into_iter()).unwrap();
            let sockets = (0..upstreams.gates()).map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
            let traffic = Traffic::default();
            Asked {
                gateway: Gateway::open(&upstreams, sockets.collect(), &traffic).unwrap(),
                traffic,
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
        let (upstream, mirror) = (echo().await.to_string(), echo().await.to_string());
        let asked = Asked::new(&upstream, &mirror).await;
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
        // Two layers went, their echoes came; what was refused did not pass.
        assert_eq!(asked.traffic.bytes(), (2 * said.len() as u64, 10));
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
        let other = "/v2/secret/manifests/1";
        assert_eq!(asked.ask(Method::GET, host, other, "x").await.0, 404);
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
    fn our_own_registry_is_no_mirror() {
        let token = Token::new("hush");
        for mirror in ["127.0.0.1:8484", "localhost:8484/shop", "[::1]:8484"] {
            let refused = Upstreams::new("127.0.0.1:8484", &token, [mirror].into_iter());
            assert!(refused.unwrap_err().to_string().contains(mirror));
        }
        let others = ["127.0.0.1:5000", "mirror.example:8484"];
        let upstreams = Upstreams::new("127.0.0.1:8484", &token, others.into_iter());
        assert_eq!(upstreams.unwrap().gates(), 2);
    }
}
