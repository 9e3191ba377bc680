//! The logins that a worker is given with its job: looked up when it takes the build, so that what
//! was changed or withdrawn since the build was accepted counts.

use crate::state::State;
use domain::registry_address::host_and_path;
use domain::{BuildRequest, PushTo, RegistryCredential};
use store::StoreError;

/// The logins of one job.
#[derive(Default)]
pub(crate) struct JobCredentials {
    /// Those for base images, in the order in which the service names them.
    pub(crate) pull: Vec<protocol::RegistryCredential>,
    /// The one to push with.
    pub(crate) push: Option<protocol::RegistryCredential>,
}

/// The logins that a build of the project needs and may use.
pub(crate) async fn look_up(
    state: &State,
    project_uid: &str,
    request: &BuildRequest,
) -> Result<JobCredentials, StoreError> {
    if request.docker_credentials.is_empty() && request.push_to.is_none() {
        return Ok(JobCredentials::default());
    }
    let usable = state.store.credentials_for_project(project_uid).await?;
    let named = request.docker_credentials.iter();
    let pull = named.filter_map(|id| usable.iter().find(|c| c.id == *id && c.access.pull));
    let push = request.push_to.as_ref();
    let push = push.and_then(|to| usable.iter().find(|credential| pushes_to(credential, to)));
    Ok(JobCredentials {
        pull: pull.map(given).collect(),
        push: push.map(given),
    })
}

/// Whether it is the login to that registry: one that was deleted and made anew under the same name
/// may be for another.
fn pushes_to(credential: &RegistryCredential, to: &PushTo) -> bool {
    let host = |address: &str| host_and_path(address).0.to_owned();
    credential.id == to.credential_id
        && credential.access.push
        && host(&credential.registry) == host(&to.repository)
}

fn given(credential: &RegistryCredential) -> protocol::RegistryCredential {
    protocol::RegistryCredential {
        id: credential.id.clone(),
        registry: credential.registry.clone(),
        username: credential.login.username.clone(),
        password: credential.login.password.expose().to_owned(),
    }
}
