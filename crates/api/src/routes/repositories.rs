//! What a service's repository has: branches and pull requests, as its refs tell of them. What only a
//! forge knows (titles, people, times) is empty.

use crate::edge::{
    ApiError, Caller, Listed, PageQuery, Pagination, Paging, Params, Path, Place, Start, call,
};
use crate::state::State;
use aide::axum::ApiRouter;
use axum::extract::State as FromState;
use domain::service::BuildSource;
use domain::{Permission as P, Service};
use git::{GitError, PullRequest, RepoUrl};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Duration;

/// How long a repository's server may take.
const PATIENCE: Duration = Duration::from_secs(20);

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
    let found = match repository(&state, &service)? {
        Some(url) => answered(state.git.list_branches(&url)).await?,
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
    /// `OPEN`, or `UNKNOWN` where refs do not tell.
    state: &'static str,
    /// Empty: refs do not tell.
    title: String,
    /// The branch with the same newest commit; empty where there is none, as for a fork's.
    source: String,
    /// Empty: refs do not tell.
    destination: String,
    sha: String,
    /// Empty: refs do not tell.
    created_at: String,
    /// Empty: refs do not tell.
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
    let url = repository(&state, &service)?;
    let found = match &url {
        Some(url) => answered(state.git.list_pull_requests(url)).await?,
        None => Vec::new(),
    };
    let page_of = |number| {
        let below = service.spec.source.project_type.pull_request_page(number)?;
        Some(format!("{}/{below}", url.as_ref()?.page()?))
    };
    // By a number that falls as pull requests get older, so that new ones do not move a cursor.
    let rows = found.into_iter().map(|pull| {
        let html_url = page_of(pull.number).unwrap_or_default();
        PullRequestView::new(pull, html_url)
    });
    let (pull_requests, pagination) = page(&query, &state, &list, rows, |row| -row.id);
    let data = PullRequests { pull_requests };
    Ok(Listed { data, pagination })
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
fn repository(state: &State, service: &Service) -> Result<Option<RepoUrl>, ApiError> {
    if service.spec.build_source == BuildSource::Bundle {
        return Ok(None);
    }
    let url = &service.spec.source.project_url;
    let parsed = RepoUrl::parse(url, &state.settings.git_protocols);
    parsed.map(Some).map_err(|error| unavailable(&error))
}

/// What the repository's server says, if it says so in time.
async fn answered<T>(asked: impl Future<Output = Result<T, GitError>>) -> Result<T, ApiError> {
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(answer) => answer.map_err(|error| unavailable(&error)),
        Err(_) => Err(unavailable(&"its server does not answer")),
    }
}

/// The state of things is the repository's, not this server's.
fn unavailable(why: &impl std::fmt::Display) -> ApiError {
    let message = format!("The repository cannot be read: {why}.");
    ApiError::new(StatusCode::CONFLICT, "repository-unavailable", message)
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
