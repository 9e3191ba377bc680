//! A project and a service to build in.

use domain::vcs::{VcsKind, VcsLink};
use domain::{Creator, Project, Secret, SecretValues, Service, Trigger};
use store::{NewBuild, Store};
pub use testkit::{project, service};

/// An open store with one project and one service.
pub struct Place {
    pub store: Store,
    pub project: Project,
    pub service: Service,
}

impl Place {
    pub async fn new(url: &str) -> Place {
        let store = Store::open(url, testkit::vault()).await.unwrap();
        let project = store.create_project(project("shop")).await.unwrap();
        let service = store
            .create_service(service(&project, "web"), &SecretValues::default())
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

pub fn new_build() -> NewBuild {
    NewBuild {
        request: testkit::build_request(),
        sha: None,
        trigger: Trigger::Call,
        created_by: Some(Creator {
            token_id: "token".into(),
            token_name: "ci".into(),
        }),
        retry_of: None,
    }
}

/// An account at a forge, by a token that is a secret.
pub fn link(id: &str) -> VcsLink {
    VcsLink {
        uid: String::new(),
        team: "default".into(),
        id: id.into(),
        name: id.into(),
        kind: VcsKind::Gitea,
        url: "https://git.example.com/".into(),
        login: "ann".into(),
        email: String::new(),
        token: Secret::new("hush-forge"),
        unreadable: false,
        created_at: 0,
    }
}
