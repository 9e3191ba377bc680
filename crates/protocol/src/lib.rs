//! The small protocol between a worker and the server: HTTP with JSON under [`BASE`], the one-build
//! token as bearer. The token belongs to one attempt of one build; when the lease has run out, the
//! build was aborted or another attempt began, every call answers 410 and the worker stops.

use domain::{BuildRequest, Reason, Sample, Status};
use serde::{Deserialize, Serialize};

/// Where the calls live on the server.
pub const BASE: &str = "/worker/v1";

/// Environment variable: the server's URL, given to a worker by its executor.
pub const ENV_SERVER: &str = "BOATYARD_WORKER_SERVER";
/// Environment variable: the one-build token. In the environment, never in an argument, where
/// every user of the machine could read it.
pub const ENV_TOKEN: &str = "BOATYARD_WORKER_TOKEN";

/// `POST claim`: the worker takes the build; PENDING becomes STARTING.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claim {
    /// The worker's process, in the text form of `machine::ProcessId`.
    pub process: String,
    /// The worker's version, for the log.
    pub version: String,
}

/// Answer to a claim: what to build and where things are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    /// Stable identity of the build; names its control group and working folder.
    pub build_uid: String,
    /// The build's id in its service.
    pub build_id: String,
    /// Stable identity of the service; names its layer cache.
    pub service_uid: String,
    /// The generation of that layer cache: a reset begins the next one.
    #[serde(default)]
    pub cache_generation: i64,
    /// Which attempt this is, from 1.
    pub attempt: i64,
    /// What to build.
    pub request: BuildRequest,
    /// Whether the caller named the commit: it has to be on a branch or tag of the repository, since
    /// forges hand out commits of forks, too.
    #[serde(default)]
    pub commit_is_named: bool,
    /// Host and port of the registry to push to, as the worker reaches it.
    pub registry: String,
    /// Repository in the registry: `project/service`.
    pub repository: String,
    /// Host and port of the registry as clients name it.
    pub registry_public: String,
    /// Logins for private base images: those of the request's that are there and may be used.
    #[serde(default)]
    pub credentials: Vec<RegistryCredential>,
    /// The login to the registry that the request says to push to, where it may be used.
    #[serde(default)]
    pub push_credential: Option<RegistryCredential>,
    /// What git logs in with, where the request names a linked account that is still there.
    #[serde(default)]
    pub git_login: Option<GitLogin>,
    /// How long the lease lasts without a heartbeat, in seconds.
    pub lease_seconds: u64,
    /// Sequence number of the next log line.
    pub next_log_seq: u64,
}

/// A login to a registry, as it stands when the build is claimed. It is nowhere but here and where
/// it is sealed.
#[derive(Clone, Serialize, Deserialize)]
pub struct RegistryCredential {
    /// The credential's id.
    pub id: String,
    /// Host and port, and perhaps a folder, as images name them.
    pub registry: String,
    /// The user name.
    pub username: String,
    /// The password.
    pub password: String,
}

impl std::fmt::Debug for RegistryCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RegistryCredential")
            .field("id", &self.id)
            .field("registry", &self.registry)
            .finish_non_exhaustive()
    }
}

/// A linked account's login to its forge's git server, as it stands when the build is claimed.
#[derive(Clone, Serialize, Deserialize)]
pub struct GitLogin {
    /// The user name.
    pub user: String,
    /// The password or token.
    pub password: String,
}

impl std::fmt::Debug for GitLogin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GitLogin(…)")
    }
}

/// `POST status`: the worker entered a phase or learned the commit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// The phase; staying in it is no error, so that a resent report is harmless.
    pub status: Status,
    /// The commit, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha: Option<String>,
}

/// `POST logs`: lines in order. Lines that are stored already are skipped, so resending is harmless.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LogChunk {
    /// Sequence number of the first line.
    pub first_seq: u64,
    /// The lines.
    pub lines: Vec<Line>,
}

/// One log line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Microseconds since 1970.
    pub ts: i64,
    /// The text, without its line end.
    pub text: String,
}

/// Answer to `POST logs`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct LogsAccepted {
    /// The sequence number the server expects next; the worker goes on (or back) to it.
    pub next_seq: u64,
}

/// `POST samples`: what was measured, oldest first. Samples that are not later than the last one stored
/// are skipped, so resending is harmless.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SampleBatch {
    /// The samples.
    pub samples: Vec<Sample>,
}

/// `POST conclude`: how it ended. The answer to a resent conclusion is the same as to the first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Conclusion {
    /// A concluded status.
    pub status: Status,
    /// Why, unless it is SUCCESS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Why, as one sentence.
    pub message: String,
    /// The pushed image's manifest digest, with SUCCESS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The image's compressed size in bytes, where it went to another registry than the server's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
}

/// Answer to `GET overtaken`: for registries that cannot tell which build of a branch is the newer.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Overtaken {
    /// Whether a build of the branch that was asked for later has been uploaded.
    pub overtaken: bool,
}

/// Answer to `GET watch?seconds=N`, which waits until there is something to say or N seconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Watch {
    /// Whether the worker must stop and clean up.
    pub stop: bool,
}
