//! One look at a repository, for all services that build it by the same login.

use super::heads::{self, ByRef};
use super::limits::{BRANCHES, LONGEST_LOOK};
use super::repository::Repository;
use super::{judge, pulls};
use crate::edge::ApiError;
use crate::linked::{Source, unavailable};
use crate::state::State;
use domain::build_rules::Judge;
use domain::{Project, Service};
use git::{GitError, Heads};
use metrics::counter;
use store::StoreError;

/// What the repository has.
pub(super) struct Found {
    pub(super) source: Source,
    /// Which repository it is, as the store knows it.
    pub(super) digest: String,
    pub(super) branches: ByRef,
    pub(super) default_branch: Option<String>,
    /// Those of pull requests, where a service asks for them: or what is wrong with these.
    pub(super) pulls: Option<Result<ByRef, String>>,
}

/// A service that builds the repository by itself.
pub(super) struct Watched {
    pub(super) project: Project,
    pub(super) service: Service,
    /// Its rules, or which of them cannot be read.
    pub(super) rules: Result<Judge, String>,
}

impl Watched {
    fn asks_for_pulls(&self) -> bool {
        self.rules.as_ref().is_ok_and(Judge::asks_for_pull_requests)
    }

    /// Whether its commits have to be fetched before they are judged.
    fn fetches(&self) -> bool {
        let fetches = |rules: &Judge| rules.asks_for_message() || rules.asks_for_paths();
        self.rules.as_ref().is_ok_and(fetches)
    }
}

/// Looks at a repository; whether that went well.
pub(super) async fn look(state: &State, repository: &Repository, services: &[String]) -> bool {
    let went_well = match look_for(state, repository, services).await {
        Ok(went_well) => went_well,
        Err(error) => {
            tracing::error!(%error, "the look at a repository could not be noted");
            false
        }
    };
    let outcome = if went_well { "done" } else { "failed" };
    counter!("boatyard_repository_looks_total", "outcome" => outcome).increment(1);
    went_well
}

async fn look_for(
    state: &State,
    repository: &Repository,
    services: &[String],
) -> Result<bool, StoreError> {
    let before = watched(state, repository, services).await?;
    let looked = async {
        let found = ask(state, repository, &before).await?;
        // A rule is good for every commit that came after it: so it is read after the heads.
        let mut services = watched(state, repository, services).await?;
        // What takes long, or all the time there is, does not keep the others from their answers.
        services.sort_by_key(Watched::fetches);
        let mut answered = Vec::new();
        for one in services {
            let problem = judge::judge(state, &found, &one).await?;
            answered.push((one, problem));
        }
        Ok::<_, ApiError>(answered)
    };
    let looked = tokio::time::timeout(LONGEST_LOOK, looked).await;
    let looked = looked.unwrap_or_else(|_| Err(unavailable(&"a look at it takes too long")));
    let went_well = looked.is_ok();
    let answered = looked.unwrap_or_else(|error| {
        let problem = error.to_string();
        let failed = |one| (one, Some(problem.clone()));
        before.into_iter().map(failed).collect()
    });
    let digest = repository.digest();
    for (one, problem) in answered {
        note(state, &one, &digest, problem).await?;
    }
    Ok(went_well)
}

/// The services as they are now, as far as they still build this repository by themselves.
async fn watched(
    state: &State,
    repository: &Repository,
    services: &[String],
) -> Result<Vec<Watched>, StoreError> {
    let mut watched = Vec::new();
    for uid in services {
        let Some((project, service)) = state.store.service_with_project(uid).await? else {
            continue;
        };
        let spec = &service.spec;
        if spec.builds_by_itself() && Repository::of(&spec.source) == *repository {
            let rules = Judge::new(&spec.rules).map_err(|broken| format!("{broken}."));
            watched.push(Watched {
                project,
                service,
                rules,
            });
        }
    }
    Ok(watched)
}

/// Asks the repository's server, and its forge for what only that knows.
async fn ask(
    state: &State,
    repository: &Repository,
    watched: &[Watched],
) -> Result<Found, ApiError> {
    let source = Source::of(state, &repository.url, repository.link.as_deref()).await?;
    let asks_for_pulls = watched.iter().any(Watched::asks_for_pulls);
    let by_refs = asks_for_pulls && source.link.is_none();
    let (heads, too_many) = heads_of(state, &source, by_refs).await?;
    let count = heads.branches.len();
    if count > BRANCHES {
        let problem = format!("it has {count} branches, and no more than {BRANCHES} are watched");
        return Err(unavailable(&problem));
    }
    let pulls = match (asks_for_pulls, too_many) {
        (true, Some(problem)) => Some(Err(problem)),
        (true, None) => Some(pulls::own(state, &source, &heads).await),
        (false, _) => None,
    };
    Ok(Found {
        pulls: pulls.map(|pulls| match pulls {
            Ok(pulls) => Ok(heads::pull_requests(&heads, &pulls)),
            Err(error) => Err(error.to_string()),
        }),
        source,
        digest: repository.digest(),
        branches: heads::branches(&heads),
        default_branch: heads.default_branch,
    })
}

/// All heads, or those of the branches and what is wrong with the others: many forges keep a ref for every
/// pull request that there ever was, and who asks for these hides the branches from nobody.
async fn heads_of(
    state: &State,
    source: &Source,
    with_pulls: bool,
) -> Result<(Heads, Option<ApiError>), ApiError> {
    let git = &state.watching.git;
    match git.heads(&source.url, with_pulls).await {
        Err(GitError::TooMuch { .. }) if with_pulls => {
            let branches = git.heads(&source.url, false).await;
            let branches = branches.map_err(|error| unavailable(&error))?;
            let problem = "it has too many pull requests to tell whose they are without an account";
            Ok((branches, Some(unavailable(&problem))))
        }
        heads => Ok((heads.map_err(|error| unavailable(&error))?, None)),
    }
}

/// Notes what is wrong, or that nothing is any more, where that is new.
async fn note(
    state: &State,
    one: &Watched,
    digest: &str,
    problem: Option<String>,
) -> Result<(), StoreError> {
    let (project, service) = (&one.project, &one.service);
    let before = state.store.watch(&service.uid).await?;
    if before.and_then(|watch| watch.problem) == problem {
        return Ok(());
    }
    match &problem {
        Some(problem) => tracing::warn!(
            project = project.id,
            service = service.id,
            problem,
            "new commits do not build"
        ),
        None => tracing::info!(
            project = project.id,
            service = service.id,
            "new commits build again"
        ),
    }
    let noted = state
        .store
        .note_watch_problem(service, digest, problem.as_deref());
    match noted.await {
        // Deleted, turned off, or another repository's, while it was looked at.
        Err(StoreError::Gone) => Ok(()),
        noted => noted,
    }
}
