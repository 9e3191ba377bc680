//! A commit of a repository, checked out.

use std::io::ErrorKind;
use std::sync::Arc;

use domain::{BuildRequest, Reason};
use git::{
    CheckoutOptions, CommitSha, Credentials, Git, GitDir, GitError, GitSettings, Mirror, Others,
    Progress, Protocols, RefName, RepoUrl, Want,
};

use protocol::Job;

use super::access::git_settings;
use crate::config::WorkerConfig;
use crate::failure::Failure;
use crate::git_limits::GitLimits;
use crate::server::Log;
use crate::workspace::Workspace;

/// Fetches what the job asks for into its service's scope of the mirrors, and checks it out, with git
/// held to the limits. Tells which commit it is.
pub(super) async fn fetch(
    config: &WorkerConfig,
    job: &Job,
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
    let url = repository(job, &git.settings().protocols)?;
    let request = &job.request;
    let (want, options) = (want(request)?, options(request));
    let want = match options.git_dir {
        GitDir::History => want.with_history(),
        _ => want,
    };
    let mirror = Mirror::open(&git, &workspace.mirrors, &url, &readers(job));
    let progress = |line: &str| log.say(line);
    if job.commit_is_named && !request.is_from_fork() {
        belongs(&mirror, &want, &progress).await?;
    }
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

/// Who shares a mirror: two services may build the same private repository with different rights, and a
/// fork's commit could name what a submodule's mirror has from builds with a login.
fn readers(job: &Job) -> String {
    match job.request.is_from_fork() {
        true => format!("{}/forks", job.service_uid),
        false => job.service_uid.clone(),
    }
}

/// Who names a commit of a fork's would have it built with what is the service's.
async fn belongs(mirror: &Mirror, want: &Want, progress: Progress<'_>) -> Result<(), Failure> {
    let fetched = mirror.fetch(want, progress).await;
    let commit = fetched.map_err(|error| failed(&error))?;
    let belongs = mirror.leads_to(&commit, progress).await;
    if belongs.map_err(|error| failed(&error))? {
        return Ok(());
    }
    Err(Failure::new(
        Reason::GitCommitNotFound,
        format!(
            "No branch or tag of the repository leads to the commit {commit}: one of a fork is built by \
             its pull request"
        ),
    ))
}

/// The repository's address, with the login of the linked account that opens it.
fn repository(job: &Job, protocols: &Protocols) -> Result<RepoUrl, Failure> {
    let url = RepoUrl::parse(&job.request.project_url, protocols)
        .map_err(|error| failed(&GitError::InvalidUrl(error)))?;
    match (&job.request.vcs_link, &job.git_login) {
        (None, _) => Ok(url),
        (Some(_), Some(login)) => Ok(url.with_credentials(Some(Credentials {
            user: login.user.clone(),
            password: login.password.clone(),
        }))),
        (Some(_), None) => Err(Failure::new(
            Reason::GitAuthFailed,
            "The linked account that opens the repository is gone: link it again, and name it in the \
             service's `vcsData`",
        )),
    }
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
        others: match request.is_from_fork() {
            true => Others::AsNobody,
            false => Others::AsOurselves,
        },
    }
}

/// The commit where it is known, with the ref it is on: some servers hand out refs only.
fn want(request: &BuildRequest) -> Result<Want, Failure> {
    let invalid = |error: git::NameError| Failure::new(Reason::GitRefNotFound, error.to_string());
    let from_pull_request = request
        .pull_request_id
        .and_then(|number| request.project_type.pull_request_ref(number));
    let branch = request.branch.as_ref();
    let branch = branch.or(request.pull_request_branch.as_ref());
    let name = match (branch, &from_pull_request) {
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
