//! Configuration: built-in default < `boatyard.toml` < `BOATYARD_*` < flag. One struct is all
//! three: clap reads flags and environment into it, serde the file, and the first that says
//! something wins. `docs/boatyard.toml` documents every key; a test keeps the two together.

use anyhow::{Context, bail};
use clap::Args;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

macro_rules! options {
    ($( $(#[doc = $doc:literal])+ $name:ident: $ty:ty, $env:literal, $value:literal; )+) => {
        /// Every key, each one optional.
        #[derive(Args, Clone, Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Options {
            $(
                $(#[doc = $doc])+
                #[arg(long, env = $env, value_name = $value)]
                pub $name: Option<$ty>,
            )+
        }

        impl Options {
            /// These options, with `file`'s where they say nothing.
            fn or(self, file: Options) -> Options {
                Options { $( $name: self.$name.or(file.$name), )+ }
            }

            /// Every key's name.
            #[cfg(test)]
            const KEYS: &[&str] = &[ $( stringify!($name), )+ ];
        }
    };
}

options! {
    /// Address to listen on [default: 127.0.0.1:8484]
    listen: SocketAddr, "BOATYARD_LISTEN", "ADDRESS";
    /// Folder that holds everything [default: the platform's data folder + boatyard]
    data_dir: PathBuf, "BOATYARD_DATA_DIR", "DIR";
    /// Database: postgres://… or sqlite:PATH [default: SQLite in the data folder]
    database_url: String, "BOATYARD_DATABASE_URL", "URL";
    /// File that holds the database URL, for when it is a secret
    database_url_file: PathBuf, "BOATYARD_DATABASE_URL_FILE", "FILE";
    /// File that holds the key to the secrets in the database [default: secret.key in the data folder]
    secret_key_file: PathBuf, "BOATYARD_SECRET_KEY_FILE", "FILE";
    /// How clients reach this server [default: http:// and the address it listens on]
    public_url: String, "BOATYARD_PUBLIC_URL", "URL";
    /// Git protocols that a repository's URL may have [default: https,ssh]
    git_protocols: String, "BOATYARD_GIT_PROTOCOLS", "LIST";
    /// Private key that git logs in to ssh servers with
    ssh_key: PathBuf, "BOATYARD_SSH_KEY", "FILE";
    /// Host keys of the ssh servers that git may speak to, as in ~/.ssh/known_hosts
    ssh_known_hosts: PathBuf, "BOATYARD_SSH_KNOWN_HOSTS", "FILE";
    /// How long a git server may stand still, in seconds [default: 30]
    git_stall_timeout: u64, "BOATYARD_GIT_STALL_TIMEOUT", "SECONDS";
    /// How often repositories are looked at for new commits, in seconds; 0 is never [default: 60]
    watch_interval: u64, "BOATYARD_WATCH_INTERVAL", "SECONDS";
    /// Address ranges that outbound requests may reach although private, like 10.0.0.0/8
    outbound_allow: String, "BOATYARD_OUTBOUND_ALLOW", "LIST";
    /// Mirrors of registries, like docker.io=127.0.0.1:5000; plain HTTP on loopback
    registry_mirrors: String, "BOATYARD_REGISTRY_MIRRORS", "LIST";
    /// Builds in flight at the same time [default: one a core, at least 2]
    max_concurrent_builds: usize, "BOATYARD_MAX_CONCURRENT_BUILDS", "N";
    /// Builds of one service in flight at the same time [default: as many as overall]
    max_concurrent_builds_per_service: usize, "BOATYARD_MAX_CONCURRENT_BUILDS_PER_SERVICE", "N";
    /// Requests an hour per token; 0 is no limit [default: 1000]
    rate_limit: u32, "BOATYARD_RATE_LIMIT", "N";
    /// Build engine: auto or buildah [default: auto]
    engine: String, "BOATYARD_ENGINE", "NAME";
    /// What RUN steps reach: isolated (not this machine itself), none or host [default: isolated]
    step_network: String, "BOATYARD_STEP_NETWORK", "NAME";
    /// Where workers run: local [default: local]
    executor: String, "BOATYARD_EXECUTOR", "NAME";
    /// Plan of a service that names none [default: nf-compute-200-8, or the largest that fits]
    default_plan: String, "BOATYARD_DEFAULT_PLAN", "PLAN";
    /// How long a build may run, in seconds [default: 3600]
    build_time_limit: u64, "BOATYARD_BUILD_TIME_LIMIT", "SECONDS";
    /// Disk that a build may fill when its service does not say, in MB [default: 16384]
    ephemeral_storage: u64, "BOATYARD_EPHEMERAL_STORAGE", "MB";
    /// Layer cache of a service that does not say, in MB [default: 32768]
    cache_storage: u64, "BOATYARD_CACHE_STORAGE", "MB";
    /// Git mirrors of all repositories together, in MB [default: 16384]
    git_cache: u64, "BOATYARD_GIT_CACHE", "MB";
    /// How long a worker is believed alive without a word, in seconds [default: 30]
    lease: u64, "BOATYARD_LEASE", "SECONDS";
    /// How long a build may wait as UNSCHEDULABLE, in seconds [default: 86400]
    unschedulable_for: u64, "BOATYARD_UNSCHEDULABLE_FOR", "SECONDS";
    /// Largest log of one build, in MB; the middle is cut, head and tail stay [default: 64]
    log_limit: u64, "BOATYARD_LOG_LIMIT", "MB";
    /// How often the registry frees what nothing refers to, in seconds [default: 3600]
    garbage_interval: u64, "BOATYARD_GARBAGE_INTERVAL", "SECONDS";
    /// How long it leaves alone what a push may be about to refer to, in seconds [default: 7200]
    garbage_grace: u64, "BOATYARD_GARBAGE_GRACE", "SECONDS";
    /// Whether /metrics needs no token [default: true while only this machine reaches the server]
    metrics_public: bool, "BOATYARD_METRICS_PUBLIC", "BOOL";
    /// First pause before a notification is sent again, in milliseconds [default: 5000]
    notification_retry_ms: u64, "BOATYARD_NOTIFICATION_RETRY_MS", "MS";
    /// Program to start as worker [default: this one]
    worker_program: PathBuf, "BOATYARD_WORKER_PROGRAM", "FILE";
}

impl Options {
    /// Lays these options over the configuration file: the one named, or `boatyard.toml` in the
    /// data folder when there is one.
    pub fn with_file(self, file: Option<&Path>) -> anyhow::Result<Options> {
        let beside_data = self.data_dir().join("boatyard.toml");
        let path = match file {
            Some(path) => path,
            None if beside_data.is_file() => &beside_data,
            None => return Ok(self),
        };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the configuration file {}", path.display()))?;
        let options = toml::from_str(&text)
            .with_context(|| format!("the configuration file {} is wrong", path.display()))?;
        Ok(self.or(options))
    }

    /// The folder that holds everything.
    pub fn data_dir(&self) -> PathBuf {
        self.data_dir.clone().unwrap_or_else(default_data_dir)
    }

    /// The address to listen on.
    pub fn listen(&self) -> SocketAddr {
        self.listen
            .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8484)))
    }

    /// The database's URL, read from its file where it is given as one.
    pub fn database_url(&self) -> anyhow::Result<String> {
        if let Some(url) = &self.database_url {
            return Ok(url.clone());
        }
        if let Some(file) = &self.database_url_file {
            let url = std::fs::read_to_string(file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            return Ok(url.trim().to_owned());
        }
        Ok(format!(
            "sqlite:{}",
            self.data_dir().join("boatyard.db").display()
        ))
    }

    /// The file of an ssh switch as an absolute path, since git does not run in our folder.
    pub fn ssh_file(path: Option<&PathBuf>) -> anyhow::Result<Option<PathBuf>> {
        let absolute = path.map(std::path::absolute).transpose();
        absolute.context("the files for ssh need a path")
    }

    /// Refuses values that nothing here can honour.
    pub fn check(&self) -> anyhow::Result<()> {
        let ssh = [
            ("ssh_key", &self.ssh_key),
            ("ssh_known_hosts", &self.ssh_known_hosts),
        ];
        for (key, path) in ssh {
            if let Some(path) = path {
                std::fs::File::open(path)
                    .with_context(|| format!("{key}: cannot read {}", path.display()))?;
            }
        }
        match self.executor.as_deref() {
            None | Some("local") => {}
            Some("kubernetes") => {
                bail!(
                    "the kubernetes executor is not part of this version; use executor = \"local\""
                )
            }
            Some(other) => bail!("executor = \"{other}\" is not known: use local"),
        }
        match self.step_network.as_deref() {
            None | Some("isolated" | "none" | "host") => {}
            Some(other) => {
                bail!("step_network = \"{other}\" is not known: use isolated, none or host")
            }
        }
        worker::registry_mirrors(self.registry_mirrors.as_deref().unwrap_or_default())?;
        if let Some(program) = &self.worker_program {
            std::fs::File::open(program)
                .with_context(|| format!("worker_program: cannot read {}", program.display()))?;
        }
        if self.lease == Some(0) {
            bail!("lease = 0 would give up every build at once; it is a number of seconds");
        }
        match self.engine.as_deref() {
            None | Some("auto" | "buildah") => Ok(()),
            Some("buildkit") => {
                bail!("the buildkit engine is not part of this version; use engine = \"buildah\"")
            }
            Some(other) => bail!("engine = \"{other}\" is not known: use auto or buildah"),
        }
    }
}

/// `$XDG_DATA_HOME/boatyard`, or `~/.local/share/boatyard`; `/var/lib/boatyard` without a home.
fn default_data_dir() -> PathBuf {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    if let Some(dir) = absolute("XDG_DATA_HOME") {
        return dir.join("boatyard");
    }
    match absolute("HOME") {
        Some(home) => home.join(".local/share/boatyard"),
        None => PathBuf::from("/var/lib/boatyard"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The commented file, with every `# key = value` line switched on.
    fn documented() -> String {
        let text = include_str!("../../../docs/boatyard.toml");
        let example = |line: &str| {
            let rest = line.strip_prefix("# ")?;
            let (key, _) = rest.split_once(" = ")?;
            Options::KEYS.contains(&key).then(|| rest.to_owned())
        };
        text.lines()
            .filter_map(example)
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn every_key_is_documented_and_every_example_is_valid() {
        let text = documented();
        for key in Options::KEYS {
            assert!(
                text.lines().any(|l| l.starts_with(&format!("{key} = "))),
                "{key} is missing"
            );
        }
        toml::from_str::<Options>(&text).unwrap();
    }

    #[test]
    fn a_flag_wins_over_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("b.toml");
        std::fs::write(&file, "rate_limit = 5\nlease = 7\n").unwrap();
        let flags = Options {
            rate_limit: Some(9),
            ..Options::default()
        };
        let options = flags.with_file(Some(&file)).unwrap();
        assert_eq!((options.rate_limit, options.lease), (Some(9), Some(7)));
    }

    #[test]
    fn an_unknown_key_is_an_error_that_names_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("b.toml");
        std::fs::write(&file, "rate_limits = 5\n").unwrap();
        let error = Options::default().with_file(Some(&file)).unwrap_err();
        assert!(format!("{error:#}").contains("rate_limits"), "{error:#}");
    }
}
