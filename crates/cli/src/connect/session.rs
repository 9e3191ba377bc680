//! A server to talk to, and the ids that a verb is about.

use super::resolve::{Origin, Target};
use super::{explain, local};
use crate::args::{Body, BuildArg, Connection, ProjectArg, ServiceArg};
use crate::client::{BuildPath, Client, ClientError};
use crate::console::Console;
use crate::error::CliError;
use std::path::PathBuf;

/// A server to talk to.
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) origin: Origin,
    /// The file that says that a server of this machine is there.
    pub(super) address_file: Option<PathBuf>,
    /// Whether what is sent was said with flags alone, and not as a body.
    pub(super) by_flags: bool,
    project: Option<String>,
    service: Option<String>,
}

/// The ids that a verb is about, from the outside in; what is open is `None`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    pub(crate) project: Option<String>,
    pub(crate) service: Option<String>,
    pub(crate) build: Option<String>,
}

impl Session {
    pub(crate) fn open(console: &Console, asked: &Connection) -> Result<Session, CliError> {
        let target = Target::resolve(asked, &console.environment)?;
        let client = Client::new(&target.host, &target.token).map_err(|error| CliError::Call {
            explanation: error.to_string(),
            source: error,
        })?;
        Ok(Session {
            client,
            address_file: local::file_naming(&console.environment, &target.host),
            origin: target.origin,
            by_flags: true,
            project: target.project,
            service: target.service,
        })
    }

    /// The same session for what is sent with this body; errors then speak of its fields.
    pub(crate) fn with_body(self, body: &Body) -> Session {
        Session {
            by_flags: !body.is_given(),
            ..self
        }
    }

    /// Makes a call about a place; a failure comes back explained.
    pub(crate) async fn at<T>(
        &self,
        place: &Place,
        call: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, CliError> {
        match call.await {
            Ok(value) => Ok(value),
            Err(error) => Err(self.explain(place, error).await),
        }
    }

    /// What to do about a failed call.
    pub(crate) async fn explain(&self, place: &Place, error: ClientError) -> CliError {
        explain::explain(self, place, error).await
    }

    /// The project's id: given, or the default.
    pub(crate) async fn project(&self, given: &ProjectArg) -> Result<String, CliError> {
        match given.project.as_ref().or(self.project.as_ref()) {
            Some(id) => Ok(id.clone()),
            None => Err(explain::missing(self, &Place::default()).await),
        }
    }

    /// The project's and the service's id.
    pub(crate) async fn service(&self, given: &ServiceArg) -> Result<(String, String), CliError> {
        let project = self.project(&given.of).await?;
        // A default service belongs to the default project.
        let elsewhere = given.of.project.is_some() && given.of.project != self.project;
        let default = self.service.as_ref().filter(|_| !elsewhere);
        match given.service.as_ref().or(default) {
            Some(id) => Ok((project, id.clone())),
            None => Err(explain::missing(self, &Place::project(&project)).await),
        }
    }

    /// The build with its project's and service's ids.
    pub(crate) async fn build(&self, given: &BuildArg) -> Result<BuildPath, CliError> {
        let (project, service) = self.service(&given.of).await?;
        match &given.build {
            Some(build) => Ok(BuildPath {
                project,
                service,
                build: build.clone(),
            }),
            None => Err(explain::missing(self, &Place::service(&project, &service)).await),
        }
    }
}

impl Place {
    pub(crate) fn project(project: &str) -> Place {
        Place {
            project: Some(project.to_owned()),
            ..Place::default()
        }
    }

    pub(crate) fn service(project: &str, service: &str) -> Place {
        Place {
            service: Some(service.to_owned()),
            ..Place::project(project)
        }
    }

    pub(crate) fn build(path: &BuildPath) -> Place {
        Place {
            build: Some(path.build.clone()),
            ..Place::service(&path.project, &path.service)
        }
    }
}
