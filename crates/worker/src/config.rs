//! What a worker is told by its executor: where the server is, who it is, where it may work.
//!
//! | variable | what | default |
//! |---|---|---|
//! | `BOATYARD_WORKER_SERVER` | the server's URL | required |
//! | `BOATYARD_WORKER_TOKEN` | the one-build token | required |
//! | `BOATYARD_WORKER_DIR` | scratch; the build gets a subfolder, removed at its end | `TMPDIR/boatyard-worker` |
//! | `BOATYARD_CACHE_DIR` | layer caches by service, git mirrors | `BOATYARD_WORKER_DIR/cache` |
//! | `BOATYARD_GIT_PROTOCOLS` | protocols git may use, `,` between them | `https,ssh` |
//! | `BOATYARD_OUTBOUND_ALLOW` | private address ranges git may reach, `,` between them | none |
//! | `BOATYARD_SSH_KEY` | private key git logs in to ssh servers with | none |
//! | `BOATYARD_SSH_KNOWN_HOSTS` | host keys of ssh servers; others are not spoken to | none |
//! | `BOATYARD_GIT_STALL_TIMEOUT` | how long a git server may stand still, in seconds | 30 |
//! | `BOATYARD_REGISTRY_MIRRORS` | `docker.io=127.0.0.1:5000,…`: plain HTTP on loopback | none |
//! | `BOATYARD_ENGINE` | `auto` or `buildah` | `auto` |
//! | `BOATYARD_STEP_NETWORK` | what RUN steps reach: `isolated`, `none` or `host` | `isolated` |

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::source::GitAccess;
use crate::token::Token;

/// Environment variable: the scratch folder.
pub const ENV_DIR: &str = "BOATYARD_WORKER_DIR";
/// Environment variable: the folder for what is kept between builds.
pub const ENV_CACHE_DIR: &str = "BOATYARD_CACHE_DIR";
/// Environment variable: the protocols git may use.
pub const ENV_GIT_PROTOCOLS: &str = "BOATYARD_GIT_PROTOCOLS";
/// Environment variable: private address ranges that may be reached.
pub const ENV_OUTBOUND_ALLOW: &str = "BOATYARD_OUTBOUND_ALLOW";
/// Environment variable: the private key for ssh servers.
pub const ENV_SSH_KEY: &str = "BOATYARD_SSH_KEY";
/// Environment variable: the host keys of ssh servers.
pub const ENV_SSH_KNOWN_HOSTS: &str = "BOATYARD_SSH_KNOWN_HOSTS";
/// Environment variable: how long a git server may stand still, in seconds.
pub const ENV_GIT_STALL_TIMEOUT: &str = "BOATYARD_GIT_STALL_TIMEOUT";
/// Environment variable: mirrors of registries.
pub const ENV_REGISTRY_MIRRORS: &str = "BOATYARD_REGISTRY_MIRRORS";
/// Environment variable: which engine builds.
pub const ENV_ENGINE: &str = "BOATYARD_ENGINE";

/// Environment variable: what RUN steps reach.
pub const ENV_STEP_NETWORK: &str = "BOATYARD_STEP_NETWORK";

/// What RUN steps of a Dockerfile reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StepNetwork {
    /// What the machine reaches, without the machine itself and link-local addresses; nothing where
    /// the machine cannot do that.
    #[default]
    Isolated,
    /// Nothing.
    None,
    /// Everything that the machine reaches, its loopback included.
    Host,
}

impl StepNetwork {
    /// Whether a build takes a network of its own, for the engine if not for its steps.
    pub(crate) fn takes_own(self) -> bool {
        self != StepNetwork::Host
    }
}

/// Which engine builds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineChoice {
    /// The one this machine has.
    #[default]
    Auto,
    /// Buildah.
    Buildah,
}

/// Everything a worker is told.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// The server's URL.
    pub server: Url,
    /// The one-build token.
    pub token: Token,
    /// Scratch; each build gets a subfolder by its uid, which is removed at the end.
    pub work_dir: PathBuf,
    /// What is kept between builds: layer caches by service, git mirrors.
    pub cache_dir: PathBuf,
    /// What git may do.
    pub git: GitAccess,
    /// Upstream registry host and its mirror's host and port. A mirror is spoken to in plain HTTP
    /// only on loopback.
    pub registry_mirrors: Vec<(String, String)>,
    /// Which engine builds.
    pub engine: EngineChoice,
    /// What RUN steps reach.
    pub step_network: StepNetwork,
}

/// Why the environment is no configuration.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConfigError {
    /// A required variable is absent or empty.
    #[error("{0} is not set")]
    Missing(&'static str),
    /// A variable has a value that means nothing.
    #[error("{variable} {problem}")]
    Invalid {
        /// The variable.
        variable: &'static str,
        /// What is wrong, as a phrase that follows its name.
        problem: String,
    },
}

impl WorkerConfig {
    /// Reads the process's environment; see the module's table.
    ///
    /// # Errors
    /// [`ConfigError`] with the name of the first variable that is missing or means nothing.
    pub fn from_env() -> Result<WorkerConfig, ConfigError> {
        WorkerConfig::from_lookup(|name| std::env::var(name).ok())
    }

    fn from_lookup(
        lookup: impl Fn(&'static str) -> Option<String>,
    ) -> Result<WorkerConfig, ConfigError> {
        let given = |name| lookup(name).filter(|value| !value.trim().is_empty());
        let required = |name| given(name).ok_or(ConfigError::Missing(name));
        let server = required(protocol::ENV_SERVER)?;
        let server = Url::parse(&server)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| invalid(protocol::ENV_SERVER, "must be an http or https URL"))?;
        let token = Token::new(required(protocol::ENV_TOKEN)?);
        let work_dir = given(ENV_DIR).map_or_else(
            || std::env::temp_dir().join("boatyard-worker"),
            PathBuf::from,
        );
        let cache_dir = given(ENV_CACHE_DIR).map_or_else(|| work_dir.join("cache"), PathBuf::from);
        Ok(WorkerConfig {
            server,
            token,
            work_dir,
            cache_dir,
            git: git_access(given)?,
            registry_mirrors: registry_mirrors(&given(ENV_REGISTRY_MIRRORS).unwrap_or_default())?,
            engine: engine(&given(ENV_ENGINE).unwrap_or_default())?,
            step_network: step_network(&given(ENV_STEP_NETWORK).unwrap_or_default())?,
        })
    }
}

fn git_access(given: impl Fn(&'static str) -> Option<String>) -> Result<GitAccess, ConfigError> {
    let seconds = given(ENV_GIT_STALL_TIMEOUT).map(|text| {
        let seconds = text.trim().parse().map(Duration::from_secs);
        seconds.map_err(|_| invalid(ENV_GIT_STALL_TIMEOUT, "must be a number of seconds"))
    });
    Ok(GitAccess {
        protocols: list(&given(ENV_GIT_PROTOCOLS).unwrap_or("https,ssh".into())),
        outbound_allow: list(&given(ENV_OUTBOUND_ALLOW).unwrap_or_default()),
        ssh_key: given(ENV_SSH_KEY).map(PathBuf::from),
        ssh_known_hosts: given(ENV_SSH_KNOWN_HOSTS).map(PathBuf::from),
        stall_timeout: seconds.transpose()?,
    })
}

fn invalid(variable: &'static str, problem: impl Into<String>) -> ConfigError {
    ConfigError::Invalid {
        variable,
        problem: problem.into(),
    }
}

fn list(value: &str) -> Vec<String> {
    value
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Mirrors as an operator writes them, `docker.io=127.0.0.1:5000,…`: upstream host and its mirror.
///
/// # Errors
/// When a pair is none.
pub fn registry_mirrors(value: &str) -> Result<Vec<(String, String)>, ConfigError> {
    list(value)
        .iter()
        .map(|pair| {
            let (upstream, mirror) = pair.split_once('=').unwrap_or((pair, ""));
            if is_host(upstream) && is_host(mirror) {
                Ok((upstream.to_owned(), mirror.to_owned()))
            } else {
                Err(invalid(
                    ENV_REGISTRY_MIRRORS,
                    format!("must hold HOST=MIRROR[:PORT] pairs, and has \"{pair}\""),
                ))
            }
        })
        .collect()
}

/// Whether this is a host with an optional port and path: what may stand in a registries file.
fn is_host(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
        && text.chars().all(|c| {
            c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']' | '/' | '_')
        })
}

fn engine(value: &str) -> Result<EngineChoice, ConfigError> {
    match value.trim() {
        "" | "auto" => Ok(EngineChoice::Auto),
        "buildah" => Ok(EngineChoice::Buildah),
        other => Err(invalid(
            ENV_ENGINE,
            format!("must be auto or buildah, and is \"{other}\""),
        )),
    }
}

fn step_network(value: &str) -> Result<StepNetwork, ConfigError> {
    match value.trim() {
        "" | "isolated" => Ok(StepNetwork::Isolated),
        "none" => Ok(StepNetwork::None),
        "host" => Ok(StepNetwork::Host),
        other => Err(invalid(
            ENV_STEP_NETWORK,
            format!("must be isolated, none or host, and is \"{other}\""),
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn read(pairs: &[(&'static str, &str)]) -> Result<WorkerConfig, ConfigError> {
        let map: HashMap<_, _> = pairs.iter().copied().collect();
        WorkerConfig::from_lookup(|name| map.get(name).map(|value| (*value).to_owned()))
    }

    const NEEDED: [(&str, &str); 2] = [
        (protocol::ENV_SERVER, "http://127.0.0.1:8484"),
        (protocol::ENV_TOKEN, "hush"),
    ];

    #[test]
    fn the_server_and_the_token_are_enough() {
        let config = read(&NEEDED).unwrap();
        assert_eq!(config.git.protocols, ["https", "ssh"]);
        assert!(config.registry_mirrors.is_empty());
        assert!(!format!("{config:?}").contains("hush"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let missing = read(&NEEDED[..1]).unwrap_err();
        assert_eq!(missing, ConfigError::Missing(protocol::ENV_TOKEN));
        for (variable, value) in [
            (protocol::ENV_SERVER, "ftp://x"),
            (ENV_REGISTRY_MIRRORS, "docker.io"),
            (ENV_REGISTRY_MIRRORS, "docker.io=a\"\n[x"),
            (ENV_ENGINE, "kaniko"),
            (ENV_STEP_NETWORK, "bridge"),
            (ENV_GIT_STALL_TIMEOUT, "soon"),
        ] {
            let mut pairs = NEEDED.to_vec();
            pairs.push((variable, value));
            let error = read(&pairs).unwrap_err().to_string();
            assert!(error.starts_with(variable), "{error}");
        }
    }

    #[test]
    fn lists_are_split() {
        let mut pairs = NEEDED.to_vec();
        pairs.push((
            ENV_REGISTRY_MIRRORS,
            "docker.io=127.0.0.1:5000, quay.io=localhost:1",
        ));
        pairs.push((ENV_GIT_PROTOCOLS, "https, file"));
        let config = read(&pairs).unwrap();
        assert_eq!(config.registry_mirrors[1].1, "localhost:1");
        assert_eq!(config.git.protocols, ["https", "file"]);
    }
}
