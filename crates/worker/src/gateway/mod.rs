//! The engine's only way to the registries of this machine, and to our own wherever that is.
//!
//! The engine runs what strangers wrote, in a network from which the machine cannot be reached. What
//! it needs of the machine all the same it gets at these gates: our own registry, spoken to as this
//! build, and mirrors on loopback, from which it may only read. So nobody in the room ever holds the
//! build's token, and nothing can be pushed before it is time to.
//!
//! Registries that a build has a login to are behind gates, too, which log in for it: the password is
//! in the worker only. From those it may read, and push to the one that its image goes to.
//!
//! Where the room has no network of its own the gates are on the machine's loopback. A key that only
//! the engine is told keeps others out of all gates but those to mirrors.

mod gate;
mod listen;
mod session;
mod upstream;
mod upstreams;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::header::HeaderValue;
use base64::Engine as _;
use rand::distr::{Alphanumeric, SampleString};
use tokio::task::JoinSet;

use crate::engine::host_and_path;
use crate::measures::Traffic;
use crate::token::Token;
use gate::{Gate, Places};
pub(crate) use upstream::{Sent, Upstream, UpstreamError};
pub(crate) use upstreams::{Logins, Upstreams};

/// The user name that goes with a worker's token, and with a gate's key.
pub(crate) const REGISTRY_USER: &str = "boatyard";
const KEY_LENGTH: usize = 32;

/// Gates that are open for as long as this is kept.
#[derive(Debug)]
pub(crate) struct Gateway {
    own: Way,
    /// The registry of the project's own that the image goes to, where it has one.
    push: Option<Way>,
    mirrors: Vec<Way>,
    logins: Vec<Way>,
    key: Token,
    pushing: Arc<AtomicBool>,
    _serving: JoinSet<()>,
}

/// A registry and the gate before it.
#[derive(Debug)]
struct Way {
    /// Host and port, perhaps with a path.
    registry: String,
    gate: SocketAddr,
    upstream: Arc<Upstream>,
}

impl Way {
    /// The gate, with the registry's path behind it.
    fn location(&self) -> String {
        match host_and_path(&self.registry).1 {
            None => self.gate.to_string(),
            Some(path) => format!("{}/{path}", self.gate),
        }
    }
}

/// Opens one gate after the other.
struct Opener {
    traffic: Traffic,
    sockets: std::vec::IntoIter<TcpListener>,
    serving: JoinSet<()>,
}

impl Opener {
    fn open(
        &mut self,
        registry: &str,
        upstream: Upstream,
        key: Option<&HeaderValue>,
        pushing: Option<&Arc<AtomicBool>>,
    ) -> io::Result<Way> {
        let socket = self.sockets.next().ok_or(io::ErrorKind::InvalidInput)?;
        let upstream = Arc::new(upstream);
        let gate = Gate {
            upstream: Arc::clone(&upstream),
            below: host_and_path(registry).1.map(str::to_owned),
            key: key.cloned(),
            pushing: pushing.cloned(),
            places: Places::default(),
            traffic: self.traffic.clone(),
        };
        Ok(Way {
            registry: registry.to_owned(),
            gate: listen::serve(&mut self.serving, socket, gate)?,
            upstream,
        })
    }
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
        let said = basic(&key)?;
        let pushing = Arc::new(AtomicBool::new(false));
        let mut opener = Opener {
            sockets: sockets.into_iter(),
            serving: JoinSet::new(),
            traffic: traffic.clone(),
        };
        let http = trusted_client()?;
        let token = Some(basic(upstreams.token)?);
        let own =
            Upstream::trusted(upstreams.own, token, http.clone()).map_err(io::Error::other)?;
        let own = opener.open(upstreams.own, own, Some(&said), Some(&pushing))?;
        let mut mirrors = Vec::new();
        for &mirror in &upstreams.mirrors {
            let upstream = Upstream::trusted(mirror, None, http.clone());
            let upstream = upstream.map_err(io::Error::other)?;
            mirrors.push(opener.open(mirror, upstream, None, None)?);
        }
        let mut logins = Vec::new();
        for login in &upstreams.logins.pull {
            let upstream = Upstream::of_user(login, &upstreams.logins.policy);
            let upstream = upstream.map_err(io::Error::other)?;
            logins.push(opener.open(&login.registry, upstream, Some(&said), None)?);
        }
        let mut push = None;
        if let Some((repository, login)) = &upstreams.logins.push {
            let upstream = Upstream::of_user(login, &upstreams.logins.policy);
            let upstream = upstream.map_err(io::Error::other)?;
            push = Some(opener.open(repository, upstream, Some(&said), Some(&pushing))?);
        }
        Ok(Gateway {
            own,
            push,
            mirrors,
            logins,
            key,
            pushing,
            _serving: opener.serving,
        })
    }

    /// Where our own registry is reached.
    pub(crate) fn own(&self) -> SocketAddr {
        self.own.gate
    }

    /// The registry that the image goes to, and the gate before it: the project's own, where it has
    /// one, else ours.
    pub(crate) fn destination(&self) -> (&Upstream, SocketAddr) {
        let way = self.push.as_ref().unwrap_or(&self.own);
        (&way.upstream, way.gate)
    }

    /// Registries that the build has logins to, and where they are reached.
    pub(crate) fn logins(&self) -> impl Iterator<Item = (&str, String)> {
        let logins = self.logins.iter();
        logins.map(|way| (way.registry.as_str(), way.location()))
    }

    /// The gates that ask for the key.
    pub(crate) fn guarded(&self) -> impl Iterator<Item = SocketAddr> {
        let ways = std::iter::once(&self.own).chain(&self.push);
        ways.chain(&self.logins).map(|way| way.gate)
    }

    /// What opens the guarded gates, with [`REGISTRY_USER`].
    pub(crate) fn key(&self) -> &Token {
        &self.key
    }

    /// Where a mirror is reached: at its gate, or by itself where it is not on this machine.
    pub(crate) fn mirror(&self, mirror: &str) -> String {
        let way = self.mirrors.iter().find(|way| way.registry == mirror);
        way.map_or_else(|| mirror.to_owned(), Way::location)
    }

    /// From now on the build may push.
    pub(crate) fn allow_pushes(&self) {
        self.pushing.store(true, Ordering::Release);
    }

    /// A line of the engine's with the registries' names in place of the gates'.
    pub(crate) fn named(&self, line: &str, own: &str) -> String {
        let mut line = line.replace(&self.own.gate.to_string(), own);
        let others = self.mirrors.iter().chain(&self.logins).chain(&self.push);
        for way in others {
            line = line.replace(&way.gate.to_string(), host_and_path(&way.registry).0);
        }
        line
    }
}

/// A client that goes where it is told and nowhere else.
fn trusted_client() -> io::Result<reqwest::Client> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .map_err(io::Error::other)
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
mod tests;
