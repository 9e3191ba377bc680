//! What a service's repository has: branches as its refs tell of them, and pull requests as the forge
//! does where an account is linked, else as refs do. What only a forge knows (titles, people, times) is
//! empty then.

use crate::edge::{
    ApiError, Caller, Listed, PageQuery, Pagination, Paging, Params, Path, Place, Start, call,
};
use crate::linked::{AtForge, PATIENCE, Source, unavailable};
use crate::state::State;
use aide::axum::ApiRouter;
use axum::extract::State as FromState;
use domain::service::BuildSource;
use domain::{Permission as P, Service};
use git::forge::{ForgePullRequest, RepositoryName, Which};
use git::{GitError, PullRequest};
use schemars::JsonSchema;
use serde::Serialize;

/// Branches and pull requests.
pub(crate) fn routes() -> ApiRouter<State> {
    let branches = call("get.service.branches", "List a repository's branches");
    let pulls = call(
        "get.service.pullRequests",
        "List a repository's pull requests",
    );
    ApiRouter::new()
        .api_route(
            "/projects/{projectId}/services/{serviceId}/branches",
            branches.needs(P::ServiceRead).get(self::branches),
        )
        .api_route(
            "/projects/{projectId}/services/{serviceId}/pull-requests",
            pulls.needs(P::ServiceRead).get(self::pull_requests),
        )
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Branches {
    branches: Vec<BranchView>,
}

#[derive(Serialize, JsonSchema)]
struct BranchView {
    /// Its place in the list.
    #[serde(skip)]
    number: i64,
    name: String,
    id: String,
    commit: CommitView,
}

#[derive(Serialize, JsonSchema)]
struct CommitView {
    sha: String,
    author: AuthorView,
}

#[derive(Default, Serialize, JsonSchema)]
struct AuthorView {
    /// Empty: refs do not tell.
    login: String,
}

/// `GET …/services/{serviceId}/branches`, by name.
pub(crate) async fn branches(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    params: Params<Paging>,
) -> Result<Listed<Branches>, ApiError> {
    let (_, service) = place.service(&state, &caller).await?;
    let list = format!("branches:{}", service.uid);
    let query = PageQuery::read(&params, &state.sealer, &list)?;
    let found = match repository(&state, &service).await? {
        Some(source) => answered(state.git.list_branches(&source.url)).await?,
        None => Vec::new(),
    };
    let rows = (1..).zip(found).map(|(number, branch)| BranchView {
        number,
        name: branch.name.short().to_owned(),
        id: branch.name.short().to_owned(),
        commit: CommitView {
            sha: branch.commit.to_string(),
            author: AuthorView::default(),
        },
    });
    let (branches, pagination) = page(&query, &state, &list, rows, |row| row.number);
    let data = Branches { branches };
    Ok(Listed { data, pagination })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PullRequests {
    pull_requests: Vec<PullRequestView>,
}

#[derive(Serialize, JsonSchema)]
struct PullRequestView {
    id: i64,
    /// `OPEN`, `CLOSED` or `MERGED`. Without a linked account, `OPEN` or `UNKNOWN`: refs do not tell.
    state: &'static str,
    /// Empty without a linked account.
    title: String,
    /// Its branch. Without a linked account, the branch with the same newest commit; empty where there
    /// is none, as for a fork's.
    source: String,
    /// Empty without a linked account.
    destination: String,
    sha: String,
    /// Empty without a linked account.
    created_at: String,
    /// Empty without a linked account.
    updated_at: String,
    /// Empty where the kind of forge is not known.
    html_url: String,
}

/// `GET …/services/{serviceId}/pull-requests`, newest first.
pub(crate) async fn pull_requests(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    params: Params<Paging>,
) -> Result<Listed<PullRequests>, ApiError> {
    let (_, service) = place.service(&state, &caller).await?;
    let list = format!("pull-requests:{}", service.uid);
    let query = PageQuery::read(&params, &state.sealer, &list)?;
    let (pull_requests, pagination) = match repository(&state, &service).await? {
        None => page(
            &query,
            &state,
            &list,
            std::iter::empty(),
            |row: &PullRequestView| row.id,
        ),
        Some(source) => match source.at_forge(&state)? {
            Some(at) => of_forge(&state, &at, &query, &list).await?,
            None => of_refs(&state, &service, &source, &query, &list).await?,
        },
    };
    let data = PullRequests { pull_requests };
    Ok(Listed { data, pagination })
}

/// A page of them, as the forge tells.
async fn of_forge(
    state: &State,
    at: &AtForge<'_>,
    query: &PageQuery,
    list: &str,
) -> Result<(Vec<PullRequestView>, Pagination), ApiError> {
    let RepositoryName { owner, name } = &at.name;
    let enough = |rows: &[ForgePullRequest]| {
        let (wanted, there) = match query.start {
            Start::After(after) => (
                query.limit(),
                rows.iter().filter(|pull| -pull.number > after).count(),
            ),
            Start::Skip(count) => (count.saturating_add(query.limit()), rows.len()),
        };
        usize::try_from(wanted).is_ok_and(|wanted| there >= wanted)
    };
    let pulls = at.answered(at.forge.pull_requests(owner, name, Which::All, &enough));
    let pulls = pulls.await?.into_iter();
    let (mut pulls, pagination) = page(query, state, list, pulls, |pull| -pull.number);
    let complete = async {
        for pull in &mut pulls {
            at.forge.complete_pull_request(owner, name, pull).await?;
        }
        Ok(())
    };
    at.answered(complete).await?;
    Ok((pulls.into_iter().map(Into::into).collect(), pagination))
}

/// A page of them, as refs tell.
async fn of_refs(
    state: &State,
    service: &Service,
    source: &Source,
    query: &PageQuery,
    list: &str,
) -> Result<(Vec<PullRequestView>, Pagination), ApiError> {
    let found = answered(state.git.list_pull_requests(&source.url)).await?;
    let page_of = |number| {
        let below = service.spec.source.project_type.pull_request_page(number)?;
        Some(format!("{}/{below}", source.url.page()?))
    };
    // By a number that falls as pull requests get older, so that new ones do not move a cursor.
    let rows = found.into_iter().map(|pull| {
        let html_url = page_of(pull.number).unwrap_or_default();
        PullRequestView::new(pull, html_url)
    });
    Ok(page(query, state, list, rows, |row| -row.id))
}

impl From<ForgePullRequest> for PullRequestView {
    fn from(pull: ForgePullRequest) -> Self {
        PullRequestView {
            id: pull.number,
            state: pull.state.as_str(),
            title: pull.title,
            source: pull.source,
            destination: pull.destination,
            sha: pull.sha,
            created_at: pull.created_at,
            updated_at: pull.updated_at,
            html_url: pull.url,
        }
    }
}

impl PullRequestView {
    fn new(pull: PullRequest, html_url: String) -> Self {
        PullRequestView {
            id: pull.number,
            state: if pull.is_open { "OPEN" } else { "UNKNOWN" },
            title: String::new(),
            source: pull
                .source
                .map_or_else(String::new, |name| name.to_string()),
            destination: String::new(),
            sha: pull.commit.to_string(),
            created_at: String::new(),
            updated_at: String::new(),
            html_url,
        }
    }
}

/// The service's repository; `None` when it builds bundles.
async fn repository(state: &State, service: &Service) -> Result<Option<Source>, ApiError> {
    if service.spec.build_source == BuildSource::Bundle {
        return Ok(None);
    }
    let source = &service.spec.source;
    let found = Source::of(state, &source.project_url, source.vcs_link.as_deref());
    Ok(Some(found.await?))
}

/// What the repository's server says, if it says so in time.
async fn answered<T>(asked: impl Future<Output = Result<T, GitError>>) -> Result<T, ApiError> {
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(answer) => answer.map_err(|error| unavailable(&error)),
        Err(_) => Err(unavailable(&"its server does not answer")),
    }
}

/// The page of rows whose number rises.
fn page<T>(
    query: &PageQuery,
    state: &State,
    list: &str,
    rows: impl Iterator<Item = T>,
    number: impl Fn(&T) -> i64,
) -> (Vec<T>, Pagination) {
    let limit = usize::try_from(query.limit()).unwrap_or(usize::MAX);
    let mut rows: Vec<T> = match query.start {
        Start::After(after) => rows.filter(|row| number(row) > after).take(limit).collect(),
        Start::Skip(count) => {
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            rows.skip(count).take(limit).collect()
        }
    };
    let pagination = query.cut(&mut rows, &state.sealer, list, number);
    (rows, pagination)
}
