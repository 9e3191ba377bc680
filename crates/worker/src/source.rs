//! The source of a build: from its request to a checked-out commit whose Dockerfile and context
//! lie inside it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use domain::{BuildRequest, Reason};
use git::{
    CheckoutOptions, CommitSha, Git, GitError, GitSettings, Mirror, OutboundPolicy, PathError,
    Protocols, RefName, RepoUrl, SshSettings, UrlError, Want, safe_join,
};
use ipnet::IpNet;

use crate::config::WorkerConfig;
use crate::failure::Failure;
use crate::git_limits::GitLimits;
use crate::server::Log;
use crate::workspace::Workspace;

/// The largest Dockerfile that is built, in bytes.
const MAX_DOCKERFILE: u64 = 1 << 20;

/// What was checked out.
#[derive(Debug)]
pub(crate) struct Source {
    /// The commit.
    pub(crate) sha: String,
    /// Its author's name.
    pub(crate) author: String,
    /// The first line of its message.
    pub(crate) subject: String,
    /// The build context.
    pub(crate) context: PathBuf,
    /// The Dockerfile.
    pub(crate) dockerfile: PathBuf,
}

/// A repository's address as a log may show it: without what stands before the `@` of its host.
pub(crate) fn shown_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}/{path}")
}

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

fn git_settings(access: &GitAccess, home: &Path) -> Result<GitSettings, String> {
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

/// Fetches what the request asks for into the service's scope of the mirrors, and checks it out, with
/// git held to the limits.
pub(crate) async fn fetch(
    config: &WorkerConfig,
    request: &BuildRequest,
    scope: &str,
    workspace: &Workspace,
    limits: GitLimits,
    log: &Log,
) -> Result<Source, Failure> {
    let home = workspace.scratch.join("git-home");
    let settings = git_settings(&config.git, &home)
        .map_err(|problem| Failure::new(Reason::GitFailed, problem))?;
    let git = Git::new(GitSettings {
        supervisor: Some(Arc::new(limits)),
        ..settings
    })
    .map_err(|error| failed(&error))?;
    let url = RepoUrl::parse(&request.project_url, &git.settings().protocols)
        .map_err(|error| failed(&GitError::InvalidUrl(error)))?;
    let want = want(request)?;
    // Two services may build the same private repository with different rights.
    let mirror = Mirror::open(&git, &workspace.mirrors, &url, scope);
    let options = CheckoutOptions {
        git_dir: request.include_git_folder,
        submodules: true,
    };
    let progress = |line: &str| log.say(line);
    let commit = mirror
        .obtain(&want, &workspace.checkout, options, &progress)
        .await
        .map_err(|error| failed(&error))?;
    let info = mirror
        .commit_info(&commit)
        .await
        .map_err(|error| failed(&error))?;
    let root = &workspace.checkout;
    let dockerfile = safe_join(root, &request.docker_file_path)
        .map_err(|error| path_failed("Dockerfile", Reason::DockerfileNotFound, &error))?;
    check_size(&dockerfile)?;
    let context = safe_join(root, &request.docker_work_dir)
        .map_err(|error| path_failed("work directory", Reason::PathNotAllowed, &error))?;
    Ok(Source {
        sha: commit.as_str().to_owned(),
        author: info.author_name,
        subject: info.message.lines().next().unwrap_or_default().to_owned(),
        context,
        dockerfile,
    })
}

/// The commit where it is known, with the ref it is on: some servers hand out refs only.
fn want(request: &BuildRequest) -> Result<Want, Failure> {
    let invalid = |error: git::NameError| Failure::new(Reason::GitRefNotFound, error.to_string());
    let from_pull_request = request
        .pull_request_id
        .and_then(|number| request.project_type.pull_request_ref(number));
    let name = match (&request.branch, &from_pull_request) {
        (Some(branch), _) => Some(RefName::branch(branch).map_err(invalid)?),
        (None, Some(full)) => Some(RefName::full(full).map_err(invalid)?),
        (None, None) => None,
    };
    let commit = request
        .sha
        .as_deref()
        .map(CommitSha::parse)
        .transpose()
        .map_err(invalid)?;
    match (commit, name) {
        (Some(commit), Some(name)) => Ok(Want::commit(commit).on_branch(name)),
        (Some(commit), None) => Ok(Want::commit(commit)),
        (None, Some(name)) => Ok(Want::branch(name)),
        (None, None) => Err(Failure::new(
            Reason::GitRefNotFound,
            "The build names no branch, pull request or commit that this kind of forge keeps",
        )),
    }
}

/// The reason that fits an error of git; its sentence is the message.
fn failed(error: &GitError) -> Failure {
    let reason = match error {
        GitError::RepositoryNotFound { .. } => Reason::GitRepositoryNotFound,
        GitError::AuthenticationFailed { .. } => Reason::GitAuthFailed,
        GitError::RefNotFound { .. } => Reason::GitRefNotFound,
        GitError::CommitNotFound { .. } => Reason::GitCommitNotFound,
        GitError::ProtocolNotAllowed { .. } | GitError::SubmoduleProtocol { .. } => {
            Reason::GitProtocolNotAllowed
        }
        GitError::AddressNotAllowed(_) => Reason::GitAddressNotAllowed,
        GitError::Timeout { .. } | GitError::Unreachable { .. } => Reason::GitUnreachable,
        GitError::Redirected { .. } => Reason::GitRedirected,
        GitError::HostKeyUnknown { .. } | GitError::HostKeyChanged { .. } => {
            Reason::GitHostKeyRejected
        }
        GitError::DiskFull { .. } => Reason::DiskFull,
        GitError::Io { source, .. } if source.kind() == ErrorKind::StorageFull => Reason::DiskFull,
        _ => Reason::GitFailed,
    };
    Failure::new(reason, error.to_string())
}

/// A Dockerfile is read into memory, by us and by the engine.
fn check_size(dockerfile: &Path) -> Result<(), Failure> {
    let size = dockerfile.metadata().map_or(0, |meta| meta.len());
    if size <= MAX_DOCKERFILE {
        return Ok(());
    }
    Err(Failure::new(
        Reason::DockerfileInvalid,
        format!("The Dockerfile has {size} bytes; at most {MAX_DOCKERFILE} are read"),
    ))
}

fn path_failed(what: &str, missing: Reason, error: &PathError) -> Failure {
    let reason = match error {
        PathError::NotFound(_) => missing,
        _ => Reason::PathNotAllowed,
    };
    Failure::new(reason, format!("The {what}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_address_has_no_credentials() {
        assert_eq!(
            shown_url("https://user:secret@host/a/b"),
            "https://host/a/b"
        );
        assert_eq!(shown_url("https://host/a@b"), "https://host/a@b");
        assert_eq!(shown_url("file:///a/b"), "file:///a/b");
    }
}
