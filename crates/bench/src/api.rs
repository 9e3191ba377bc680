//! Calls to the server, as a program makes them.

use crate::process::until;
use anyhow::{Context, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// How often a build is looked at while it is waited for.
const LOOK: Duration = Duration::from_millis(5);

/// A client with the administrator's token.
#[derive(Clone)]
pub(crate) struct Api {
    base: String,
    token: String,
    http: reqwest::Client,
}

/// A service, by its path.
#[derive(Clone)]
pub(crate) struct Service {
    api: Api,
    path: String,
    /// Its repository in the registry.
    pub(crate) image: String,
}

impl Api {
    pub(crate) fn new(base: String, token: String) -> Api {
        Api {
            base,
            token,
            http: reqwest::Client::new(),
        }
    }

    /// The `data` of a success.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> anyhow::Result<Value> {
        let mut request = self
            .http
            .request(method.clone(), format!("{}{path}", self.base))
            .bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "{method} {path}: {status}: {text}");
        let value: Value = serde_json::from_str(&text)?;
        Ok(value)
    }

    /// The bytes of an answer.
    pub(crate) async fn bytes(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        let url = format!("{}{path}", self.base);
        let answer = self.http.get(url).bearer_auth(&self.token).send().await?;
        ensure!(answer.status().is_success(), "{path}: {}", answer.status());
        Ok(answer.bytes().await?.to_vec())
    }

    /// Makes a service of project `bench` that builds the repository in this folder.
    pub(crate) async fn service(&self, name: &str, repository: &Path) -> anyhow::Result<Service> {
        let project = json!({"name": "bench", "region": "local"});
        self.call(Method::PUT, "/v1/projects", Some(project))
            .await?;
        let url = format!("file://{}", repository.display());
        let body = json!({
            "name": name,
            "billing": {},
            "vcsData": {"projectUrl": url, "projectType": "self-hosted"},
            "buildSettings": {"dockerfile": {"dockerFilePath": "/Dockerfile", "dockerWorkDir": "/"}},
        });
        self.call(
            Method::POST,
            "/v1/projects/bench/services/build",
            Some(body),
        )
        .await?;
        Ok(Service {
            api: self.clone(),
            path: format!("/v1/projects/bench/services/{name}/build"),
            image: format!("bench/{name}"),
        })
    }
}

impl Service {
    /// Starts a build of `main`; its id.
    pub(crate) async fn trigger(&self) -> anyhow::Result<String> {
        let body = Some(json!({"branch": "main"}));
        let answer = self.api.call(Method::POST, &self.path, body).await?;
        let id = answer["data"]["id"].as_str();
        Ok(id.context("a build without an id")?.to_owned())
    }

    /// Waits until a build is over.
    pub(crate) async fn end_of(&self, id: &str) -> anyhow::Result<Value> {
        let path = format!("{}/{id}", self.path);
        until("a build to end", LOOK, async || {
            let mut answer = self.api.call(Method::GET, &path, None).await?;
            let build = answer["data"].take();
            Ok((build["concluded"] == true).then_some(build))
        })
        .await
    }

    /// Starts a build and waits until its image can be pulled.
    pub(crate) async fn build(&self) -> anyhow::Result<Value> {
        let id = self.trigger().await?;
        let build = self.end_of(&id).await?;
        ensure!(build["status"] == "SUCCESS", "the build failed: {build}");
        Ok(build)
    }
}
