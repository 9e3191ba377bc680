//! A build service as the wire shows it: one shape that holds what create, put, patch and get
//! promise, so that what is read can be written back.

use super::projects::{Cluster, app_id};
use super::unreadable::problem;
use crate::edge::iso_millis;
use domain::service::{Architecture, BuildSource, LatestBuild, ProjectType};
use domain::vcs::VcsLink;
use domain::watch::{SkipReason, Skipped};
use domain::{FileContent, Project, SecretValues, Service, ServiceSpec, Status, Watch};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// The one engine that can be asked for.
const ENGINE: &str = "buildkit";

/// What a list of services shows of each.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServiceSummary {
    id: String,
    app_id: String,
    project_id: String,
    name: String,
    tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    service_type: &'static str,
    #[serde(rename = "disabledCI")]
    disabled_ci: bool,
    #[serde(rename = "disabledCD")]
    disabled_cd: bool,
    status: ServiceStatus,
    /// What is wrong with it: a part of it cannot be read any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// Everything about one service.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServiceView {
    #[serde(flatten)]
    summary: ServiceSummary,
    created_at: String,
    updated_at: String,
    service_paused: bool,
    build_source: BuildSource,
    billing: Billing,
    #[serde(skip_serializing_if = "Option::is_none")]
    infrastructure: Option<Infrastructure>,
    /// Absent from a service that builds bundles and names no repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    vcs_data: Option<VcsData>,
    build_settings: BuildSettings,
    build_configuration: BuildConfiguration,
    build_engine_configuration: EngineConfiguration,
    /// Absent where the caller may not read them.
    #[serde(skip_serializing_if = "Option::is_none")]
    build_arguments: Option<BTreeMap<String, String>>,
    /// Absent where the caller may not read them.
    #[serde(skip_serializing_if = "Option::is_none")]
    build_files: Option<BTreeMap<String, FileContent>>,
    /// Absent where the caller may not read them.
    #[serde(skip_serializing_if = "Option::is_none")]
    docker_secret_mounts: Option<BTreeMap<String, FileContent>>,
    ports: [(); 0],
    cluster: Cluster,
    /// How looks for new commits go; absent before the first, and where nothing builds by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    watch: Option<WatchView>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Watch")]
#[serde(rename_all = "camelCase")]
struct WatchView {
    /// Commits from before build only when they are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// What keeps new commits from building, while something does.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// The newest commit that the service's rules held back.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_skipped: Option<SkippedView>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SkippedCommit")]
struct SkippedView {
    sha: String,
    /// Like `refs/heads/main`, or `refs/pull/7/head` whichever the forge.
    #[serde(rename = "ref")]
    name: String,
    reason: SkipReason,
    at: String,
}

impl From<Watch> for WatchView {
    fn from(watch: Watch) -> Self {
        let skipped = |skipped: Skipped| SkippedView {
            sha: skipped.sha,
            name: skipped.name,
            reason: skipped.reason,
            at: iso_millis(skipped.at),
        };
        WatchView {
            since: watch.since.map(iso_millis),
            problem: watch.problem,
            last_skipped: watch.last_skipped.map(skipped),
        }
    }
}

#[derive(Serialize, JsonSchema)]
struct ServiceStatus {
    #[serde(skip_serializing_if = "Option::is_none")]
    build: Option<BuildStatus>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct BuildStatus {
    status: Status,
    last_transition_time: String,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Billing {
    deployment_plan: String,
    build_plan: String,
}

#[derive(Serialize, JsonSchema)]
struct Infrastructure {
    architecture: Architecture,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct VcsData {
    project_url: String,
    project_type: ProjectType,
    /// Whether the repository is read without a login.
    public_repo: bool,
    /// The forge of one's own that a linked account opens it at.
    #[serde(skip_serializing_if = "Option::is_none")]
    self_hosted_vcs_id: Option<String>,
    /// The linked account that opens it.
    #[serde(skip_serializing_if = "Option::is_none")]
    account_login: Option<String>,
    /// The id of that account's link.
    #[serde(skip_serializing_if = "Option::is_none")]
    vcs_link_id: Option<String>,
    docker_work_dir: String,
    docker_file_path: String,
}

#[derive(Serialize, JsonSchema)]
struct BuildSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    storage: Option<Storage>,
    dockerfile: Dockerfile,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Storage {
    ephemeral_storage: EphemeralStorage,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct EphemeralStorage {
    storage_size: u64,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Dockerfile {
    build_engine: &'static str,
    docker_file_path: String,
    docker_work_dir: String,
    buildkit: CacheSettings,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CacheSettings {
    use_cache: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_storage_size: Option<u64>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct BuildConfiguration {
    #[serde(flatten)]
    rules: domain::service::BuildRules,
    #[serde(skip_serializing_if = "Option::is_none")]
    dockerfile_target: Option<String>,
    include_git_folder: bool,
    docker_credentials: Vec<String>,
    full_git_clone: bool,
    enable_git_lfs: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    storage: Option<Storage>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct EngineConfiguration {
    build_engine: &'static str,
    buildkit: EngineCache,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct EngineCache {
    use_cache: bool,
}

impl VcsData {
    fn of(spec: &ServiceSpec) -> Option<VcsData> {
        let source = &spec.source;
        (!source.project_url.is_empty()).then(|| VcsData {
            project_url: without_login(&source.project_url),
            project_type: source.project_type,
            public_repo: source.vcs_link.is_none() && !has_password(&source.project_url),
            self_hosted_vcs_id: None,
            account_login: None,
            vcs_link_id: None,
            docker_work_dir: spec.dockerfile.docker_work_dir.clone(),
            docker_file_path: spec.dockerfile.docker_file_path.clone(),
        })
    }
}

impl Storage {
    fn of(mb: Option<u64>) -> Option<Storage> {
        let ephemeral_storage = mb.map(|storage_size| EphemeralStorage { storage_size });
        ephemeral_storage.map(|ephemeral_storage| Storage { ephemeral_storage })
    }
}

impl ServiceSummary {
    pub(crate) fn new(project: &Project, service: &Service, latest: Option<LatestBuild>) -> Self {
        let build = latest.map(|latest| BuildStatus {
            status: latest.status,
            last_transition_time: iso_millis(latest.since),
        });
        ServiceSummary {
            id: service.id.clone(),
            app_id: app_id(project, service),
            project_id: project.id.clone(),
            name: service.name.clone(),
            tags: service.spec.tags.clone(),
            description: service.description.clone(),
            service_type: "build",
            disabled_ci: service.spec.disabled_ci,
            disabled_cd: true,
            status: ServiceStatus { build },
            problem: problem(service.unreadable, "The repository's address"),
        }
    }
}

impl ServiceView {
    /// The view; `secrets` are given only for a token that may read them.
    pub(crate) fn new(
        project: &Project,
        service: Service,
        latest: Option<LatestBuild>,
        plan: &str,
        secrets: Option<SecretValues>,
    ) -> Self {
        let summary = ServiceSummary::new(project, &service, latest);
        let spec = service.spec;
        let vcs_data = VcsData::of(&spec);
        let plan = spec.build_plan.unwrap_or_else(|| plan.to_owned());
        ServiceView {
            summary,
            created_at: iso_millis(service.created_at),
            updated_at: iso_millis(service.updated_at),
            service_paused: false,
            build_source: spec.build_source,
            billing: Billing {
                deployment_plan: plan.clone(),
                build_plan: plan,
            },
            infrastructure: spec
                .architecture
                .map(|architecture| Infrastructure { architecture }),
            vcs_data,
            build_settings: BuildSettings {
                storage: Storage::of(spec.ephemeral_storage_mb),
                dockerfile: Dockerfile {
                    build_engine: ENGINE,
                    docker_file_path: spec.dockerfile.docker_file_path,
                    docker_work_dir: spec.dockerfile.docker_work_dir,
                    buildkit: CacheSettings {
                        use_cache: spec.dockerfile.use_cache,
                        cache_storage_size: spec.dockerfile.cache_storage_mb,
                    },
                },
            },
            build_configuration: BuildConfiguration {
                rules: spec.rules,
                dockerfile_target: spec.dockerfile.target,
                include_git_folder: spec.include_git_folder,
                docker_credentials: spec.docker_credentials,
                full_git_clone: spec.full_git_clone,
                enable_git_lfs: spec.enable_git_lfs,
                storage: Storage::of(spec.ephemeral_storage_mb),
            },
            build_engine_configuration: EngineConfiguration {
                build_engine: ENGINE,
                buildkit: EngineCache {
                    use_cache: spec.dockerfile.use_cache,
                },
            },
            build_arguments: secrets.as_ref().map(|secrets| secrets.variables.clone()),
            build_files: secrets.as_ref().map(|secrets| secrets.files.clone()),
            docker_secret_mounts: secrets.map(|secrets| secrets.mounts),
            ports: [],
            cluster: Cluster::of(&project.region),
            watch: None,
        }
    }
}

impl ServiceView {
    /// The same with how looks for new commits go.
    pub(crate) fn watched(mut self, watch: Option<Watch>) -> Self {
        self.watch = watch.map(Into::into);
        self
    }

    /// The same with the linked account that opens the repository.
    pub(crate) fn through(mut self, link: Option<VcsLink>) -> Self {
        if let (Some(vcs), Some(link)) = (&mut self.vcs_data, link) {
            vcs.self_hosted_vcs_id = link.is_self_hosted().then(|| link.id.clone());
            vcs.account_login = Some(link.login);
            vcs.vcs_link_id = Some(link.id);
        }
        self
    }
}

/// Whether the URL holds a login that opens anything; some forges put a bare name into their addresses.
pub(super) fn has_password(url: &str) -> bool {
    let parsed: Result<git::RepoUrl, _> = url.parse();
    parsed.is_ok_and(|url| {
        url.credentials()
            .is_some_and(|login| !login.password.is_empty())
    })
}

/// Who may see a service may not thereby read its repository: a login in the URL is not shown.
pub(super) fn without_login(url: &str) -> String {
    match url.parse::<git::RepoUrl>() {
        Ok(parsed) if parsed.credentials().is_some() => parsed.to_string(),
        _ => url.to_owned(),
    }
}
