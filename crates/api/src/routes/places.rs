//! The way from a path to the project or service it names.

use crate::edge::{ApiError, Caller, Place};
use crate::state::State;
use domain::{Project, Service};

impl Place {
    pub(crate) async fn project(
        &self,
        state: &State,
        caller: &Caller,
    ) -> Result<Project, ApiError> {
        let missing = || ApiError::not_found("project", &self.project_id);
        let team = caller.team(self.team_id.as_deref())?;
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
    ) -> Result<(Project, Service), ApiError> {
        let project = self.project(state, caller).await?;
        let service = state
            .store
            .service(&project.uid, &self.service_id)
            .await?
            .ok_or_else(|| ApiError::not_found("service", &self.service_id))?;
        Ok((project, service))
    }
}
