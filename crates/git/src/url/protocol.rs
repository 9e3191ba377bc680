//! The protocols a repository may be reached by.

use std::fmt;
use std::str::FromStr;

use super::UrlError;

/// How a repository is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    /// HTTP over TLS.
    Https,
    /// Secure shell.
    Ssh,
    /// HTTP without TLS.
    Http,
    /// A folder on this machine.
    File,
}

impl Protocol {
    pub(crate) fn default_port(self) -> Option<u16> {
        match self {
            Self::Https => Some(443),
            Self::Ssh => Some(22),
            Self::Http => Some(80),
            Self::File => None,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Https => "https",
            Self::Ssh => "ssh",
            Self::Http => "http",
            Self::File => "file",
        })
    }
}

impl FromStr for Protocol {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "https" => Ok(Self::Https),
            "ssh" => Ok(Self::Ssh),
            "http" => Ok(Self::Http),
            "file" => Ok(Self::File),
            other => Err(UrlError::ProtocolNotAllowed(
                other.chars().take(20).filter(|c| !c.is_control()).collect(),
            )),
        }
    }
}

/// The protocols allowed on this server. The default is https and ssh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protocols(Vec<Protocol>);

impl Protocols {
    /// These and no others.
    #[must_use]
    pub fn new(protocols: impl IntoIterator<Item = Protocol>) -> Self {
        Self(protocols.into_iter().collect())
    }

    /// Whether the protocol is allowed.
    #[must_use]
    pub fn contains(&self, protocol: Protocol) -> bool {
        self.0.contains(&protocol)
    }

    /// In the form of git's own list, `https:ssh`.
    pub(crate) fn for_git(&self) -> String {
        let names: Vec<_> = self.0.iter().map(Protocol::to_string).collect();
        names.join(":")
    }
}

impl Default for Protocols {
    fn default() -> Self {
        Self(vec![Protocol::Https, Protocol::Ssh])
    }
}

/// A list with commas: `https,ssh,file`.
impl FromStr for Protocols {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let names = text.split(',').map(str::trim);
        names
            .filter(|name| !name.is_empty())
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}
