//! Answers for what is new in a repository, for one service: a build, or a note why there is none.

use super::heads::{self, ByRef, Head, is_pull_request};
use super::limits::MOVES;
use super::look::{Found, Watched};
use crate::accept::{self, Wanted};
use crate::edge::ApiError;
use crate::linked::unavailable;
use crate::state::State;
use domain::build_rules::Judge;
use domain::watch::{SkipReason, Skipped};
use domain::{Build, PullRequest, SecretChanges};
use git::{Changes, CommitSha, Mirror};
use store::{HeadMove, Seen, StoreError};

/// Judges every new head, some at a time; what is wrong, if something is. A head that cannot be answered
/// for is new at the next look, too.
pub(super) async fn judge(
    state: &State,
    found: &Found,
    one: &Watched,
) -> Result<Option<String>, ApiError> {
    match judged(state, found, one).await {
        // Deleted, turned off, or another repository's, while it was looked at.
        Err(Trouble::Store(StoreError::Gone)) => Ok(None),
        Err(Trouble::Store(error)) => Err(error.into()),
        Err(Trouble::Problem(problem)) => Ok(Some(problem)),
        Ok(()) => Ok(None),
    }
}

/// Why a head has no answer yet.
enum Trouble {
    Store(StoreError),
    Problem(String),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Trouble::Store(error)
    }
}

async fn judged(state: &State, found: &Found, one: &Watched) -> Result<(), Trouble> {
    let rules = one.rules.as_ref();
    let rules = rules.map_err(|broken| Trouble::Problem(broken.clone()))?;
    let pulls = found
        .pulls
        .as_ref()
        .filter(|_| rules.asks_for_pull_requests());
    let listed = pulls.and_then(|pulls| pulls.as_ref().ok());
    let uid = &one.service.uid;
    let seen = state.store.seen(uid).await?;
    let seen = seen.filter(|seen| seen.source == found.digest && seen.watch.since.is_some());
    let Some(seen) = seen else {
        return Ok(begin(state, found, one, listed).await?);
    };
    let mut heads = found.branches.clone();
    match listed {
        Some(pulls) if seen.pulls_since.is_none() => {
            let commits = heads::commits(pulls);
            state
                .store
                .begin_pulls(uid, &found.digest, &commits)
                .await?;
        }
        Some(pulls) => heads.extend(pulls.clone()),
        // A rule that comes back is for what comes after it.
        None if seen.pulls_since.is_some() && !rules.asks_for_pull_requests() => {
            state.store.end_pulls(uid, &found.digest).await?;
        }
        None => {}
    }
    note_missed(state, uid, &seen, &heads, listed.is_some()).await?;
    answer_all(state, found, one, rules, &seen, &heads).await?;
    match pulls {
        Some(Err(problem)) => Err(Trouble::Problem(problem.clone())),
        _ => Ok(()),
    }
}

/// What there is at the beginning is noted, and does not build.
async fn begin(
    state: &State,
    found: &Found,
    one: &Watched,
    pulls: Option<&ByRef>,
) -> Result<(), StoreError> {
    let mut heads = heads::commits(&found.branches);
    heads.extend(pulls.map(heads::commits).unwrap_or_default());
    let begun = state
        .store
        .begin_watch(&one.service, &found.digest, &heads, pulls.is_some());
    begun.await
}

async fn note_missed(
    state: &State,
    uid: &str,
    seen: &Seen,
    heads: &ByRef,
    with_pulls: bool,
) -> Result<(), StoreError> {
    let looked_for = |name: &&String| with_pulls || !is_pull_request(name);
    let known = seen.heads.keys().filter(looked_for);
    let missed = known.filter(|name| !heads.contains_key(*name) && !seen.missed.contains(name));
    let back = seen.missed.iter().filter(|name| heads.contains_key(*name));
    let (missed, back): (Vec<_>, Vec<_>) = (missed.cloned().collect(), back.cloned().collect());
    if missed.is_empty() && back.is_empty() {
        return Ok(());
    }
    state.store.note_missed_heads(uid, &missed, &back).await
}

async fn answer_all(
    state: &State,
    found: &Found,
    one: &Watched,
    rules: &Judge,
    seen: &Seen,
    heads: &ByRef,
) -> Result<(), Trouble> {
    let is_new = |(name, head): &(&String, &Head)| {
        seen.heads.get(*name).map(String::as_str) != Some(head.sha.as_str())
    };
    // One that has no answer does not keep the others from theirs.
    let mut trouble = None;
    for (name, head) in heads.iter().filter(is_new).take(MOVES) {
        let moved = HeadMove {
            source: found.digest.clone(),
            name: name.clone(),
            from: seen.heads.get(name).cloned(),
            to: head.sha.to_string(),
        };
        match answer(state, found, one, rules, head, &moved).await {
            Err(Trouble::Problem(problem)) => trouble = trouble.or(Some(problem)),
            answered => answered?,
        }
    }
    trouble.map_or(Ok(()), |problem| Err(Trouble::Problem(problem)))
}

async fn answer(
    state: &State,
    found: &Found,
    one: &Watched,
    rules: &Judge,
    head: &Head,
    moved: &HeadMove,
) -> Result<(), Trouble> {
    let builds = match head.pull_request {
        None => rules.builds_branch(&head.branch),
        Some(_) => rules.builds_pull_request(&head.branch),
    };
    let uid = &one.service.uid;
    if !builds {
        state.store.pass_over(uid, moved, None).await?;
        return Ok(());
    }
    if let Some(reason) = held_back(state, found, one, rules, head, moved).await? {
        let skipped = Skipped {
            sha: moved.to.clone(),
            name: moved.name.clone(),
            reason,
            at: jiff::Timestamp::now().as_millisecond(),
        };
        state.store.pass_over(uid, moved, Some(&skipped)).await?;
        return Ok(());
    }
    let accepted = accept(state, found, one, head, moved).await?;
    if let Some(build) = accepted {
        tracing::info!(
            project = one.project.id,
            service = one.service.id,
            build = build.id,
            head = moved.name,
            sha = moved.to,
            "a new commit builds"
        );
    }
    Ok(())
}

/// Why a commit does not build although its branch does.
async fn held_back(
    state: &State,
    found: &Found,
    one: &Watched,
    rules: &Judge,
    head: &Head,
    moved: &HeadMove,
) -> Result<Option<SkipReason>, Trouble> {
    if !rules.asks_for_message() && !rules.asks_for_paths() {
        return Ok(None);
    }
    let changes = changes(state, found, one, rules, head, moved).await;
    let changes = changes.map_err(|error| Trouble::Problem(unavailable(&error).to_string()))?;
    if rules.flag_in(&changes.message).is_some() {
        return Ok(Some(SkipReason::IgnoreFlag));
    }
    let Some(paths) = changes.paths else {
        return Ok(None);
    };
    let rules = rules.clone();
    // Where nobody else waits for it: a stranger's names can take long to look through.
    let builds = tokio::task::spawn_blocking(move || rules.builds_paths(paths)).await;
    let builds = builds.map_err(|error| {
        let sha = &moved.to;
        Trouble::Problem(format!(
            "What changed in {sha} cannot be looked through: {error}."
        ))
    })?;
    Ok((!builds).then_some(SkipReason::Paths))
}

/// What is new: since the commit that was seen before, or against the default branch where it is the
/// first of its ref.
async fn changes(
    state: &State,
    found: &Found,
    one: &Watched,
    rules: &Judge,
    head: &Head,
    moved: &HeadMove,
) -> Result<Changes, git::GitError> {
    let first = found
        .default_branch
        .as_ref()
        .filter(|first| **first != head.branch);
    let first = first.and_then(|first| found.branches.get(&format!("refs/heads/{first}")));
    let before = match &moved.from {
        Some(from) => CommitSha::parse(from).ok(),
        None => first.map(|first| first.sha.clone()),
    };
    let before = before.filter(|_| rules.asks_for_paths());
    let watching = &state.watching;
    // The worker's, which fetches no more what is there.
    let mirror = Mirror::open(
        &watching.git,
        &watching.mirrors,
        &found.source.url,
        &one.service.uid,
    );
    let branch = head.fetched_by();
    let branch =
        branch.ok_or_else(|| git::GitError::Other("a branch without a name".to_owned()))?;
    mirror.changes(&head.sha, &branch, before.as_ref()).await
}

async fn accept(
    state: &State,
    found: &Found,
    one: &Watched,
    head: &Head,
    moved: &HeadMove,
) -> Result<Option<Build>, Trouble> {
    let spec = &one.service.spec;
    let kind = found
        .source
        .link
        .as_ref()
        .map(|link| link.kind.project_type());
    let pull_request = head.pull_request.map(|id| PullRequest {
        id,
        project_type: kind.unwrap_or(spec.source.project_type),
        branch: Some(head.branch.clone()),
        sha: Some(moved.to.clone()),
        from_fork: false,
    });
    let wanted = Wanted {
        bundle_url: None,
        branch: pull_request.is_none().then(|| head.branch.clone()),
        pull_request,
        // Nobody has named it: it was found to be the head of a branch of the repository's own.
        sha: None,
        head: Some(moved.to.clone()),
        dockerfile: spec.dockerfile.clone(),
        overrides: SecretChanges::default(),
    };
    let new = accept::wanted(state, &one.project, &one.service, wanted, None).await;
    let new = new.map_err(|error| {
        let (sha, name) = (&moved.to, &moved.name);
        Trouble::Problem(format!(
            "The commit {sha} of {name} cannot be built: {error}"
        ))
    })?;
    Ok(state
        .store
        .accept_new_commit(&one.service, new, moved)
        .await?)
}
