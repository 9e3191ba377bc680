//! Which registries are behind the gates.

use std::io;

use outbound::OutboundPolicy;
use protocol::RegistryCredential;

use crate::engine::{host_and_path, is_loopback};
use crate::token::Token;

/// The registries behind the gates.
#[derive(Debug)]
pub(crate) struct Upstreams<'a> {
    /// Host and port of our own registry, as this machine reaches it.
    pub(super) own: &'a str,
    /// The build's token.
    pub(super) token: &'a Token,
    /// Mirrors on this machine's loopback: host, port and perhaps a path.
    pub(super) mirrors: Vec<&'a str>,
    /// Registries that users named.
    pub(super) logins: Logins<'a>,
}

/// Registries that users named, with their logins.
#[derive(Debug, Default)]
pub(crate) struct Logins<'a> {
    /// Those that base images are pulled from, each once.
    pub(super) pull: Vec<&'a RegistryCredential>,
    /// The repository that the image goes to, with its registry's host, and the login to that.
    pub(super) push: Option<(&'a str, &'a RegistryCredential)>,
    /// Where they may be.
    pub(super) policy: OutboundPolicy,
}

impl<'a> Logins<'a> {
    /// Logins for base images, of which the first one to a registry counts, and for the image.
    pub(crate) fn new(
        pull: &'a [RegistryCredential],
        push: Option<(&'a str, &'a RegistryCredential)>,
        policy: OutboundPolicy,
    ) -> Logins<'a> {
        let mut first: Vec<&RegistryCredential> = Vec::new();
        for login in pull {
            if !first.iter().any(|other| other.registry == login.registry) {
                first.push(login);
            }
        }
        Logins {
            pull: first,
            push,
            policy,
        }
    }
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
        logins: Logins<'a>,
    ) -> io::Result<Upstreams<'a>> {
        let mirrors: Vec<_> = mirrors.filter(|mirror| is_loopback(mirror)).collect();
        match mirrors.iter().find(|mirror| is_same(own, mirror)) {
            None => Ok(Upstreams {
                own,
                token,
                mirrors,
                logins,
            }),
            Some(mirror) => Err(io::Error::other(format!(
                "registry_mirrors names this server's own registry, {mirror}"
            ))),
        }
    }

    /// How many gates it takes.
    pub(crate) fn gates(&self) -> usize {
        1 + self.mirrors.len() + self.logins.pull.len() + usize::from(self.logins.push.is_some())
    }
}

/// Whether both are one port of this machine, or the same host.
fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (host_and_path(one).0, host_and_path(other).0);
    let port = |host: &str| host.rsplit_once(':').map(|(_, port)| port.to_owned());
    one == other || (is_loopback(one) && is_loopback(other) && port(one) == port(other))
}
