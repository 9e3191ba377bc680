//! A project and a service on a server, and what one does with their builds.

use super::{Answer, Api, Repository, Server, until};
use serde_json::{Value, json};

/// Where a test builds.
pub struct Place {
    pub api: Api,
    pub project: String,
    pub service: String,
}

impl Place {
    /// Makes project `shop` with service `web` that builds `repository`.
    pub async fn new(server: &Server, repository: &Repository) -> Place {
        Place::named(server, "shop", "web", repository, json!({})).await
    }

    /// Makes a project (unless it is there) with a service; `extra` is laid over the service's body.
    pub async fn named(
        server: &Server,
        project: &str,
        service: &str,
        repository: &Repository,
        extra: Value,
    ) -> Place {
        Place::at(server, project, service, &repository.url(), extra).await
    }

    /// The same with any URL for the repository.
    pub async fn at(
        server: &Server,
        project: &str,
        service: &str,
        url: &str,
        extra: Value,
    ) -> Place {
        Place::of(server.api(), project, service, url, extra).await
    }

    /// The same by anybody who may, in their own team.
    pub async fn of(api: Api, project: &str, service: &str, url: &str, extra: Value) -> Place {
        let made = json!({"name": project, "region": "local"});
        api.call("PUT", "/v1/projects", Some(made)).await.data();
        let mut body = json!({
            "name": service,
            "billing": {},
            "vcsData": {"projectUrl": url, "projectType": "self-hosted"},
            "buildSettings": {"dockerfile": {"dockerFilePath": "/Dockerfile", "dockerWorkDir": "/"}},
        });
        for (key, value) in extra.as_object().unwrap() {
            body[key] = value.clone();
        }
        api.post(&format!("/v1/projects/{project}/services/build"), body)
            .await
            .data();
        Place {
            api,
            project: project.to_owned(),
            service: service.to_owned(),
        }
    }

    /// The service's path.
    pub fn path(&self) -> String {
        format!("/v1/projects/{}/services/{}", self.project, self.service)
    }

    /// Starts a build of `main`; its id.
    pub async fn build(&self) -> String {
        self.start(json!({"branch": "main"})).await
    }

    /// Starts a build; its id.
    pub async fn start(&self, body: Value) -> String {
        let answer = self.api.post(&format!("{}/build", self.path()), body).await;
        answer.data()["id"].as_str().unwrap().to_owned()
    }

    pub async fn get(&self, id: &str) -> Value {
        self.api
            .get(&format!("{}/build/{id}", self.path()))
            .await
            .data()
            .clone()
    }

    pub async fn abort(&self, id: &str) -> Answer {
        self.api
            .call("DELETE", &format!("{}/build/{id}", self.path()), None)
            .await
    }

    /// Waits until the build has this status; fails when it ends otherwise.
    pub async fn reaches(&self, id: &str, status: &str) -> Value {
        until(&format!("{id} to be {status}"), async || {
            let build = self.get(id).await;
            let over = build["concluded"] == true;
            assert!(
                !over || build["status"] == status,
                "{build:#}\n{}",
                self.log(id).await
            );
            (build["status"] == status).then_some(build)
        })
        .await
    }

    /// Waits until the build is over.
    pub async fn ends(&self, id: &str) -> Value {
        until(&format!("{id} to end"), async || {
            let build = self.get(id).await;
            (build["concluded"] == true).then_some(build)
        })
        .await
    }

    /// Waits until the log has a line with this text.
    pub async fn logs(&self, id: &str, text: &str) {
        until(&format!("{id} to log {text}"), async || {
            self.lines(id)
                .await
                .iter()
                .any(|line| line.contains(text))
                .then_some(())
        })
        .await;
    }

    /// The build's log so far.
    pub async fn lines(&self, id: &str) -> Vec<String> {
        let path = format!(
            "{}/build-logs?queryType=range&lineLimit=10000&buildId={id}",
            self.path()
        );
        let answer = self.api.get(&path).await;
        let lines = answer.data().as_array().unwrap();
        lines
            .iter()
            .map(|line| line["log"].as_str().unwrap().to_owned())
            .collect()
    }

    async fn log(&self, id: &str) -> String {
        self.lines(id).await.join("\n")
    }
}
