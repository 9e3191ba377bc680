//! Builds: list, get, start, abort. The list is the heart of it all.

use super::build_details::BuildDetails;
use super::build_filter::{BuildsQuery, Filtered};
use super::secret_input::{self, keeps_dockerfile, may_refer};
use super::service_rights::may_override;
use crate::Settings;
use crate::accept::{self, Wanted};
use crate::edge::{
    Answers, ApiError, Body, Caller, Data, Kept, Listed, Nothing, PageQuery, Params, Path, Place,
    Problems, Start, call, iso_millis,
};
use crate::pull_request;
use crate::state::State;
use aide::axum::ApiRouter;
use axum::extract::{OriginalUri, State as FromState};
use domain::service::{BuildSource, DockerfileSettings};
use domain::{
    Build, Creator, FileContent, Permission as P, PullRequest, Reason, SecretChanges, SecretValues,
    Service, Status, Trigger, fields,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::{Advanced, Ending, Page};

/// Builds.
pub(crate) fn routes() -> ApiRouter<State> {
    let list = call(
        "get.service.builds",
        "List a service's builds, newest first",
    );
    let start = call("start.service.build", "Start a build").needs(P::DeployBuild);
    let get = call("get.service.build", "Get a build").needs(P::ServiceRead);
    let abort = call("abort.service.build", "Abort a build").needs(P::DeployBuild);
    ApiRouter::new()
        .api_route(
            "/projects/{projectId}/services/{serviceId}/build",
            list.needs(P::ServiceRead)
                .get(self::list)
                .merge(start.post(self::start)),
        )
        .api_route(
            "/projects/{projectId}/services/{serviceId}/build/{buildId}",
            get.get(self::get).merge(abort.delete(self::abort)),
        )
}

/// A build on the wire. Beyond the contract: `number`, `reason`, `digest`, `size`, `trigger`,
/// `createdBy`, `startedAt`, `concludedAt`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BuildView {
    id: String,
    number: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    branch: Option<String>,
    pull_request_id: Option<i64>,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha: Option<String>,
    registry: RegistryView,
    concluded: bool,
    created_at: String,
    /// What started it.
    trigger: Trigger,
    /// Nobody, where a commit started it.
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<Creator>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<String>,
    success: bool,
    message: Option<String>,
    /// Whole seconds since 1970, as the contract has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    build_concluded_at: Option<i64>,
    /// The same to the millisecond, for who wants to know how long it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    concluded_at: Option<String>,
}

#[derive(Default, Serialize, JsonSchema)]
pub(crate) struct RegistryView {
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<i64>,
}

impl BuildView {
    pub(crate) fn new(build: Build, registry_host: &str) -> Self {
        BuildView {
            registry: build
                .image
                .map_or_else(RegistryView::default, |image| RegistryView {
                    uri: Some(format!(
                        "{}/{}",
                        image.registry.as_deref().unwrap_or(registry_host),
                        image.name
                    )),
                    digest: Some(image.digest),
                    size: Some(image.size),
                }),
            id: build.id,
            number: build.number,
            branch: build.branch,
            pull_request_id: build.pull_request_id,
            status: build.status,
            reason: build.reason,
            sha: build.sha,
            concluded: build.status.is_concluded(),
            created_at: iso_millis(build.created_at),
            trigger: build.trigger,
            created_by: build.created_by,
            started_at: build.started_at.map(iso_millis),
            success: build.status == Status::Success,
            message: build.message,
            build_concluded_at: build.concluded_at.map(|millis| millis / 1000),
            concluded_at: build.concluded_at.map(iso_millis),
        }
    }
}

/// A build as the API shows it; `registry_host` is the front of its image's name.
pub fn describe(build: &Build, registry_host: &str) -> serde_json::Value {
    serde_json::to_value(BuildView::new(build.clone(), registry_host)).unwrap_or_default()
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Builds {
    builds: Vec<BuildView>,
}

/// `GET …/services/{serviceId}/build`.
pub(crate) async fn list(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    params: Params<BuildsQuery>,
    OriginalUri(uri): OriginalUri,
) -> Result<Kept<Listed<Builds>>, ApiError> {
    let page = page(&state, &caller, &place, &params);
    Answers::get_or(&state, &caller, &uri, page).await
}

async fn page(
    state: &State,
    caller: &Caller,
    place: &Place,
    params: &Params<BuildsQuery>,
) -> Result<Listed<Builds>, ApiError> {
    let (_, service) = place.service(state, caller).await?;
    let list = format!("builds:{}", service.uid);
    let filtered = Filtered::read(params, &list)?;
    let list = filtered
        .as_ref()
        .map_or(list, |filtered| filtered.list.clone());
    let query = PageQuery::read(params, &state.sealer, &list)?;
    let page = match query.start {
        Start::After(number) => Page::Before(number),
        Start::Skip(count) => Page::Skip(count),
    };
    let mut rows = match filtered {
        None => state.store.builds(&service, page, query.limit()).await?,
        Some(filtered) => filtered.rows(state, &service, page, query.limit()).await?,
    };
    let pagination = query.cut(&mut rows, &state.sealer, &list, |build| build.number);
    let host = &state.settings.registry_host;
    let builds = rows
        .into_iter()
        .map(|build| BuildView::new(build, host))
        .collect();
    Ok(Listed {
        data: Builds { builds },
        pagination,
    })
}

/// `GET …/services/{serviceId}/build/{buildId}`.
pub(crate) async fn get(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
) -> Result<Data<BuildDetails>, ApiError> {
    let (_, service) = place.service(&state, &caller).await?;
    let data = BuildDetails::find(&state, &service, &place.build_id).await?;
    Ok(Data { data })
}

pub(crate) async fn find(state: &State, service: &Service, id: &str) -> Result<Build, ApiError> {
    let build = state.store.build(&service.uid, id).await?;
    build.ok_or_else(|| ApiError::not_found("build", id))
}

/// What start takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct StartInput {
    bundle_url: Option<String>,
    sha: Option<String>,
    branch: Option<String>,
    pull_request_id: Option<i64>,
    #[serde(default)]
    overrides: Overrides,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Overrides {
    build_arguments: Option<BTreeMap<String, String>>,
    build_files: Option<BTreeMap<String, FileContent>>,
    docker_secret_mounts: Option<BTreeMap<String, FileContent>>,
    docker: DockerOverrides,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct DockerOverrides {
    docker_file_path: Option<String>,
    docker_work_dir: Option<String>,
    dockerfile_target: Option<String>,
}

impl StartInput {
    fn check(&self, service: &Service, settings: &Settings) -> Result<(), ApiError> {
        let mut problems = Problems::default();
        match service.spec.build_source {
            BuildSource::Git => self.check_commit(&mut problems),
            BuildSource::Bundle => self.check_bundle(settings, &mut problems),
        }
        problems.check_some("sha", self.sha.as_deref(), fields::sha);
        if let Some(branch) = &self.branch
            && let Err(error) = git::RefName::branch(branch)
        {
            problems.add("branch", error.to_string());
        }
        if self.pull_request_id.is_some_and(|id| id < 1) {
            problems.add("pullRequestId", "must be a positive number");
        }
        self.overrides
            .check(&service.spec.dockerfile, &mut problems);
        problems.into_result()
    }

    fn check_commit(&self, problems: &mut Problems) {
        if self.bundle_url.is_some() {
            problems.add(
                "bundleUrl",
                "is for services whose `buildSource` is `bundle`",
            );
        }
        match (&self.branch, self.pull_request_id) {
            (Some(_), Some(_)) => {
                problems.add("pullRequestId", "cannot be given together with `branch`");
            }
            (None, None) if self.sha.is_none() => {
                problems.add(
                    "branch",
                    "is required, unless `pullRequestId` or `sha` is given",
                );
            }
            _ => {}
        }
    }

    fn wanted(
        self,
        service: &Service,
        pull_request: Option<PullRequest>,
        overrides: SecretChanges,
    ) -> Wanted {
        Wanted {
            bundle_url: self.bundle_url,
            branch: self.branch,
            pull_request,
            sha: self.sha,
            head: None,
            dockerfile: self.overrides.docker.over(&service.spec.dockerfile),
            overrides,
        }
    }

    /// A commit or branch of a bundle is only noted.
    fn check_bundle(&self, settings: &Settings, problems: &mut Problems) {
        match &self.bundle_url {
            Some(url) => problems.check("bundleUrl", bundle_url(url, settings)),
            None => problems.add("bundleUrl", "is required: this service builds bundles"),
        }
        if self.pull_request_id.is_some() {
            problems.add("pullRequestId", "is not for a service that builds bundles");
        }
    }
}

/// An http or https URL, as far as the operator allows these.
fn bundle_url(text: &str, settings: &Settings) -> Result<(), String> {
    let url: url::Url = text
        .parse()
        .map_err(|error| format!("is no URL: {error}"))?;
    let allowed = match url.scheme() {
        "https" => settings.git_protocols.contains(git::Protocol::Https),
        "http" => settings.git_protocols.contains(git::Protocol::Http),
        _ => false,
    };
    if allowed {
        return Ok(());
    }
    Err(format!("may not be a `{}` URL here", url.scheme()))
}

impl Overrides {
    fn secrets(&self) -> SecretChanges {
        SecretChanges {
            variables: self.build_arguments.clone(),
            files: self.build_files.clone(),
            mounts: self.docker_secret_mounts.clone(),
        }
    }

    fn check(&self, dockerfile: &DockerfileSettings, problems: &mut Problems) {
        secret_input::OVERRIDES.check(&self.secrets(), problems);
        if let Some(files) = &self.build_files {
            let dockerfile = self.docker.over(dockerfile);
            keeps_dockerfile("overrides.buildFiles", files, &dockerfile, problems);
        }
        let docker = &self.docker;
        let path = docker.docker_file_path.as_deref();
        problems.check_some(
            "overrides.docker.dockerFilePath",
            path,
            fields::docker_file_path,
        );
        let dir = docker.docker_work_dir.as_deref();
        problems.check_some(
            "overrides.docker.dockerWorkDir",
            dir,
            fields::docker_work_dir,
        );
        let target = docker.dockerfile_target.as_deref();
        problems.check_some("overrides.docker.dockerfileTarget", target, fields::stage);
    }
}

impl DockerOverrides {
    /// The service's settings with these on top.
    fn over(&self, settings: &DockerfileSettings) -> DockerfileSettings {
        let mut settings = settings.clone();
        let path = self.docker_file_path.clone();
        settings.docker_file_path = path.unwrap_or(settings.docker_file_path);
        let dir = self.docker_work_dir.clone();
        settings.docker_work_dir = dir.unwrap_or(settings.docker_work_dir);
        settings.target = self.dockerfile_target.clone().or(settings.target);
        settings
    }
}

/// `POST …/services/{serviceId}/build`: accepts a build. Its row and its number are stored before
/// the answer goes out.
pub(crate) async fn start(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    Body(input): Body<StartInput>,
) -> Result<Data<BuildView>, ApiError> {
    let (project, service) = place.service(&state, &caller).await?;
    let overrides = input.overrides.secrets();
    may_override(&caller, &project, &overrides)?;
    input.check(&service, &state.settings)?;
    may_refer(&caller, &overrides, &SecretValues::default())?;
    let pull_request = match input.pull_request_id {
        Some(number) => {
            let source = &service.spec.source;
            let sha = input.sha.as_deref();
            Some(pull_request::find(&state, source, number, sha).await?)
        }
        None => None,
    };
    let wanted = input.wanted(&service, pull_request, overrides);
    let created_by = Some(creator(&caller));
    let new = accept::wanted(&state, &project, &service, wanted, created_by).await?;
    let build = state.store.accept_build(&service, new).await?;
    Ok(Data {
        data: BuildView::new(build, &state.settings.registry_host),
    })
}

/// Who calls, as who starts a build.
pub(super) fn creator(caller: &Caller) -> Creator {
    Creator {
        token_id: caller.token.id.clone(),
        token_name: caller.token.name.clone(),
    }
}

/// `DELETE …/services/{serviceId}/build/{buildId}`: aborts. Aborting what is over already is a
/// conflict that says how it ended.
pub(crate) async fn abort(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
) -> Result<Nothing, ApiError> {
    let (_, service) = place.service(&state, &caller).await?;
    let build = find(&state, &service, &place.build_id).await?;
    let ending = Ending {
        status: Status::Aborted,
        reason: Some(Reason::AbortedByRequest),
        message: format!("Aborted by the token `{}`", caller.token.name),
        image: None,
        usage: state.logs.usage(&build.uid).await,
    };
    match state
        .store
        .conclude_by_server(&build.uid, None, &ending)
        .await?
    {
        Advanced::Moved(_) | Advanced::Unchanged(_) => Ok(Nothing::new()),
        Advanced::Refused(now) => Err(ApiError::conflict(format!(
            "The build is over already: {}. There is nothing to abort.",
            now.status
        ))),
        Advanced::NotFound => Err(ApiError::not_found("build", &build.id)),
    }
}
