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
    remove_images(state, &repository(project, service)).await;
    Ok(())
}

/// Removes the images of a service or of a whole project: pushed by hand, they may lie where no
/// service is.
pub(crate) async fn remove_images(state: &State, name: &str) {
    if let Err(error) = state.registry.delete_repositories(name).await {
        tracing::warn!(%error, name, "deleted images are left over");
    }
}

/// The service's repository in the embedded registry.
pub(crate) fn repository(project: &Project, service: &Service) -> String {
    format!("{}/{}", project.id, service.id)
}
