//! The git program and how it is set up on this server.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::checkout::Others;
use crate::environment;
use crate::error::GitError;
use crate::http::HttpClient;
use crate::process::{Call, Output, Progress};
use crate::supervisor::Supervisor;
use crate::url::Protocols;
use outbound::OutboundPolicy;

/// How ssh is called.
#[derive(Debug, Clone)]
pub struct SshSettings {
    /// The ssh program.
    pub program: PathBuf,
    /// The keys of the servers that may be spoken to, in ssh's own format. A server that is not
    /// in it is refused: accepting a key unseen would let anybody in between be that server.
    /// By default a file in [`GitSettings::home`].
    pub known_hosts: Option<PathBuf>,
    /// The private key to log in with; without one, ssh servers refuse us.
    pub key: Option<PathBuf>,
}

impl Default for SshSettings {
    fn default() -> Self {
        Self {
            program: PathBuf::from("ssh"),
            known_hosts: None,
            key: None,
        }
    }
}

/// How git is called. [`GitSettings::new`] has defaults for all but its folder.
#[derive(Debug, Clone)]
pub struct GitSettings {
    /// The git program.
    pub program: PathBuf,
    /// A folder of ours that git takes for the user's home; it is made if need be.
    pub home: PathBuf,
    /// The protocols that git may speak.
    pub protocols: Protocols,
    /// The addresses that git may contact.
    pub outbound: OutboundPolicy,
    /// How ssh is called.
    pub ssh: SshSettings,
    /// Certificate authorities to trust instead of the system's, as a PEM file.
    pub ca_file: Option<PathBuf>,
    /// How long a fetch may take in all.
    pub timeout: Duration,
    /// How long a fetch may stand nearly still (below 1000 bytes a second, whole seconds).
    pub stall_timeout: Duration,
    /// How long a question such as "which commit is this branch" may take.
    pub question_timeout: Duration,
    /// Who answers for what git uses; nobody by default.
    pub supervisor: Option<Arc<dyn Supervisor>>,
}

impl GitSettings {
    /// The defaults: https and ssh, public addresses, 20 minutes for a fetch, 30 seconds of
    /// standstill, a minute for a question.
    #[must_use]
    pub fn new(home: impl Into<PathBuf>) -> Self {
        Self {
            program: PathBuf::from("git"),
            home: home.into(),
            protocols: Protocols::default(),
            outbound: OutboundPolicy::default(),
            ssh: SshSettings::default(),
            ca_file: None,
            timeout: Duration::from_secs(20 * 60),
            stall_timeout: Duration::from_secs(30),
            question_timeout: Duration::from_secs(60),
            supervisor: None,
        }
    }

    pub(crate) fn known_hosts(&self) -> PathBuf {
        let ours = || self.home.join("known_hosts");
        self.ssh.known_hosts.clone().unwrap_or_else(ours)
    }

    pub(crate) fn config_file(&self) -> PathBuf {
        self.home.join("gitconfig")
    }
}

/// The git program, run in an environment that knows nothing of this host. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Git {
    settings: Arc<GitSettings>,
}

impl Git {
    /// Prepares the home folder.
    ///
    /// # Errors
    /// [`GitError::Io`] when it cannot be made or written.
    pub fn new(settings: GitSettings) -> Result<Self, GitError> {
        let home = &settings.home;
        fs::create_dir_all(home).map_err(|error| GitError::io(home, error))?;
        let file = settings.config_file();
        write_atomically(&file, environment::CONFIG)?;
        Ok(Self {
            settings: Arc::new(settings),
        })
    }

    /// The settings it was made with.
    #[must_use]
    pub fn settings(&self) -> &GitSettings {
        &self.settings
    }

    /// The program as other repositories are opened with it.
    pub(crate) fn for_others(&self, others: Others) -> Git {
        let mut git = self.clone();
        if others == Others::AsNobody {
            Arc::make_mut(&mut git.settings).ssh.key = None;
        }
        git
    }

    /// A client for asking web servers by git's own rules: its protocols, addresses and patience.
    #[must_use]
    pub fn http(&self) -> HttpClient {
        HttpClient::new(
            self.settings.outbound.clone(),
            self.settings.protocols.clone(),
            self.settings.stall_timeout,
        )
    }

    /// A call that stays on this machine.
    pub(crate) fn call(&self) -> Call {
        let supervisor = self.settings.supervisor.clone();
        Call::new(environment::for_git(&self.settings), supervisor)
    }

    /// Runs a call to its end, with the time a fetch has.
    pub(crate) async fn run(
        &self,
        call: Call,
        about: &str,
        progress: Progress<'_>,
    ) -> Result<Output, GitError> {
        let timeout = self.settings.timeout;
        call.run(&self.settings.program, about, timeout, progress)
            .await
    }
}

/// Several processes may start at once with one home; none may read half a file.
fn write_atomically(file: &Path, text: &str) -> Result<(), GitError> {
    let failed = |error| GitError::io(file, error);
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut fresh = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    std::io::Write::write_all(&mut fresh, text.as_bytes()).map_err(failed)?;
    fresh.persist(file).map_err(|error| failed(error.error))?;
    Ok(())
}
