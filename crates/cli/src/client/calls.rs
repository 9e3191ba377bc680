//! The typed calls.

use super::envelope::parse;
use super::{Build, BuildPath, Client, ClientError, Project, Service};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Rows per request when all of a list is wanted: the contract's maximum.
const FULL_PAGE: &str = "100";

impl Client {
    /// Checks the token.
    pub async fn check_login(&self) -> Result<Value, ClientError> {
        Ok(self.get(&["login"], &[]).await?.data)
    }

    /// All projects.
    pub async fn projects(&self) -> Result<Vec<Project>, ClientError> {
        self.whole_list(&["projects"], "projects").await
    }

    /// All services of a project.
    pub async fn services(&self, project: &str) -> Result<Vec<Service>, ClientError> {
        self.whole_list(&["projects", project, "services"], "services")
            .await
    }

    /// The newest builds of a service, at most `count` (1 to 100).
    pub async fn newest_builds(
        &self,
        project: &str,
        service: &str,
        count: u8,
    ) -> Result<Vec<Build>, ClientError> {
        let path = ["projects", project, "services", service, "build"];
        self.get(&path, &[("per_page", count.to_string())])
            .await?
            .rows("builds")
    }

    /// Creates a project.
    pub async fn create_project(&self, body: &Value) -> Result<Project, ClientError> {
        self.post(&["projects"], body).await?.parse()
    }

    /// Creates a build service.
    pub async fn create_service(
        &self,
        project: &str,
        body: &Value,
    ) -> Result<Service, ClientError> {
        self.post(&["projects", project, "services", "build"], body)
            .await?
            .parse()
    }

    /// Starts a build.
    pub async fn start_build(
        &self,
        project: &str,
        service: &str,
        body: &Value,
    ) -> Result<Build, ClientError> {
        self.post(&["projects", project, "services", service, "build"], body)
            .await?
            .parse()
    }

    /// One build.
    pub async fn build(&self, path: &BuildPath) -> Result<Build, ClientError> {
        self.get(&path.segments(), &[]).await?.parse()
    }

    /// Stops a build.
    pub async fn abort_build(&self, path: &BuildPath) -> Result<(), ClientError> {
        self.delete(&path.segments(), &[]).await.map(drop)
    }

    async fn whole_list<T: DeserializeOwned>(
        &self,
        path: &[&str],
        key: &str,
    ) -> Result<Vec<T>, ClientError> {
        let query = [("per_page", FULL_PAGE.to_owned())];
        let mut all = self.get_all(path, &query, key).await?;
        parse(all[key].take())
    }
}

impl BuildPath {
    /// The path below `/v1`.
    pub(crate) fn segments(&self) -> [&str; 6] {
        [
            "projects",
            &self.project,
            "services",
            &self.service,
            "build",
            &self.build,
        ]
    }
}
