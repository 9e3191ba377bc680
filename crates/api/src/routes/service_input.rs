//! What a caller may say about a build service: read, checked, laid onto a specification.
//!
//! A field that this server cannot honour is refused by name, never taken and ignored.

use super::service_view::without_login;
use crate::Settings;
use crate::edge::{ApiError, Problems};
use domain::service::{Architecture, ProjectType};
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
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Billing {
    deployment_plan: Option<String>,
    build_plan: Option<String>,
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
#[serde(deny_unknown_fields)]
struct Infrastructure {
    architecture: Option<Architecture>,
}

#[derive(Debug, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum BuildSource {
    Git,
    Bundle,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct VcsData {
    project_url: Option<String>,
    project_type: Option<ProjectType>,
    self_hosted_vcs_id: Option<String>,
    account_login: Option<String>,
    vcs_link_id: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BuildSettings {
    storage: Option<Storage>,
    dockerfile: Option<Dockerfile>,
    buildpack: Option<Value>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Storage {
    ephemeral_storage: Option<EphemeralStorage>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EphemeralStorage {
    storage_size: Option<u64>,
}

impl Storage {
    fn size(&self) -> Option<u64> {
        self.ephemeral_storage.as_ref()?.storage_size
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Dockerfile {
    /// Published as deprecated and without effect; read so that old bodies still work.
    #[serde(rename = "useCache")]
    _use_cache: Option<bool>,
    build_engine: Option<EngineName>,
    docker_file_path: Option<String>,
    docker_work_dir: Option<String>,
    buildkit: Option<CacheSettings>,
}

/// Dockerfiles are built as BuildKit builds them; which program does it is the operator's choice.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum EngineName {
    Buildkit,
    Kaniko,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CacheSettings {
    use_cache: Option<bool>,
    cache_storage_size: Option<u64>,
    /// Published as deprecated; `useCache` and `cacheStorageSize` say the same.
    use_internal_cache: Option<bool>,
    internal_cache_storage: Option<u64>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct BuildConfiguration {
    pr_restrictions: Option<Vec<String>>,
    branch_restrictions: Option<Vec<String>>,
    cross_project_access: Option<CrossProjectAccess>,
    path_ignore_rules: Option<Vec<String>>,
    is_allow_list: Option<bool>,
    ci_ignore_flags_enabled: Option<bool>,
    ci_ignore_flags: Option<Vec<String>>,
    dockerfile_target: Option<String>,
    docker_credentials: Option<Vec<String>>,
    include_git_folder: Option<bool>,
    full_git_clone: Option<bool>,
    enable_git_lfs: Option<bool>,
    storage: Option<Storage>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CrossProjectAccess {
    enabled: bool,
    #[serde(rename = "projects")]
    _projects: Vec<String>,
    #[serde(rename = "isAllowList")]
    _is_allow_list: bool,
}

impl ServiceInput {
    /// Lays the input onto `spec`, and answers what it says about arguments, files and mounts; with
    /// `new`, what a service cannot be without must be there.
    pub(crate) fn apply(
        self,
        spec: &mut ServiceSpec,
        new: bool,
        settings: &Settings,
        pullable: &[String],
    ) -> Result<SecretChanges, ApiError> {
        let mut problems = Problems::default();
        if new {
            self.check_required(&mut problems);
        }
        self.refuse_unsupported(&mut problems);
        self.apply_source(spec, settings, &mut problems);
        self.apply_plan(spec, settings, &mut problems);
        self.apply_settings(spec, &mut problems);
        self.apply_configuration(spec, &mut problems);
        self.apply_credentials(spec, pullable, &mut problems);
        problems.check_some(
            "description",
            self.description.as_deref(),
            fields::description,
        );
        if let Some(infrastructure) = &self.infrastructure {
            spec.architecture = infrastructure.architecture.or(spec.architecture);
        }
        spec.disabled_ci = self.disabled_ci.unwrap_or(spec.disabled_ci);
        if let Some(arguments) = &self.build_arguments {
            check_arguments("buildArguments", arguments, &mut problems);
        }
        check_files(
            "buildFiles",
            self.build_files.as_ref(),
            fields::file_path,
            &mut problems,
        );
        let mounts = self.docker_secret_mounts.as_ref();
        check_files(
            "dockerSecretMounts",
            mounts,
            fields::mount_id,
            &mut problems,
        );
        problems.into_result()?;
        Ok(SecretChanges {
            variables: self.build_arguments,
            files: self.build_files,
            mounts: self.docker_secret_mounts,
        })
    }

    /// The ids of the credentials that base images are to be pulled with.
    fn docker_credentials(&self) -> Option<&Vec<String>> {
        self.build_configuration
            .as_ref()?
            .docker_credentials
            .as_ref()
    }

    /// Whether the input names credentials, which have to be looked up then.
    pub(crate) fn names_credentials(&self) -> bool {
        self.docker_credentials().is_some_and(|ids| !ids.is_empty())
    }

    fn apply_credentials(
        &self,
        spec: &mut ServiceSpec,
        pullable: &[String],
        problems: &mut Problems,
    ) {
        let Some(ids) = self.docker_credentials() else {
            return;
        };
        for (index, id) in ids.iter().enumerate() {
            let field = format!("buildConfiguration.dockerCredentials[{index}]");
            if ids[..index].contains(id) {
                problems.add(&field, "is there twice");
            } else if !pullable.contains(id) {
                problems.add(
                    &field,
                    format!(
                        "there is no registry credential `{id}` that this project may pull with"
                    ),
                );
            }
        }
        spec.docker_credentials.clone_from(ids);
    }

    fn check_required(&self, problems: &mut Problems) {
        match &self.name {
            None => problems.add("name", "is required"),
            Some(name) => problems.check("name", fields::name(name, fields::SERVICE_NAME)),
        }
        let vcs = self.vcs_data.as_ref();
        if vcs.and_then(|vcs| vcs.project_url.as_ref()).is_none() {
            problems.add("vcsData.projectUrl", "is required");
        }
        if vcs.and_then(|vcs| vcs.project_type).is_none() {
            problems.add(
                "vcsData.projectType",
                "is required: bitbucket, gitlab, github, self-hosted or azure",
            );
        }
        let settings = self.build_settings.as_ref();
        if settings.is_none_or(|s| s.dockerfile.is_none() && s.buildpack.is_none()) {
            problems.add("buildSettings.dockerfile", "is required");
        }
    }

    fn refuse_unsupported(&self, problems: &mut Problems) {
        problems.refuse(
            "stageId",
            self.stage_id.as_ref().is_some_and(|id| !id.is_null()),
        );
        for tag in self.tags.iter().flatten() {
            problems.add("tags", format!("there is no tag `{tag}`"));
        }
        let gpu = self
            .billing
            .as_ref()
            .and_then(|billing| billing.gpu.as_ref());
        problems.refuse("billing.gpu", gpu.and_then(|gpu| gpu.enabled) == Some(true));
        problems.refuse(
            "buildSource",
            self.build_source == Some(BuildSource::Bundle),
        );
        if let Some(settings) = &self.build_settings {
            problems.refuse("buildSettings.buildpack", settings.buildpack.is_some());
            let dockerfile = settings.dockerfile.as_ref();
            let engine = dockerfile.and_then(|dockerfile| dockerfile.build_engine);
            let kaniko = engine == Some(EngineName::Kaniko);
            problems.refuse("buildSettings.dockerfile.buildEngine", kaniko);
        }
        if let Some(vcs) = &self.vcs_data {
            problems.refuse("vcsData.selfHostedVcsId", vcs.self_hosted_vcs_id.is_some());
            problems.refuse("vcsData.accountLogin", vcs.account_login.is_some());
            problems.refuse("vcsData.vcsLinkId", vcs.vcs_link_id.is_some());
        }
        if let Some(configuration) = &self.build_configuration {
            configuration.refuse_unsupported(problems);
        }
    }

    fn apply_source(&self, spec: &mut ServiceSpec, settings: &Settings, problems: &mut Problems) {
        let Some(vcs) = &self.vcs_data else { return };
        if let Some(url) = &vcs.project_url {
            if let Err(error) = git::RepoUrl::parse(url, &settings.git_protocols) {
                problems.add("vcsData.projectUrl", error.to_string());
            }
            // A service that is written back as it was shown keeps its login.
            if *url != without_login(&spec.source.project_url) {
                spec.source.project_url.clone_from(url);
            }
        }
        spec.source.project_type = vcs.project_type.unwrap_or(spec.source.project_type);
    }

    fn apply_plan(&self, spec: &mut ServiceSpec, settings: &Settings, problems: &mut Problems) {
        let Some(billing) = &self.billing else { return };
        let (field, plan) = match (&billing.build_plan, &billing.deployment_plan) {
            (Some(plan), _) => ("billing.buildPlan", plan),
            (None, Some(plan)) => ("billing.deploymentPlan", plan),
            (None, None) => return,
        };
        problems.check(field, fields::plan(plan));
        if settings.plan(plan).is_none() {
            problems.add(
                field,
                format!("there is no plan `{plan}`; `GET /v1/plans` lists them"),
            );
        }
        spec.build_plan = Some(plan.clone());
    }

    fn apply_settings(&self, spec: &mut ServiceSpec, problems: &mut Problems) {
        let Some(settings) = &self.build_settings else {
            return;
        };
        let field = "buildSettings.storage.ephemeralStorage.storageSize";
        apply_storage(settings.storage.as_ref(), field, spec, problems);
        let Some(input) = &settings.dockerfile else {
            return;
        };
        let dockerfile = &mut spec.dockerfile;
        if let Some(path) = &input.docker_file_path {
            let field = "buildSettings.dockerfile.dockerFilePath";
            problems.check(field, fields::docker_file_path(path));
            dockerfile.docker_file_path = path.clone();
        }
        if let Some(path) = &input.docker_work_dir {
            let field = "buildSettings.dockerfile.dockerWorkDir";
            problems.check(field, fields::docker_work_dir(path));
            dockerfile.docker_work_dir = path.clone();
        }
        if let Some(cache) = &input.buildkit {
            let use_cache = cache.use_cache.or(cache.use_internal_cache);
            dockerfile.use_cache = use_cache.unwrap_or(dockerfile.use_cache);
            let size = cache.cache_storage_size.or(cache.internal_cache_storage);
            dockerfile.cache_storage_mb = size.or(dockerfile.cache_storage_mb);
        }
    }

    fn apply_configuration(&self, spec: &mut ServiceSpec, problems: &mut Problems) {
        let Some(input) = &self.build_configuration else {
            return;
        };
        let field = "buildConfiguration.storage.ephemeralStorage.storageSize";
        apply_storage(input.storage.as_ref(), field, spec, problems);
        if let Some(target) = &input.dockerfile_target {
            problems.check("buildConfiguration.dockerfileTarget", fields::stage(target));
            spec.dockerfile.target = Some(target.clone());
        }
        spec.include_git_folder = input.include_git_folder.unwrap_or(spec.include_git_folder);
        input.check_rules(problems);
        let rules = &mut spec.rules;
        replace(&mut rules.pr_restrictions, &input.pr_restrictions);
        replace(&mut rules.branch_restrictions, &input.branch_restrictions);
        replace(&mut rules.path_ignore_rules, &input.path_ignore_rules);
        replace(&mut rules.is_allow_list, &input.is_allow_list);
        replace(
            &mut rules.ci_ignore_flags_enabled,
            &input.ci_ignore_flags_enabled,
        );
        replace(&mut rules.ci_ignore_flags, &input.ci_ignore_flags);
    }
}

impl BuildConfiguration {
    fn check_rules(&self, problems: &mut Problems) {
        let lists = [
            (
                "prRestrictions",
                &self.pr_restrictions,
                fields::build_rule as fn(&str) -> _,
            ),
            (
                "branchRestrictions",
                &self.branch_restrictions,
                fields::build_rule,
            ),
            (
                "pathIgnoreRules",
                &self.path_ignore_rules,
                fields::path_rule,
            ),
            ("ciIgnoreFlags", &self.ci_ignore_flags, fields::ignore_flag),
        ];
        for (name, list, check) in lists {
            let field = format!("buildConfiguration.{name}");
            let list = list.as_deref().unwrap_or_default();
            if list.len() > fields::RULES {
                problems.add(&field, format!("must be at most {} entries", fields::RULES));
            }
            for (index, entry) in list.iter().enumerate() {
                problems.check(&format!("{field}[{index}]"), check(entry));
            }
        }
    }

    fn refuse_unsupported(&self, problems: &mut Problems) {
        let field = |name: &str| format!("buildConfiguration.{name}");
        problems.refuse(&field("fullGitClone"), self.full_git_clone == Some(true));
        problems.refuse(&field("enableGitLfs"), self.enable_git_lfs == Some(true));
        let shared = self
            .cross_project_access
            .as_ref()
            .map(|access| access.enabled);
        problems.refuse(&field("crossProjectAccess"), shared == Some(true));
    }
}

/// Checks the keys of build arguments.
pub(crate) fn check_arguments(
    field: &str,
    arguments: &BTreeMap<String, String>,
    problems: &mut Problems,
) {
    for key in arguments.keys() {
        problems.check(&format!("{field}.{key}"), fields::argument_key(key));
    }
}

/// Checks the names and contents of files.
fn check_files(
    field: &str,
    files: Option<&BTreeMap<String, FileContent>>,
    name: fn(&str) -> Result<(), String>,
    problems: &mut Problems,
) {
    for (key, content) in files.into_iter().flatten() {
        let field = format!("{field}.{key}");
        problems.check(
            &field,
            name(key).and_then(|()| fields::file_content(content)),
        );
    }
}

fn apply_storage(
    storage: Option<&Storage>,
    field: &str,
    spec: &mut ServiceSpec,
    problems: &mut Problems,
) {
    if let Some(size) = storage.and_then(Storage::size) {
        problems.check(field, fields::storage_size(size));
        spec.ephemeral_storage_mb = Some(size);
    }
}

fn replace<T: Clone>(kept: &mut Option<T>, given: &Option<T>) {
    if given.is_some() {
        kept.clone_from(given);
    }
}
