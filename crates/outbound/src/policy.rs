//! The policy: public addresses, and those the operator allows besides.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use crate::is_public;
use ipnet::IpNet;

/// How long a name server may take.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Why an address may not, or cannot, be contacted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// Everything the name resolves to lies in a private or reserved range.
    #[error(
        "{host} is at {address}, a private or reserved address that this server may not contact; \
         its operator can allow the range (`outbound_allow`)"
    )]
    NotAllowed {
        /// The name asked for.
        host: String,
        /// One of its addresses.
        address: IpAddr,
    },
    /// The name does not resolve.
    #[error("the host name {host} cannot be resolved: {reason}")]
    Unresolved {
        /// The name asked for.
        host: String,
        /// What the resolver said.
        reason: String,
    },
    /// A range in the configuration cannot be read.
    #[error("\"{0}\" is no address range like 10.1.0.0/16")]
    BadRange(String),
}

impl OutboundError {
    /// A stable word for the kind of error.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotAllowed { .. } => "address_not_allowed",
            Self::Unresolved { .. } => "host_unresolved",
            Self::BadRange(_) => "bad_address_range",
        }
    }
}

/// Public addresses, and the ranges that the operator allows besides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutboundPolicy {
    /// Ranges that may be contacted although they are private.
    pub allow: Vec<IpNet>,
}

impl OutboundPolicy {
    /// Whether this address may be contacted.
    #[must_use]
    pub fn allows(&self, address: IpAddr) -> bool {
        // An IPv4 address in IPv6 clothes is the IPv4 address.
        let address = address.to_canonical();
        is_public(address) || self.allow.iter().any(|range| range.contains(&address))
    }

    /// Resolves a name (or reads an address) and returns those of its addresses that may be
    /// contacted, in the resolver's order of preference. Connect to these, not to the name.
    ///
    /// # Errors
    /// [`OutboundError::NotAllowed`] when none of its addresses may be contacted,
    /// [`OutboundError::Unresolved`] when it has none.
    pub async fn check(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, OutboundError> {
        let found = resolve(host, port).await?;
        let allowed: Vec<_> = found
            .iter()
            .copied()
            .filter(|address| self.allows(address.ip()))
            .collect();
        match (allowed.is_empty(), found.first()) {
            (false, _) => Ok(allowed),
            (true, Some(first)) => Err(OutboundError::NotAllowed {
                host: host.to_owned(),
                address: first.ip(),
            }),
            (true, None) => Err(unresolved(host, "it has no address")),
        }
    }
}

/// A list of ranges or single addresses with commas, `127.0.0.0/8,10.1.2.3`; may be empty.
impl FromStr for OutboundPolicy {
    type Err = OutboundError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let ranges = text
            .split(',')
            .map(str::trim)
            .filter(|range| !range.is_empty());
        let allow = ranges
            .map(|range| {
                let single = || range.parse::<IpAddr>().map(IpNet::from);
                range
                    .parse::<IpNet>()
                    .or_else(|_| single())
                    .map_err(|_| OutboundError::BadRange(range.to_owned()))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { allow })
    }
}

async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, OutboundError> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let lookup = tokio::net::lookup_host((host, port));
    match tokio::time::timeout(RESOLVE_TIMEOUT, lookup).await {
        Ok(Ok(found)) => Ok(found.collect()),
        Ok(Err(error)) => Err(unresolved(host, &error.to_string())),
        Err(_) => Err(unresolved(host, "the name server does not answer")),
    }
}

fn unresolved(host: &str, reason: &str) -> OutboundError {
    OutboundError::Unresolved {
        host: host.to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn this_machine_is_out_of_reach_unless_allowed() {
        let closed = OutboundPolicy::default();
        for host in [
            "127.0.0.1",
            "localhost",
            "[::1]",
            "::ffff:127.0.0.1",
            "0x7f000001",
        ] {
            let refused = closed.check(host, 80).await.unwrap_err();
            assert_eq!(refused.kind(), "address_not_allowed", "{host}");
        }
        let open: OutboundPolicy = "127.0.0.0/8, ::1".parse().unwrap();
        for host in ["127.0.0.1", "localhost", "::ffff:127.0.0.1"] {
            let addresses = open.check(host, 80).await.unwrap();
            assert!(
                addresses
                    .iter()
                    .all(|a| a.ip().to_canonical().is_loopback())
            );
            assert!(addresses.iter().all(|a| a.port() == 80));
        }
    }

    #[tokio::test]
    async fn a_name_that_is_none_is_told_apart() {
        let policy = OutboundPolicy::default();
        let error = policy.check("no-such-host.invalid", 443).await.unwrap_err();
        assert_eq!(error.kind(), "host_unresolved");
    }

    #[test]
    fn ranges_are_read_and_garbage_is_refused() {
        let policy: OutboundPolicy = "10.0.0.0/8,fd00::/8,192.168.1.7,".parse().unwrap();
        assert!(policy.allows("10.9.8.7".parse().unwrap()));
        assert!(policy.allows("192.168.1.7".parse().unwrap()));
        assert!(!policy.allows("192.168.1.8".parse().unwrap()));
        assert!("10.0.0.0/64".parse::<OutboundPolicy>().is_err());
        assert_eq!("".parse(), Ok(OutboundPolicy::default()));
    }
}
