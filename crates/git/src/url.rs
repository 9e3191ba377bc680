//! The address of a repository, as a user gives it.
//!
//! Git understands far more than addresses: `ext::` runs commands, a leading dash is an option, a
//! host that starts with one is an option to ssh. What passes here is one of four protocols with a
//! plain host and path. Credentials are taken out at once and kept where they are not printed.

mod parse;
mod protocol;

use std::fmt;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use url::Url;

pub use protocol::{Protocol, Protocols};

/// Why an address was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// The protocol is known but not allowed here, or not known at all.
    #[error("the protocol \"{0}\" is not allowed for repositories here")]
    ProtocolNotAllowed(String),
    /// The text is no address of a repository.
    #[error("not a repository address: {0}")]
    Invalid(&'static str),
}

impl UrlError {
    /// A stable word for the kind of error.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ProtocolNotAllowed(_) => "git_protocol_not_allowed",
            Self::Invalid(_) => "git_url_invalid",
        }
    }
}

/// A user name and a secret for HTTP.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user name; forges take any for tokens.
    pub user: String,
    /// The password or token.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// The address of a repository. `Display` and `Debug` show it without credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct RepoUrl {
    protocol: Protocol,
    /// The login at an ssh server.
    user: Option<String>,
    /// Empty for `file`. An IPv6 address is without brackets.
    host: String,
    port: Option<u16>,
    /// As in the address: with a leading slash, except in the scp-like form.
    path: String,
    credentials: Option<Credentials>,
}

impl RepoUrl {
    /// Reads an address: `https://host/path`, `ssh://user@host/path`, `user@host:path`,
    /// `http://…` and `file:///path` where allowed, and `host/path`, which means https.
    ///
    /// # Errors
    /// [`UrlError::ProtocolNotAllowed`] for a protocol outside `allowed`; [`UrlError::Invalid`] for
    /// everything that is not plainly an address.
    pub fn parse(text: &str, allowed: &Protocols) -> Result<Self, UrlError> {
        let url = parse::parse(text)?;
        if allowed.contains(url.protocol) {
            Ok(url)
        } else {
            Err(UrlError::ProtocolNotAllowed(url.protocol.to_string()))
        }
    }

    /// The protocol.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The host name or address, without brackets; empty for `file`.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port in the address, or the protocol's own; `None` for `file`.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port.or(self.protocol.default_port())
    }

    /// The path as it stands in the address.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Where a forge shows the repository to people; `None` for a folder of this machine.
    #[must_use]
    pub fn page(&self) -> Option<String> {
        let path = self.path.trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        match self.protocol {
            Protocol::Https | Protocol::Http => Some(format!("{}{path}", self.origin())),
            Protocol::Ssh => Some(format!("https://{}/{path}", self.host)),
            Protocol::File => None,
        }
    }

    /// The repository's path below a forge's pages, without `.git`; `None` when it is at another server,
    /// is spoken to in another way than the pages, or is beside them.
    #[must_use]
    pub fn path_below(&self, pages: &Url) -> Option<String> {
        let host = pages.host_str()?.trim_matches(['[', ']']);
        let same = self.protocol.to_string() == pages.scheme()
            && self.host.eq_ignore_ascii_case(host)
            && self.port() == pages.port_or_known_default();
        let path = same.then(|| self.path.trim_matches('/'))?;
        let below = match pages.path().trim_matches('/') {
            "" => path,
            folder => path.strip_prefix(folder)?.strip_prefix('/')?,
        };
        let below = below.strip_suffix(".git").unwrap_or(below);
        Some(percent_decode_str(below).decode_utf8().ok()?.into_owned())
    }

    /// The credentials, if any were in the address or were added.
    #[must_use]
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// The same address with these credentials, which only http and https use.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Option<Credentials>) -> Self {
        self.credentials = credentials;
        self
    }

    /// Whether both are the same server, spoken to in the same way: credentials for one may be
    /// shown to the other.
    #[must_use]
    pub fn same_origin(&self, other: &Self) -> bool {
        self.protocol == other.protocol
            && self.host == other.host
            && self.port() == other.port()
            && self.user == other.user
    }

    /// `scheme://host[:port]/` for http and https, as git matches its `http.<url>.*` settings.
    pub(crate) fn origin(&self) -> String {
        format!("{}://{}/", self.protocol, self.authority())
    }

    /// The same address with `.git` at the end, if it is not there: some forges redirect to it.
    pub(crate) fn with_git_suffix(&self) -> Option<Self> {
        let path = self.path.trim_end_matches('/');
        (!path.ends_with(".git")).then(|| Self {
            path: format!("{path}.git"),
            ..self.clone()
        })
    }

    /// The address of a submodule given relative to this one (`../other.git`).
    ///
    /// # Errors
    /// [`UrlError::Invalid`] when it climbs above the root or is no plain path.
    pub(crate) fn join(&self, relative: &str) -> Result<Self, UrlError> {
        let mut path = self.path.trim_end_matches('/').to_owned();
        let mut rest = relative;
        loop {
            if let Some(below) = rest.strip_prefix("./") {
                rest = below;
            } else if let Some(below) = rest.strip_prefix("../") {
                let cut = path.rfind('/').unwrap_or(0);
                if path.is_empty() {
                    return Err(UrlError::Invalid("it climbs above the server's root"));
                }
                path.truncate(cut);
                rest = below;
            } else {
                break;
            }
        }
        let separator = if path.is_empty() && !self.path.starts_with('/') {
            ""
        } else {
            "/"
        };
        let joined = Self {
            path: format!("{path}{separator}{rest}"),
            credentials: None,
            ..self.clone()
        };
        // Through the parser once more, so that no relative path smuggles anything in.
        let joined = parse::parse(&joined.to_string())?;
        Ok(joined.with_credentials(self.credentials.clone()))
    }

    /// `user@host`, as ssh is told where to go.
    pub(crate) fn login_at_host(&self) -> String {
        match &self.user {
            Some(user) => format!("{user}@{}", self.host),
            None => self.host.clone(),
        }
    }

    fn is_scp_like(&self) -> bool {
        self.protocol == Protocol::Ssh && !self.path.starts_with('/')
    }

    fn authority(&self) -> String {
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        match self.port {
            Some(port) => format!("{host}:{port}"),
            None => host,
        }
    }
}

impl fmt::Display for RepoUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.user.as_deref();
        let at = if user.is_some() { "@" } else { "" };
        let user = user.unwrap_or_default();
        if self.is_scp_like() {
            return write!(f, "{user}{at}{}:{}", self.host, self.path);
        }
        let (protocol, authority) = (self.protocol, self.authority());
        write!(f, "{protocol}://{user}{at}{authority}{}", self.path)
    }
}

impl fmt::Debug for RepoUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = if self.credentials.is_some() {
            ", with credentials"
        } else {
            ""
        };
        write!(f, "RepoUrl({self}{secret})")
    }
}

/// Reads an address of any of the four protocols; check [`RepoUrl::protocol`] before use.
impl FromStr for RepoUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse::parse(text)
    }
}

#[cfg(test)]
mod tests;
