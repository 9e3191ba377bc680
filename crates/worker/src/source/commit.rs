//! A commit of a repository, checked out.

use std::io::ErrorKind;
use std::sync::Arc;

use domain::{BuildRequest, Reason};
use git::{
    CheckoutOptions, CommitSha, Git, GitDir, GitError, GitSettings, Mirror, RefName, RepoUrl, Want,
};

use super::access::git_settings;
use crate::config::WorkerConfig;
use crate::failure::Failure;
use crate::git_limits::GitLimits;
use crate::server::Log;
use crate::workspace::Workspace;

/// Fetches what the request asks for into the service's scope of the mirrors, and checks it out, with
/// git held to the limits. Tells which commit it is.
pub(super) async fn fetch(
    config: &WorkerConfig,
    request: &BuildRequest,
    scope: &str,
    workspace: &Workspace,
    limits: GitLimits,
    log: &Log,
) -> Result<String, Failure> {
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
    let (want, options) = (want(request)?, options(request));
    let want = match options.git_dir {
        GitDir::History => want.with_history(),
        _ => want,
    };
    // Two services may build the same private repository with different rights.
    let mirror = Mirror::open(&git, &workspace.mirrors, &url, scope);
    let progress = |line: &str| log.say(line);
    let commit = mirror
        .obtain(&want, &workspace.checkout, options, &progress)
        .await
        .map_err(|error| failed(&error))?;
    let info = mirror
        .commit_info(&commit)
        .await
        .map_err(|error| failed(&error))?;
    let subject = info.message.lines().next().unwrap_or_default();
    log.say(format_args!(
        "Commit {commit} by {}: {subject}",
        info.author_name
    ));
    Ok(commit.as_str().to_owned())
}

fn options(request: &BuildRequest) -> CheckoutOptions {
    CheckoutOptions {
        git_dir: match (request.include_git_folder, request.full_git_clone) {
            (false, _) => GitDir::None,
            (true, false) => GitDir::Commit,
            (true, true) => GitDir::History,
        },
        submodules: true,
        lfs: request.enable_git_lfs,
    }
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
        GitError::Lfs(_) => Reason::GitLfsFailed,
        GitError::DiskFull { .. } => Reason::DiskFull,
        GitError::Io { source, .. } if source.kind() == ErrorKind::StorageFull => Reason::DiskFull,
        _ => Reason::GitFailed,
    };
    Failure::new(reason, error.to_string())
}
