//! The one way in which a build comes to be: asked for by a call, asked for again, or started by a
//! commit. Here it is fixed what is built and with what; `store` then gives it its row and number.

use crate::edge::ApiError;
use crate::linked::{Source, has_address};
use crate::pull_request;
use crate::routes::build_arguments::{given, given_to_a_stranger};
use crate::routes::custom_registry;
use crate::routes::secret_input::keeps_its_dockerfile;
use crate::state::State;
use domain::service::{BuildSource, DockerfileSettings, GitSource};
use domain::template::Expanded;
use domain::{Build, BuildRequest, Creator, Project, PullRequest, SecretChanges, Service, Trigger};
use std::time::Duration;
use store::NewBuild;

/// What is to be built, of a service.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// The archive, of a service that builds bundles.
    pub(crate) bundle_url: Option<String>,
    /// The branch.
    pub(crate) branch: Option<String>,
    /// The pull request.
    pub(crate) pull_request: Option<PullRequest>,
    /// The commit, where it is named.
    pub(crate) sha: Option<String>,
    /// The commit that the branch has, where that has been looked up.
    pub(crate) head: Option<String>,
    /// The Dockerfile's settings: the service's, with what this build has in their place.
    pub(crate) dockerfile: DockerfileSettings,
    /// Arguments, files and mounts on top of the service's.
    pub(crate) overrides: SecretChanges,
}

/// A build of what is wanted, with all that the service says and its values at this moment. Whoever
/// asks has been judged already.
pub(crate) async fn wanted(
    state: &State,
    project: &Project,
    service: &Service,
    wanted: Wanted,
    created_by: Option<Creator>,
) -> Result<NewBuild, ApiError> {
    has_address(service)?;
    let overrides = wanted.overrides.clone();
    let (pull_request, head) = (wanted.pull_request.clone(), wanted.head.clone());
    let from_fork = pull_request.as_ref().is_some_and(|pull| pull.from_fork);
    let given = match from_fork {
        false => given(state, project, service, overrides).await?,
        true => given_to_a_stranger(overrides).await?,
    };
    keeps_its_dockerfile(&given.values, &wanted.dockerfile)?;
    let mut request = request(state, service, given, wanted);
    if from_fork {
        request.becomes_a_forks();
    } else {
        request.push_to = custom_registry::push_to(state, project, service).await?;
    }
    let sha = match head.or(pull_request.and_then(|pull| pull.sha)) {
        Some(sha) if request.sha.is_none() => Some(sha),
        _ => resolve(state, &request).await,
    };
    Ok(NewBuild {
        request,
        sha,
        trigger: trigger_of(created_by.as_ref()),
        created_by,
        retry_of: None,
    })
}

/// A build again: the same commit, with what it was given then. A pull request whose build was accepted
/// before anybody asked whose it is may turn out to be a fork's.
pub(crate) async fn again(
    state: &State,
    build: Build,
    created_by: Option<Creator>,
) -> Result<NewBuild, ApiError> {
    let request = state.store.build_request(&build.uid).await?;
    let mut request = request.ok_or_else(|| ApiError::not_found("build", &build.id))?;
    if request.from_fork.is_none() && is_of_fork(state, &request, build.sha.as_deref()).await {
        request.becomes_a_forks();
        request.forgets_its_values();
    }
    let sha = match build.sha {
        Some(sha) => Some(sha),
        None => resolve(state, &request).await,
    };
    Ok(NewBuild {
        request,
        sha,
        trigger: trigger_of(created_by.as_ref()),
        created_by,
        retry_of: Some(build.id),
    })
}

/// What starts a build that somebody, or nobody, asks for.
fn trigger_of(creator: Option<&Creator>) -> Trigger {
    creator.map_or(Trigger::Commit, |_| Trigger::Call)
}

/// Whether the request is for a fork's pull request, or for one of which that cannot be told.
async fn is_of_fork(state: &State, request: &BuildRequest, sha: Option<&str>) -> bool {
    let Some(number) = request.pull_request_id else {
        return false;
    };
    let source = GitSource {
        project_url: request.project_url.clone(),
        project_type: request.project_type,
        vcs_link: request.vcs_link.clone(),
    };
    let found = pull_request::find(state, &source, number, sha).await;
    found.map_or(true, |pull| pull.from_fork)
}

/// What is fixed for this build: the service's specification, and what the build is given.
fn request(state: &State, service: &Service, given: Expanded, wanted: Wanted) -> BuildRequest {
    let spec = &service.spec;
    let settings = &state.settings;
    let plan = spec.build_plan.as_deref().and_then(|id| settings.plan(id));
    let (dockerfile, pull_request) = (wanted.dockerfile, wanted.pull_request);
    BuildRequest {
        project_url: spec.source.project_url.clone(),
        bundle_url: wanted.bundle_url,
        project_type: pull_request
            .as_ref()
            .map_or(spec.source.project_type, |pull| pull.project_type),
        vcs_link: match spec.build_source {
            BuildSource::Git => spec.source.vcs_link.clone(),
            BuildSource::Bundle => None,
        },
        branch: wanted.branch,
        pull_request_id: pull_request.as_ref().map(|pull| pull.id),
        from_fork: Some(pull_request.as_ref().is_some_and(|pull| pull.from_fork)),
        pull_request_branch: pull_request.and_then(|pull| pull.branch),
        sha: wanted.sha,
        docker_file_path: dockerfile.docker_file_path,
        docker_work_dir: dockerfile.docker_work_dir,
        target: dockerfile.target,
        build_arguments: given.values.variables,
        secret_arguments: given.secret_arguments,
        account_secrets: given.account_secrets,
        build_files: given.values.files,
        docker_secret_mounts: given.values.mounts,
        docker_credentials: spec.docker_credentials.clone(),
        push_to: None,
        use_cache: dockerfile.use_cache,
        cache_storage_mb: dockerfile.cache_storage_mb.or(settings.cache_storage_mb),
        include_git_folder: spec.include_git_folder,
        full_git_clone: spec.full_git_clone,
        enable_git_lfs: spec.enable_git_lfs,
        ephemeral_storage_mb: spec
            .ephemeral_storage_mb
            .unwrap_or(settings.ephemeral_storage_mb),
        plan: plan.unwrap_or(&settings.default_plan).clone(),
        architecture: spec.architecture,
        time_limit_seconds: settings.time_limit_seconds,
    }
}

/// How long start waits for the git server. A queued build then has the commit that its branch had
/// when it was asked for. When the server does not answer in time, or knows no such branch, the
/// build is accepted all the same: its worker asks again, and a failure is listed with its reason.
pub(crate) const RESOLVE: Duration = Duration::from_secs(5);

async fn resolve(state: &State, request: &BuildRequest) -> Option<String> {
    if request.sha.is_some() || request.bundle_url.is_some() {
        return None;
    }
    let branch = git::RefName::branch(request.branch.as_deref()?).ok()?;
    let link = request.vcs_link.as_deref();
    let source = Source::of(state, &request.project_url, link).await.ok()?;
    let asked = state.git.resolve_branch(&source.url, &branch);
    match tokio::time::timeout(RESOLVE, asked).await {
        Ok(Ok(sha)) => Some(sha.to_string()),
        Ok(Err(error)) => {
            tracing::info!(%error, "the branch is left to the worker to resolve");
            None
        }
        Err(_) => None,
    }
}
