//! Which pull request a call means, and whose it is: a fork's gets nothing of the service's.
//!
//! A forge that an account is linked to knows. Without one, a pull request is taken for the repository's
//! own only where its commit is the newest of one of the repository's branches: whoever wrote that could
//! push. What nobody can tell counts as a fork's.

use crate::accept::RESOLVE;
use crate::edge::ApiError;
use crate::linked::Source;
use crate::state::State;
use domain::PullRequest;
use domain::service::GitSource;
use domain::vcs::VcsLink;
use git::forge::{ForgeError, PullRequestHead, RepositoryName};
use git::{CommitSha, RefName};

/// The pull request with this number, and its commit where that is told now. With a commit named, that
/// is what has to be the repository's own.
pub(crate) async fn find(
    state: &State,
    source: &GitSource,
    number: i64,
    named: Option<&str>,
) -> Result<PullRequest, ApiError> {
    let mut pull = PullRequest {
        id: number,
        project_type: source.project_type,
        branch: None,
        sha: None,
        from_fork: true,
    };
    let Some(uid) = &source.vcs_link else {
        look_at_refs(state, source, &mut pull, named).await;
        return Ok(pull);
    };
    let Some(link) = state.store.vcs_link(uid).await? else {
        // The build is accepted, and its worker says so.
        return Ok(pull);
    };
    // Of which kind the forge is the link tells better than the service.
    pull.project_type = link.kind.project_type();
    let told = ask_forge(state, source, &link, number).await;
    if pull.project_type.pull_request_ref(number).is_none() {
        return of_forge_without_refs(pull, told?);
    }
    match told {
        Ok(Some(head)) => {
            pull.from_fork = head.is_from_fork;
            pull.sha = commit(head.sha);
        }
        Ok(None) => {}
        Err(error) => {
            // A token for git alone opens no API.
            tracing::info!(
                ?error,
                "the forge does not tell of a pull request; its refs have to"
            );
            look_at_refs(state, source, &mut pull, named).await;
        }
    }
    Ok(pull)
}

/// What the forge says; `None` when it has no such pull request.
async fn ask_forge(
    state: &State,
    source: &GitSource,
    link: &VcsLink,
    number: i64,
) -> Result<Option<PullRequestHead>, ApiError> {
    let source = Source::of(state, &source.project_url, Some(&link.uid)).await?;
    let Some(at) = source.at_forge(state)? else {
        return Ok(None);
    };
    let RepositoryName { owner, name } = &at.name;
    let asked = async {
        match at.forge.pull_request_head(owner, name, number).await {
            Err(ForgeError::Missing { .. }) => Ok(None),
            head => head.map(Some),
        }
    };
    at.answered(asked).await
}

/// Without the forge's answer there is nothing to build.
fn of_forge_without_refs(
    pull: PullRequest,
    head: Option<PullRequestHead>,
) -> Result<PullRequest, ApiError> {
    let refused = |problem| ApiError::field("pullRequestId", problem);
    let head = head.ok_or_else(|| refused("is none of the repository's"))?;
    if head.is_from_fork {
        return Err(refused(
            "is from a fork, which this kind of forge keeps apart: build the fork itself",
        ));
    }
    Ok(PullRequest {
        branch: Some(head.branch),
        sha: commit(head.sha),
        from_fork: false,
        ..pull
    })
}

/// A sha, if it is one.
fn commit(said: Option<String>) -> Option<String> {
    Some(CommitSha::parse(&said?).ok()?.to_string())
}

/// Judges the pull request by the repository's refs, if they are told in time.
async fn look_at_refs(
    state: &State,
    source: &GitSource,
    pull: &mut PullRequest,
    named: Option<&str>,
) {
    let Some(name) = pull.project_type.pull_request_ref(pull.id) else {
        return;
    };
    let link = source.vcs_link.as_deref();
    let (Ok(name), Ok(source)) = (
        RefName::full(&name),
        Source::of(state, &source.project_url, link).await,
    ) else {
        return;
    };
    let asked = state.git.resolve_pull_request(&source.url, &name);
    match tokio::time::timeout(RESOLVE, asked).await {
        Ok(Ok((newest, branches))) => {
            let built = named.unwrap_or(newest.as_str());
            pull.from_fork = !branches
                .iter()
                .any(|branch| branch.commit.as_str() == built);
            pull.sha = Some(newest.to_string());
        }
        Ok(Err(error)) => tracing::info!(%error, "the pull request is left to the worker to find"),
        Err(_) => {}
    }
}
