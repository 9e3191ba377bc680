//! What can go wrong with a repository, said so that a person knows what to do.

use std::io;
use std::path::{Path, PathBuf};

use crate::url::UrlError;
use outbound::OutboundError;

/// Why something with a repository did not work. The text never contains credentials.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The server knows no such repository, or does not show it.
    #[error("the repository {url} was not found; check its address and who may read it")]
    RepositoryNotFound {
        /// The repository.
        url: String,
    },
    /// The server wants other credentials.
    #[error(
        "the server refused access to {url}; check the credentials, or the address: servers answer \
         like this for a repository that does not exist, too"
    )]
    AuthenticationFailed {
        /// The repository.
        url: String,
    },
    /// The branch or ref does not exist.
    #[error("{url} has no {}", absent(name))]
    RefNotFound {
        /// The repository.
        url: String,
        /// The branch or ref.
        name: String,
    },
    /// The commit does not exist, or no branch leads to it any more.
    #[error(
        "{url} has no commit {commit}; it was perhaps never pushed, or a force push removed it"
    )]
    CommitNotFound {
        /// The repository.
        url: String,
        /// The commit.
        commit: String,
    },
    /// The protocol is not among those allowed.
    #[error("repositories over \"{protocol}\" are not allowed here; use https or ask the operator")]
    ProtocolNotAllowed {
        /// The protocol.
        protocol: String,
    },
    /// The address is none.
    #[error("{0}")]
    InvalidUrl(UrlError),
    /// The server is at an address that must not be contacted.
    #[error("{0}")]
    AddressNotAllowed(OutboundError),
    /// The server sends us elsewhere.
    #[error("the server redirects {url} to another address; use the repository's present address")]
    Redirected {
        /// The repository.
        url: String,
    },
    /// Nobody has said which key the ssh server has.
    #[error(
        "the ssh host key of {url} is not known here; the operator has to add it to the file \
         named by ssh_known_hosts"
    )]
    HostKeyUnknown {
        /// The repository.
        url: String,
    },
    /// The ssh server is not the one it was before.
    #[error(
        "the ssh host key of {url} is not the one known for it; if the server was changed on \
         purpose, the operator has to remove the old key"
    )]
    HostKeyChanged {
        /// The repository.
        url: String,
    },
    /// It took too long.
    #[error("git did not finish with {url} within {seconds} seconds; try again later")]
    Timeout {
        /// The repository.
        url: String,
        /// The time it had.
        seconds: u64,
    },
    /// The answer is longer than anybody reads.
    #[error("{url} has more than is looked through here; too many branches, perhaps")]
    TooMuch {
        /// The repository.
        url: String,
    },
    /// The server cannot be reached, or the connection broke.
    #[error("the server of {url} cannot be reached: {detail}")]
    Unreachable {
        /// The repository.
        url: String,
        /// What git said.
        detail: String,
    },
    /// A submodule is reached by a protocol that is not allowed.
    #[error("the submodule \"{path}\" cannot be used: {reason}")]
    SubmoduleProtocol {
        /// Its path in the repository.
        path: String,
        /// Which protocol, and why not.
        reason: String,
    },
    /// The disk is full.
    #[error("the machine's disk is full: {detail}")]
    DiskFull {
        /// What git said.
        detail: String,
    },
    /// A submodule cannot be checked out.
    #[error("the submodule \"{path}\" cannot be used: {reason}")]
    Submodule {
        /// Its path in the repository.
        path: String,
        /// Why.
        reason: String,
    },
    /// What Git LFS keeps cannot be fetched.
    #[error("Git LFS: {0}")]
    Lfs(String),
    /// The local copy is broken, and making it anew did not help.
    #[error("the local copy of {url} is broken: {detail}")]
    BrokenMirror {
        /// The repository.
        url: String,
        /// What git said.
        detail: String,
    },
    /// There is no git program.
    #[error("the program \"{program}\" cannot be started: {source}; is git installed?")]
    GitMissing {
        /// The program looked for.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// A file or folder of ours cannot be used.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Anything else, in git's own words.
    #[error("git failed: {0}")]
    Other(String),
}

impl GitError {
    /// A stable word for the kind of error.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RepositoryNotFound { .. } => "git_repository_not_found",
            Self::AuthenticationFailed { .. } => "git_auth_failed",
            Self::RefNotFound { .. } => "git_ref_not_found",
            Self::CommitNotFound { .. } => "git_commit_not_found",
            Self::ProtocolNotAllowed { .. } => "git_protocol_not_allowed",
            Self::InvalidUrl(_) => "git_url_invalid",
            Self::AddressNotAllowed(_) => "git_address_not_allowed",
            Self::Redirected { .. } => "git_redirected",
            Self::HostKeyUnknown { .. } => "git_host_key_unknown",
            Self::HostKeyChanged { .. } => "git_host_key_changed",
            Self::Timeout { .. } => "git_timeout",
            Self::TooMuch { .. } => "git_too_much",
            Self::Unreachable { .. } => "git_unreachable",
            Self::SubmoduleProtocol { .. } => "git_submodule_protocol",
            Self::DiskFull { .. } => "git_disk_full",
            Self::Submodule { .. } => "git_submodule",
            Self::Lfs(_) => "git_lfs",
            Self::BrokenMirror { .. } => "git_broken_mirror",
            Self::GitMissing { .. } => "git_missing",
            Self::Io { .. } => "git_io",
            Self::Other(_) => "git_failed",
        }
    }

    /// Whether trying again later may help without anybody changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Timeout { .. } | Self::Unreachable { .. })
    }

    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io {
            path: path.to_path_buf(),
            source,
        }
    }
}

impl From<UrlError> for GitError {
    fn from(error: UrlError) -> Self {
        match error {
            UrlError::ProtocolNotAllowed(protocol) => Self::ProtocolNotAllowed { protocol },
            UrlError::Invalid(_) => Self::InvalidUrl(error),
        }
    }
}

/// What is not there, in a person's words, and what to look at. Forges keep pull requests as refs.
fn absent(name: &str) -> String {
    let kept = ["refs/pull/", "refs/merge-requests/"];
    let number = kept
        .iter()
        .find_map(|folder| name.strip_prefix(folder)?.split('/').next());
    match number {
        Some(number) => format!("pull request #{number}; check its number"),
        None => format!("branch \"{name}\"; check its name, or push it first"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_called_what_a_person_calls_it() {
        let said = |name: &str| {
            let url = "https://git.example.com/web".to_owned();
            let name = name.to_owned();
            GitError::RefNotFound { url, name }.to_string()
        };
        assert_eq!(
            said("nope"),
            "https://git.example.com/web has no branch \"nope\"; check its name, or push it first"
        );
        for name in ["refs/pull/7/head", "refs/merge-requests/7/head"] {
            assert_eq!(
                said(name),
                "https://git.example.com/web has no pull request #7; check its number"
            );
        }
    }
}
