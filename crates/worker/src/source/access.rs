//! What an operator lets a source be fetched with.

use std::path::{Path, PathBuf};
use std::time::Duration;

use git::{Git, GitSettings, OutboundPolicy, Protocols, SshSettings, UrlError};
use ipnet::IpNet;

/// What an operator lets git do, and with what.
#[derive(Clone, Debug)]
pub struct GitAccess {
    /// Protocols git may use.
    pub protocols: Vec<String>,
    /// Private address ranges that git may reach.
    pub outbound_allow: Vec<String>,
    /// The private key that git logs in to ssh servers with.
    pub ssh_key: Option<PathBuf>,
    /// The host keys of ssh servers; others are not spoken to.
    pub ssh_known_hosts: Option<PathBuf>,
    /// How long a server may stand still; `None` leaves it to git's room.
    pub stall_timeout: Option<Duration>,
}

/// Git as an operator's switches allow it, with `home` as its home folder.
///
/// # Errors
/// A sentence that names the switch that means nothing, or the folder that cannot be made.
pub fn git_for(access: &GitAccess, home: &Path) -> Result<Git, String> {
    Git::new(git_settings(access, home)?).map_err(|error| error.to_string())
}

pub(super) fn git_settings(access: &GitAccess, home: &Path) -> Result<GitSettings, String> {
    let protocols: Protocols = access
        .protocols
        .join(",")
        .parse()
        .map_err(|error: UrlError| format!("git protocols: {error}"))?;
    let allow = address_ranges(&access.outbound_allow)?;
    let defaults = GitSettings::new(home);
    Ok(GitSettings {
        protocols,
        outbound: OutboundPolicy { allow },
        ssh: SshSettings {
            key: access.ssh_key.clone(),
            known_hosts: access.ssh_known_hosts.clone(),
            ..SshSettings::default()
        },
        stall_timeout: access.stall_timeout.unwrap_or(defaults.stall_timeout),
        ..defaults
    })
}

/// The address ranges of the operator's switch.
///
/// # Errors
/// A sentence that names the one that is none.
pub(crate) fn address_ranges(ranges: &[String]) -> Result<Vec<IpNet>, String> {
    let parse = |range: &String| {
        range
            .parse()
            .map_err(|_| format!("\"{range}\" is not an address range"))
    };
    ranges.iter().map(parse).collect()
}
