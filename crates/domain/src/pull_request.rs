//! The pull request that a build is of. Somebody who may not push to the repository may have written a
//! fork's: its build gets nothing that is the service's, and nothing that other builds left.

use crate::BuildRequest;
use crate::service::ProjectType;

/// A pull request as it was when its build was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequest {
    /// Its number.
    pub id: i64,
    /// The kind of forge that keeps it.
    pub project_type: ProjectType,
    /// The branch that its commit is on, of a forge that keeps no refs of pull requests.
    pub branch: Option<String>,
    /// Its commit, where that is known.
    pub sha: Option<String>,
    /// Whether it is from a fork, or nobody knows that it is not.
    pub from_fork: bool,
}

impl BuildRequest {
    /// Whether what is built is a stranger's.
    pub fn is_from_fork(&self) -> bool {
        self.from_fork == Some(true)
    }

    /// Makes it a request to build a fork's pull request: without logins to registries, without the
    /// layers and cache mounts of other builds, and with its image where this server alone keeps it.
    /// Its values are those of the call that asks for it.
    pub fn becomes_a_forks(&mut self) {
        self.from_fork = Some(true);
        self.docker_credentials.clear();
        self.push_to = None;
        self.use_cache = false;
    }

    /// Takes the arguments, files and mounts away, and what is said about them.
    pub fn forgets_its_values(&mut self) {
        self.build_arguments.clear();
        self.secret_arguments.clear();
        self.account_secrets.clear();
        self.build_files.clear();
        self.docker_secret_mounts.clear();
    }
}
