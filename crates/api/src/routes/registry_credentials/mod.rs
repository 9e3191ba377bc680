//! Logins to registries: base images are pulled with them, and images pushed.

mod input;
mod view;

use crate::edge::{
    ApiError, Body, Caller, Data, Listed, Nothing, PageQuery, Paging, Params, Path, Place, call,
};
use crate::state::State;
use aide::axum::ApiRouter;
use axum::extract::State as FromState;
use domain::{Permission as P, RegistryCredential};
use input::{CredentialChange, CredentialInput};
use store::CredentialDeletion;
use view::{CredentialView, Credentials};

/// Logins to registries.
pub(crate) fn routes() -> ApiRouter<State> {
    let list = call("list.registryCredentials", "List registry credentials");
    let add = call("add.registryCredentials", "Add a registry credential");
    let get = call(
        "get.registryCredentials",
        "Get a registry credential with its login",
    );
    let update = call("update.registryCredentials", "Change a registry credential");
    let delete = call("delete.registryCredentials", "Delete a registry credential");
    ApiRouter::new()
        .api_route(
            "/integrations/registries",
            list.needs(P::CredentialsRead)
                .get(self::list)
                .merge(add.needs(P::CredentialsCreate).post(self::add)),
        )
        .api_route(
            "/integrations/registries/{credentialId}",
            get.needs(P::CredentialsReadEncrypted)
                .get(self::get)
                .merge(update.needs(P::CredentialsUpdate).patch(self::update))
                .merge(delete.needs(P::CredentialsDelete).delete(self::delete)),
        )
}

/// `GET /v1/integrations/registries`.
pub(crate) async fn list(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    params: Params<Paging>,
) -> Result<Listed<Credentials>, ApiError> {
    let team = caller.team(place.team_id.as_deref())?;
    let list = format!("registry-credentials:{team}");
    let page = PageQuery::read(&params, &state.sealer, &list)?;
    let mut rows = state.store.registry_credentials(team).await?;
    rows.retain(|credential| sees(&caller, credential));
    let mut rows = page.of_few(rows, |credential| credential.number);
    let pagination = page.cut(&mut rows, &state.sealer, &list, |row| row.number);
    let credentials = rows.into_iter().map(CredentialView::listed).collect();
    Ok(Listed {
        data: Credentials { credentials },
        pagination,
    })
}

/// `POST /v1/integrations/registries`.
pub(crate) async fn add(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    Body(input): Body<CredentialInput>,
) -> Result<Data<CredentialView>, ApiError> {
    let team = caller.team(place.team_id.as_deref())?;
    let credential = input.checked(&state, &caller, team).await?;
    let taken = format!(
        "There is a registry credential with the id `{}` already; choose another name.",
        credential.id
    );
    let made = state.store.create_registry_credential(credential).await;
    let made = made.map_err(ApiError::or_taken(taken))?;
    Ok(Data {
        // Who may make one may not thereby read it.
        data: CredentialView::made(made),
    })
}

/// `GET /v1/integrations/registries/{credentialId}`.
pub(crate) async fn get(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
) -> Result<Data<CredentialView>, ApiError> {
    let credential = find(&state, &caller, &place).await?;
    Ok(Data {
        data: CredentialView::whole(credential),
    })
}

/// `PATCH /v1/integrations/registries/{credentialId}`: changes what the body names.
pub(crate) async fn update(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    Body(input): Body<CredentialChange>,
) -> Result<Nothing, ApiError> {
    let credential = find(&state, &caller, &place).await?;
    let changes = input.checked(&state, &caller, &credential).await?;
    let changed = state.store.update_registry_credential(&credential, changes);
    if changed.await? {
        return Ok(Nothing::new());
    }
    Err(missing(&place))
}

/// `DELETE /v1/integrations/registries/{credentialId}`.
pub(crate) async fn delete(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
) -> Result<Nothing, ApiError> {
    let credential = find(&state, &caller, &place).await?;
    let (team, id) = (&credential.team, &credential.id);
    match state.store.delete_registry_credential(team, id).await? {
        CredentialDeletion::Deleted => Ok(Nothing::new()),
        CredentialDeletion::NotFound => Err(missing(&place)),
        CredentialDeletion::InUse(project) => Err(ApiError::conflict(format!(
            "The project `{project}` pushes its images with this credential. Change the project's \
             `customRegistry` first."
        ))),
    }
}

fn missing(place: &Place) -> ApiError {
    ApiError::not_found("registry credential", &place.credential_id)
}

async fn find(
    state: &State,
    caller: &Caller,
    place: &Place,
) -> Result<RegistryCredential, ApiError> {
    let team = caller.team(place.team_id.as_deref())?;
    let id = &place.credential_id;
    let found = state.store.registry_credential(team, id).await?;
    found
        .filter(|credential| holds(caller, credential.access.projects.as_deref()))
        .ok_or_else(|| missing(place))
}

/// Whether all that a credential is for is the caller's to see: others push and pull with it, too, so
/// who sees less neither reads nor changes it.
fn holds(caller: &Caller, projects: Option<&[String]>) -> bool {
    let seen = caller.token.rights.seen();
    match projects {
        None => seen.is_all(),
        Some(projects) => projects.iter().all(|project| seen.covers(project)),
    }
}

/// Whether a caller sees a credential: one that is for a project that the caller sees.
fn sees(caller: &Caller, credential: &RegistryCredential) -> bool {
    let seen = caller.token.rights.seen();
    let only = credential.access.projects.as_ref();
    seen.is_all() || only.is_none_or(|only| only.iter().any(|project| seen.covers(project)))
}
