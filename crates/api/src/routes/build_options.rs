//! How a service builds, changed part by part: its options, its source, its layer cache.

use super::no_fields::NoFields;
use super::service_input::{
    BuildConfiguration, CrossProjectAccess, Dockerfile, Storage, VcsData, names_credentials,
    nullable,
};
use super::services::{change_as, links, pullable};
use crate::edge::{ApiError, Body, Caller, Nothing, Path, Place, Problems, call};
use crate::state::State;
use aide::axum::ApiRouter;
use axum::extract::State as FromState;
use domain::service::{BuildSource, ProjectType};
use domain::{Permission as P, ServiceSpec};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use store::ServiceChanges;

/// Parts of a service.
pub(crate) fn routes() -> ApiRouter<State> {
    let options = call("update.service.buildOptions", "Change how a service builds");
    let source = call("update.service.buildSource", "Change what a service builds");
    let reset = call("reset.service.buildCache", "Empty a service's layer cache");
    ApiRouter::new()
        .api_route(
            "/projects/{projectId}/services/{serviceId}/build-options",
            options.needs(P::ServiceUpdate).post(self::options),
        )
        .api_route(
            "/projects/{projectId}/services/{serviceId}/build-source",
            source.needs(P::ServiceUpdate).post(self::source),
        )
        .api_route(
            "/projects/{projectId}/services/{serviceId}/build-cache",
            reset.needs(P::ServiceUpdate).delete(self::reset),
        )
}

/// The build configuration of a service's body, with its Dockerfile beside it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OptionsInput {
    dockerfile: Option<Dockerfile>,
    buildpack: Option<Value>,
    pr_restrictions: Option<Vec<String>>,
    branch_restrictions: Option<Vec<String>>,
    cross_project_access: Option<CrossProjectAccess>,
    path_ignore_rules: Option<Vec<String>>,
    is_allow_list: Option<bool>,
    ci_ignore_flags_enabled: Option<bool>,
    ci_ignore_flags: Option<Vec<String>>,
    #[serde(default, deserialize_with = "nullable")]
    dockerfile_target: Option<Option<String>>,
    docker_credentials: Option<Vec<String>>,
    include_git_folder: Option<bool>,
    full_git_clone: Option<bool>,
    enable_git_lfs: Option<bool>,
    #[serde(default, deserialize_with = "nullable")]
    storage: Option<Option<Storage>>,
}

impl OptionsInput {
    fn apply(self, spec: &mut ServiceSpec, pullable: &[String]) -> Result<(), ApiError> {
        let mut problems = Problems::default();
        problems.refuse("buildpack", self.buildpack.is_some());
        match &self.dockerfile {
            Some(dockerfile) => dockerfile.apply("dockerfile.", spec, &mut problems),
            None if self.buildpack.is_none() => problems.add("dockerfile", "is required"),
            None => {}
        }
        let configuration = BuildConfiguration {
            pr_restrictions: self.pr_restrictions,
            branch_restrictions: self.branch_restrictions,
            cross_project_access: self.cross_project_access,
            path_ignore_rules: self.path_ignore_rules,
            is_allow_list: self.is_allow_list,
            ci_ignore_flags_enabled: self.ci_ignore_flags_enabled,
            ci_ignore_flags: self.ci_ignore_flags,
            dockerfile_target: self.dockerfile_target,
            docker_credentials: self.docker_credentials,
            include_git_folder: self.include_git_folder,
            full_git_clone: self.full_git_clone,
            enable_git_lfs: self.enable_git_lfs,
            storage: self.storage,
        };
        configuration.apply("", spec, pullable, &mut problems);
        problems.into_result()
    }
}

/// `POST …/services/{serviceId}/build-options`: changes what the body names.
pub(crate) async fn options(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    Body(input): Body<OptionsInput>,
) -> Result<Nothing, ApiError> {
    let (project, service) = place.service(&state, &caller).await?;
    let mut spec = service.spec.clone();
    let asked = names_credentials(input.docker_credentials.as_deref());
    let pullable = pullable(&state, &project, asked).await?;
    input.apply(&mut spec, &pullable)?;
    change_as(
        &state,
        &caller,
        &project,
        &service,
        ServiceChanges::of_spec(spec),
    )
    .await?;
    Ok(Nothing::new())
}

/// A service's repository.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SourceInput {
    project_url: Option<String>,
    project_type: Option<ProjectType>,
    project_branch: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    self_hosted_vcs_id: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    account_login: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    vcs_link_id: Option<Option<String>>,
}

/// `POST …/services/{serviceId}/build-source`: changes what the body names. A service that built
/// bundles builds the repository from then on.
pub(crate) async fn source(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    Body(input): Body<SourceInput>,
) -> Result<Nothing, ApiError> {
    let (project, service) = place.service(&state, &caller).await?;
    let mut spec = service.spec.clone();
    let mut problems = Problems::default();
    if input.project_branch.is_some() {
        let why = "is for services that build one branch; this one builds the branch that each build names";
        problems.add("projectBranch", why);
    }
    let vcs = VcsData {
        project_url: input.project_url,
        project_type: input.project_type,
        self_hosted_vcs_id: input.self_hosted_vcs_id,
        account_login: input.account_login,
        vcs_link_id: input.vcs_link_id,
    };
    let links = links(&state, &project, vcs.concerns_links(&spec.source)).await?;
    vcs.apply("", &mut spec, (&state.settings, &links), &mut problems);
    spec.build_source = BuildSource::Git;
    if spec.source.project_url.is_empty() {
        problems.add("projectUrl", "is required");
    }
    problems.into_result()?;
    change_as(
        &state,
        &caller,
        &project,
        &service,
        ServiceChanges::of_spec(spec),
    )
    .await?;
    Ok(Nothing::new())
}

/// `DELETE …/services/{serviceId}/build-cache`: the next build begins without layers. One that runs
/// goes on with those it has.
pub(crate) async fn reset(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    _: NoFields,
) -> Result<Nothing, ApiError> {
    let (_, service) = place.service(&state, &caller).await?;
    if state.store.reset_cache(&service.uid).await? {
        Ok(Nothing::new())
    } else {
        Err(ApiError::not_found("service", &service.id))
    }
}
