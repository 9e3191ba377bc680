//! Taking a service away: what runs is aborted, then rows, logs and images go.

use crate::edge::ApiError;
use crate::state::State;
use domain::{Project, Reason, Service, Status};
use store::Ending;

/// Removes a service with its builds, logs and images.
pub(crate) async fn remove_service(
    state: &State,
    project: &Project,
    service: &Service,
) -> Result<(), ApiError> {
    let ending = Ending {
        status: Status::Aborted,
        reason: Some(Reason::ServiceDeleted),
        message: "Aborted because the service was deleted".to_owned(),
        image: None,
    };
    for build in state.store.unfinished_builds(&service.uid).await? {
        state
            .store
            .conclude_by_server(&build.uid, None, &ending)
            .await?;
    }
    let builds = state.store.delete_service(&service.uid).await?;
    for build in builds {
        if let Err(error) = state.logs.delete(&build).await {
            tracing::warn!(%error, %build, "a deleted build's log is left over");
        }
    }
    let repository = repository(project, service);
    if let Err(error) = state.registry.delete_repository(&repository).await {
        tracing::warn!(%error, repository, "a deleted service's images are left over");
    }
    Ok(())
}

/// The service's repository in the embedded registry.
pub(crate) fn repository(project: &Project, service: &Service) -> String {
    format!("{}/{}", project.id, service.id)
}
