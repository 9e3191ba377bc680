//! What a caller may say about a build service: read, checked, laid onto a specification.
//!
//! A field that this server cannot honour is refused by name, never taken and ignored.

mod configuration;
mod dockerfile;
mod link;
mod source;
mod values;

pub(super) use configuration::{BuildConfiguration, CrossProjectAccess, names_credentials};
pub(super) use dockerfile::{Dockerfile, Storage};
pub(super) use source::VcsData;
pub(super) use values::nullable;

use self::values::either;
use super::secret_input;
use super::tags::unknown;
use crate::Settings;
use crate::edge::{ApiError, Problems};
use domain::service::{Architecture, BuildSource, GitSource};
use domain::vcs::VcsLink;
use domain::{FileContent, SecretChanges, ServiceSpec, fields};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The body of create, put and patch.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ServiceInput {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    stage_id: Option<Value>,
    tags: Option<Vec<String>>,
    billing: Option<Billing>,
    infrastructure: Option<Infrastructure>,
    #[serde(rename = "disabledCI")]
    disabled_ci: Option<bool>,
    build_source: Option<BuildSource>,
    vcs_data: Option<VcsData>,
    build_settings: Option<BuildSettings>,
    build_configuration: Option<BuildConfiguration>,
    build_arguments: Option<BTreeMap<String, String>>,
    build_files: Option<BTreeMap<String, FileContent>>,
    docker_secret_mounts: Option<BTreeMap<String, FileContent>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "BillingInput")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Billing {
    #[serde(default, deserialize_with = "nullable")]
    deployment_plan: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    build_plan: Option<Option<String>>,
    gpu: Option<Gpu>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Gpu {
    enabled: Option<bool>,
    #[serde(rename = "configuration")]
    _configuration: Option<GpuConfiguration>,
}

/// Only has to be well formed: a GPU that is asked for is refused.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GpuConfiguration {
    #[serde(rename = "gpuType")]
    _gpu_type: String,
    #[serde(rename = "gpuCount")]
    _gpu_count: Option<u32>,
    #[serde(rename = "timesliced")]
    _timesliced: Option<bool>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "InfrastructureInput")]
#[serde(deny_unknown_fields)]
struct Infrastructure {
    #[serde(default, deserialize_with = "nullable")]
    architecture: Option<Option<Architecture>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "BuildSettingsInput")]
#[serde(deny_unknown_fields)]
struct BuildSettings {
    #[serde(default, deserialize_with = "nullable")]
    storage: Option<Option<Storage>>,
    dockerfile: Option<Dockerfile>,
    buildpack: Option<Value>,
}

/// What there is of what an input names.
pub(crate) struct Known {
    /// Those of its tags that the team has.
    pub(super) tags: Vec<String>,
    /// The ids of the credentials that base images may be pulled with.
    pub(super) pullable: Vec<String>,
    /// The team's linked accounts, where one may be named.
    pub(super) links: Vec<VcsLink>,
}

impl ServiceInput {
    /// The ids of the tags that it names.
    pub(crate) fn tags(&self) -> &[String] {
        self.tags.as_deref().unwrap_or_default()
    }

    /// Lays the input onto `spec`, and answers what it says about arguments, files and mounts; with
    /// `new`, what a service cannot be without must be there. `&known.tags` are those of its tags that
    /// there are.
    pub(crate) fn apply(
        self,
        spec: &mut ServiceSpec,
        new: bool,
        settings: &Settings,
        known: &Known,
    ) -> Result<SecretChanges, ApiError> {
        let mut problems = Problems::default();
        if new {
            self.check_required(&mut problems);
        }
        self.refuse_unsupported(&mut problems);
        self.apply_tags(spec, &known.tags, &mut problems);
        spec.build_source = self.build_source.unwrap_or(spec.build_source);
        if new && self.vcs_data.is_none() {
            spec.source = GitSource::default();
        }
        if let Some(vcs) = &self.vcs_data {
            vcs.apply("vcsData.", spec, (settings, &known.links), &mut problems);
        }
        if !new && spec.build_source == BuildSource::Git && spec.source.project_url.is_empty() {
            problems.add("vcsData.projectUrl", "is required");
        }
        self.apply_plan(spec, settings, &mut problems);
        self.apply_settings(spec, &mut problems);
        self.check_storage(&mut problems);
        if let Some(configuration) = &self.build_configuration {
            configuration.apply("buildConfiguration.", spec, &known.pullable, &mut problems);
        }
        problems.check_some(
            "description",
            self.description.as_deref(),
            fields::description,
        );
        if let Some(infrastructure) = &self.infrastructure {
            spec.architecture = infrastructure.architecture.unwrap_or(spec.architecture);
        }
        spec.disabled_ci = self.disabled_ci.unwrap_or(spec.disabled_ci);
        let secrets = SecretChanges {
            variables: self.build_arguments,
            files: self.build_files,
            mounts: self.docker_secret_mounts,
        };
        secret_input::SERVICE.check(&secrets, &mut problems);
        problems.into_result()?;
        Ok(secrets)
    }

    /// Whether the input has to do with linked accounts, of a service that had this source.
    pub(crate) fn concerns_links(&self, before: &GitSource) -> bool {
        let vcs = self.vcs_data.as_ref();
        vcs.is_some_and(|vcs| vcs.concerns_links(before))
    }

    /// Whether the input names credentials, which have to be looked up then.
    pub(crate) fn names_credentials(&self) -> bool {
        let configuration = self.build_configuration.as_ref();
        configuration.is_some_and(BuildConfiguration::names_credentials)
    }

    fn check_required(&self, problems: &mut Problems) {
        match &self.name {
            None => problems.add("name", "is required"),
            Some(name) => problems.check("name", fields::name(name, fields::SERVICE_NAME)),
        }
        if self.build_source != Some(BuildSource::Bundle) {
            self.check_repository(problems);
        }
        let settings = self.build_settings.as_ref();
        if settings.is_none_or(|s| s.dockerfile.is_none() && s.buildpack.is_none()) {
            problems.add("buildSettings.dockerfile", "is required");
        }
    }

    /// A service that stays as it is keeps its repository; one that is made anew must name it.
    fn check_repository(&self, problems: &mut Problems) {
        let vcs = self.vcs_data.as_ref();
        if vcs.is_none_or(VcsData::names_no_repository) {
            problems.add("vcsData.projectUrl", "is required");
        }
        if vcs.is_none_or(VcsData::names_no_forge) {
            problems.add(
                "vcsData.projectType",
                "is required: bitbucket, gitlab, github, self-hosted or azure",
            );
        }
    }

    fn apply_settings(&self, spec: &mut ServiceSpec, problems: &mut Problems) {
        let Some(settings) = &self.build_settings else {
            return;
        };
        problems.refuse("buildSettings.buildpack", settings.buildpack.is_some());
        Storage::apply(&settings.storage, "buildSettings.storage.", spec, problems);
        if let Some(dockerfile) = &settings.dockerfile {
            dockerfile.apply("buildSettings.dockerfile.", spec, problems);
        }
    }

    /// The same storage has two fields.
    fn check_storage(&self, problems: &mut Problems) {
        let settings = self.build_settings.as_ref();
        let settings = settings.and_then(|settings| Storage::size(&settings.storage));
        let configuration = self.build_configuration.as_ref();
        let configuration = configuration.and_then(|asked| Storage::size(&asked.storage));
        let first = "buildSettings.storage.ephemeralStorage.storageSize";
        let second = "buildConfiguration.storage.ephemeralStorage.storageSize";
        either((first, settings), (second, configuration), problems);
    }

    fn refuse_unsupported(&self, problems: &mut Problems) {
        problems.refuse(
            "stageId",
            self.stage_id.as_ref().is_some_and(|id| !id.is_null()),
        );
        let gpu = self
            .billing
            .as_ref()
            .and_then(|billing| billing.gpu.as_ref());
        problems.refuse("billing.gpu", gpu.and_then(|gpu| gpu.enabled) == Some(true));
    }

    fn apply_tags(&self, spec: &mut ServiceSpec, known: &[String], problems: &mut Problems) {
        let Some(tags) = &self.tags else { return };
        spec.tags.clear();
        for (index, tag) in tags.iter().enumerate() {
            if !known.contains(tag) {
                problems.add(&format!("tags[{index}]"), unknown(tag));
            }
            if !spec.tags.contains(tag) {
                spec.tags.push(tag.clone());
            }
        }
    }

    fn apply_plan(&self, spec: &mut ServiceSpec, settings: &Settings, problems: &mut Problems) {
        let Some(billing) = &self.billing else { return };
        let build = ("billing.buildPlan", billing.build_plan.as_ref());
        let deployment = ("billing.deploymentPlan", billing.deployment_plan.as_ref());
        let Some(plan) = either(build, deployment, problems) else {
            return;
        };
        spec.build_plan.clone_from(plan);
        let Some(plan) = plan else { return };
        let field = build.1.map_or(deployment.0, |_| build.0);
        problems.check(field, fields::plan(plan));
        if settings.plan(plan).is_none() {
            problems.add(
                field,
                format!("there is no plan `{plan}`; `GET /v1/plans` lists them"),
            );
        }
    }
}
