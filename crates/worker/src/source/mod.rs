//! The source of a build: from its request to a folder whose Dockerfile and context lie inside it.

mod access;
mod commit;

use std::path::{Path, PathBuf};

use domain::{BuildRequest, Reason};
use git::{HttpClient, PathError, safe_join};
use protocol::Job;
use url::Url;

pub(crate) use access::address_ranges;
pub use access::{GitAccess, git_for};

use crate::bundle;
use crate::config::WorkerConfig;
use crate::failure::Failure;
use crate::git_limits::GitLimits;
use crate::server::Log;
use crate::workspace::Workspace;

/// The largest Dockerfile that is built, in bytes.
const MAX_DOCKERFILE: u64 = 1 << 20;

/// What was fetched.
#[derive(Debug)]
pub(crate) struct Source {
    /// The commit; a bundle need not have one.
    pub(crate) sha: Option<String>,
    /// Where it is from, as everybody may see it.
    pub(crate) origin: String,
    /// The build context.
    pub(crate) context: PathBuf,
    /// The Dockerfile.
    pub(crate) dockerfile: PathBuf,
}

/// Where the request's source is from, as everybody may see it.
pub(crate) fn origin(request: &BuildRequest) -> String {
    match &request.bundle_url {
        Some(url) => shown_bundle(url),
        None => shown_url(&request.project_url),
    }
}

/// A repository's address as a log may show it: without what stands before the `@` of its host.
fn shown_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}/{path}")
}

/// A bundle's address without what lets somebody fetch it.
fn shown_bundle(url: &str) -> String {
    shown_url(url.split(['?', '#']).next().unwrap_or_default())
}

/// Fetches what the job asks for into the build's folder, with git, and what else reads what
/// strangers made, held to the limits.
pub(crate) async fn fetch(
    config: &WorkerConfig,
    job: &Job,
    workspace: &Workspace,
    limits: GitLimits,
    log: &Log,
) -> Result<Source, Failure> {
    let request = &job.request;
    let (sha, root) = match &request.bundle_url {
        Some(url) => {
            fetch_bundle(config, request, url, workspace, &limits, log).await?;
            let root = bundle::root(&workspace.checkout, &request.docker_file_path, log);
            (request.sha.clone(), root)
        }
        None => {
            let sha = commit::fetch(config, job, workspace, limits, log).await?;
            (Some(sha), workspace.checkout.clone())
        }
    };
    let dockerfile = safe_join(&root, &request.docker_file_path)
        .map_err(|error| path_failed("Dockerfile", Reason::DockerfileNotFound, &error))?;
    check_size(&dockerfile)?;
    let context = safe_join(&root, &request.docker_work_dir)
        .map_err(|error| path_failed("work directory", Reason::PathNotAllowed, &error))?;
    Ok(Source {
        sha,
        origin: origin(request),
        context,
        dockerfile,
    })
}

async fn fetch_bundle(
    config: &WorkerConfig,
    request: &BuildRequest,
    url: &str,
    workspace: &Workspace,
    limits: &GitLimits,
    log: &Log,
) -> Result<(), Failure> {
    let refused = |problem: String| Failure::new(Reason::BundleAddressNotAllowed, problem);
    let url: Url = url
        .parse()
        .map_err(|error| refused(format!("The bundle's URL is none: {error}")))?;
    let home = workspace.scratch.join("git-home");
    let settings = access::git_settings(&config.git, &home).map_err(refused)?;
    let http = HttpClient::new(
        settings.outbound,
        settings.protocols,
        settings.stall_timeout,
    );
    let limit = request.ephemeral_storage_mb.saturating_mul(1 << 20);
    let (into, scratch) = (&workspace.checkout, &workspace.scratch);
    bundle::fetch(&http, &url, into, scratch, limit, limits, log).await
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

    #[test]
    fn a_bundle_is_shown_without_what_lets_somebody_fetch_it() {
        assert_eq!(
            shown_bundle("https://user:secret@host/a.tgz?signature=secret#secret"),
            "https://host/a.tgz"
        );
    }
}
