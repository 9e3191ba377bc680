//! Paths, and the way from a path to the project or service it names: visible to this token, with
//! the permission the call needs, in that order, so that nothing shows what may not be seen.

use crate::edge::{ApiError, Caller};
use crate::state::State;
use domain::{Permission, Project, Service};
use serde::Deserialize;

/// The parameters of any path; what a route does not have stays `None` or empty.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Place {
    pub(crate) team_id: Option<String>,
    pub(crate) project_id: String,
    pub(crate) service_id: String,
    pub(crate) build_id: String,
}

impl Place {
    pub(crate) async fn project(
        &self,
        state: &State,
        caller: &Caller,
        permission: Permission,
    ) -> Result<Project, ApiError> {
        let missing = || ApiError::not_found("project", &self.project_id);
        let team = caller.team(self.team_id.as_deref())?;
        if !caller.sees_project_id(&self.project_id) {
            return Err(missing());
        }
        caller.require(permission)?;
        state
            .store
            .project(team, &self.project_id)
            .await?
            .ok_or_else(missing)
    }

    pub(crate) async fn service(
        &self,
        state: &State,
        caller: &Caller,
        permission: Permission,
    ) -> Result<(Project, Service), ApiError> {
        let project = self.project(state, caller, permission).await?;
        let service = state
            .store
            .service(&project.uid, &self.service_id)
            .await?
            .ok_or_else(|| ApiError::not_found("service", &self.service_id))?;
        Ok((project, service))
    }
}
