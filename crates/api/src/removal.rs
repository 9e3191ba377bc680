//! Taking a service or a project away: what runs is aborted, then every row goes in one
//! transaction. Logs follow (`dispatch` deletes them, also after a crash), and layers that nothing
//! shows any more go with the registry's garbage.

use crate::edge::ApiError;
use crate::state::State;
use domain::{Project, Reason, Service, Status};
use store::Ending;

/// Removes a service with its builds, logs and images.
pub(crate) async fn remove_service(state: &State, service: &Service) -> Result<(), ApiError> {
    let ending = Ending {
        status: Status::Aborted,
        reason: Some(Reason::ServiceDeleted),
        message: "Aborted because the service was deleted".to_owned(),
        image: None,
        usage: None,
    };
    for build in state.store.unfinished_builds(&service.uid).await? {
        state
            .store
            .conclude_by_server(&build.uid, None, &ending)
            .await?;
    }
    let _no_pushes = state.registry.hold_pushes().await;
    Ok(state.store.delete_service(&service.uid).await?)
}

/// Removes an empty project with what was pushed to it by hand; `false` when it has
/// services or groups of secrets.
pub(crate) async fn remove_project(state: &State, project: &Project) -> Result<bool, ApiError> {
    let _no_pushes = state.registry.hold_pushes().await;
    Ok(state.store.delete_project(&project.uid).await?)
}
