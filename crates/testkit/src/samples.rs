//! A project, a service and a build to put into a database.

use domain::service::ProjectType;
use domain::{BuildRequest, Plan, Project, Service, ServiceSpec, Team};

/// A team that is not stored yet.
#[must_use]
pub fn team(id: &str) -> Team {
    Team {
        id: id.into(),
        name: id.into(),
        description: None,
        email: None,
        number: 0,
        created_at: 0,
        updated_at: 0,
    }
}

/// A vault with a key that is no secret.
///
/// # Panics
/// Never: the key is one.
#[must_use]
pub fn vault() -> vault::Vault {
    let key = "0a".repeat(32).parse::<vault::Key>();
    vault::Vault::new(&[key.expect("64 digits are a key")])
}

/// A project that is not stored yet.
#[must_use]
pub fn project(id: &str) -> Project {
    Project {
        uid: String::new(),
        team: "default".into(),
        number: 0,
        id: id.into(),
        name: id.into(),
        description: None,
        color: None,
        region: "local".into(),
        custom_registry: None,
        created_at: 0,
        updated_at: 0,
    }
}

/// A service of the project that is not stored yet.
#[must_use]
pub fn service(project: &Project, id: &str) -> Service {
    Service {
        uid: String::new(),
        project_uid: project.uid.clone(),
        number: 0,
        id: id.into(),
        name: id.into(),
        description: Some("a service".into()),
        spec: ServiceSpec::default(),
        unreadable: false,
        last_build_number: 0,
        created_at: 0,
        updated_at: 0,
    }
}

/// A request to build `main`.
#[must_use]
pub fn build_request() -> BuildRequest {
    BuildRequest {
        project_url: "https://example.com/a/b".into(),
        vcs_link: None,
        pull_request_branch: None,
        project_type: ProjectType::SelfHosted,
        bundle_url: None,
        branch: Some("main".into()),
        pull_request_id: None,
        from_fork: None,
        sha: None,
        docker_file_path: "/Dockerfile".into(),
        docker_work_dir: "/".into(),
        target: None,
        build_arguments: [("KEY".to_owned(), "value".to_owned())].into(),
        secret_arguments: [].into(),
        account_secrets: [].into(),
        build_files: [].into(),
        docker_secret_mounts: [].into(),
        docker_credentials: Vec::new(),
        push_to: None,
        use_cache: true,
        cache_storage_mb: None,
        include_git_folder: false,
        full_git_clone: false,
        enable_git_lfs: false,
        ephemeral_storage_mb: 1024,
        plan: Plan {
            id: "p".into(),
            cpu_hundredths: 100,
            memory_mb: 512,
        },
        architecture: None,
        time_limit_seconds: 60,
    }
}
