//! A project and a service to build in.

use domain::{BuildRequest, Creator, Plan, Project, Service, ServiceSpec};
use store::{NewBuild, Store};

/// An open store with one project and one service.
pub struct Place {
    pub store: Store,
    pub project: Project,
    pub service: Service,
}

impl Place {
    pub async fn new(url: &str) -> Place {
        let store = Store::open(url).await.unwrap();
        let project = store.create_project(project("shop")).await.unwrap();
        let service = store
            .create_service(service(&project, "web"))
            .await
            .unwrap();
        Place {
            store,
            project,
            service,
        }
    }

    /// Accepts a build of `main`.
    pub async fn accept(&self) -> domain::Build {
        self.store
            .accept_build(&self.service, new_build())
            .await
            .unwrap()
    }

    /// The service as it is stored now.
    pub async fn service_now(&self) -> Service {
        self.store
            .service(&self.project.uid, &self.service.id)
            .await
            .unwrap()
            .unwrap()
    }
}

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
        created_at: 0,
        updated_at: 0,
    }
}

pub fn service(project: &Project, id: &str) -> Service {
    Service {
        uid: String::new(),
        project_uid: project.uid.clone(),
        number: 0,
        id: id.into(),
        name: id.into(),
        description: Some("a service".into()),
        spec: ServiceSpec::default(),
        last_build_number: 0,
        created_at: 0,
        updated_at: 0,
    }
}

pub fn new_build() -> NewBuild {
    let request = BuildRequest {
        project_url: "https://example.com/a/b".into(),
        project_type: domain::service::ProjectType::SelfHosted,
        branch: Some("main".into()),
        pull_request_id: None,
        sha: None,
        docker_file_path: "/Dockerfile".into(),
        docker_work_dir: "/".into(),
        target: None,
        build_arguments: [("KEY".to_owned(), "value".to_owned())].into(),
        use_cache: true,
        cache_storage_mb: None,
        include_git_folder: false,
        ephemeral_storage_mb: 1024,
        plan: Plan {
            id: "p".into(),
            cpu_hundredths: 100,
            memory_mb: 512,
        },
        architecture: None,
        time_limit_seconds: 60,
    };
    NewBuild {
        request,
        sha: None,
        created_by: Some(Creator {
            token_id: "token".into(),
            token_name: "ci".into(),
        }),
    }
}
