//! Secrets of an account: what the arguments, files and mounts of its projects may refer to, as
//! `${secrets.ID.values.KEY}`.

mod input;
mod view;

use crate::edge::{
    ApiError, Body, Caller, Data, Listed, Nothing, PageQuery, Paging, Params, Path, Place, Start,
    call,
};
use crate::state::State;
use aide::axum::ApiRouter;
use axum::extract::State as FromState;
use domain::account_secret::AccountValues;
use domain::secret_group::SecretKind;
use domain::{AccountSecret, Permission as P, slug};
use input::{SecretInput, lay_on};
use schemars::JsonSchema;
use serde::Serialize;
use view::{SecretView, Summary, may_read, view};

/// Secrets of an account.
pub(crate) fn routes() -> ApiRouter<State> {
    let list = call("list.globalSecrets", "List the account's secrets");
    let create = call("create.globalSecret", "Create a secret of the account");
    let put = call(
        "put.globalSecret",
        "Create or replace a secret of the account",
    );
    let get = call("get.globalSecret", "Get a secret of the account");
    let patch = call("patch.globalSecret", "Change a secret of the account");
    let delete = call("delete.globalSecret", "Delete a secret of the account");
    ApiRouter::new()
        .api_route(
            "/secrets",
            list.needs(P::AccountSecretRead)
                .get(self::list)
                .merge(create.needs(P::AccountSecretCreate).post(self::create))
                .merge(put.needs(P::AccountSecretCreate).put(self::put)),
        )
        .api_route(
            "/secrets/{secretId}",
            get.needs(P::AccountSecretRead)
                .get(self::get)
                .merge(patch.needs(P::AccountSecretUpdate).patch(self::patch))
                .merge(delete.needs(P::AccountSecretDelete).delete(self::delete)),
        )
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Secrets {
    secrets: Vec<Summary>,
}

/// `GET /v1/secrets`: without their values.
pub(crate) async fn list(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    params: Params<Paging>,
) -> Result<Listed<Secrets>, ApiError> {
    let team = caller.team(place.team_id.as_deref())?;
    let list = format!("account-secrets:{team}");
    let page = PageQuery::read(&params, &state.sealer, &list)?;
    let (after, skip) = match page.start {
        Start::After(number) => (number, 0),
        Start::Skip(count) => (0, count),
    };
    let mut rows = state
        .store
        .account_secrets(team, after, skip, page.limit())
        .await?;
    let pagination = page.cut(&mut rows, &state.sealer, &list, |secret| secret.number);
    let secrets = rows.into_iter().map(Summary::from).collect();
    Ok(Listed {
        data: Secrets { secrets },
        pagination,
    })
}

async fn find(
    state: &State,
    caller: &Caller,
    place: &Place,
) -> Result<(AccountSecret, AccountValues), ApiError> {
    let team = caller.team(place.team_id.as_deref())?;
    let id = &place.secret_id;
    let found = state.store.account_secret(team, id).await?;
    found.ok_or_else(|| missing(id))
}

fn missing(id: &str) -> ApiError {
    ApiError::not_found("secret", id)
}

/// `GET /v1/secrets/{secretId}`.
pub(crate) async fn get(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
) -> Result<Data<SecretView>, ApiError> {
    let (secret, values) = find(&state, &caller, &place).await?;
    Ok(view(&caller, secret, values))
}

/// `POST /v1/secrets`.
pub(crate) async fn create(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    Body(input): Body<SecretInput>,
) -> Result<Data<SecretView>, ApiError> {
    let team = caller.team(place.team_id.as_deref())?;
    input.check(true)?;
    make(&state, &caller, team, input).await
}

async fn make(
    state: &State,
    caller: &Caller,
    team: &str,
    input: SecretInput,
) -> Result<Data<SecretView>, ApiError> {
    let name = input.name.unwrap_or_default();
    let id = slug::from_name(&name);
    let taken = format!("There is a secret with the id `{id}` already.");
    let secret = AccountSecret {
        uid: String::new(),
        team: team.to_owned(),
        number: 0,
        id,
        name,
        description: input.description,
        kind: input.kind.unwrap_or_default(),
        created_at: 0,
        updated_at: 0,
    };
    let mut values = AccountValues::default();
    lay_on(&mut values, input.secrets);
    let made = state.store.create_account_secret(secret, &values).await;
    let secret = made.map_err(ApiError::or_taken(taken))?;
    Ok(view(caller, secret, values))
}

/// `PUT /v1/secrets`: creates, or makes the one whose id the name derives exactly what the body says.
pub(crate) async fn put(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    Body(input): Body<SecretInput>,
) -> Result<Data<SecretView>, ApiError> {
    let team = caller.team(place.team_id.as_deref())?;
    input.check(true)?;
    let id = slug::from_name(input.name.as_deref().unwrap_or_default());
    let Some((secret, before)) = state.store.account_secret(team, &id).await? else {
        let made = make(&state, &caller, team, input).await;
        return made.map_err(ApiError::or_made_meanwhile);
    };
    caller.require(P::AccountSecretUpdate)?;
    let kind = input.kind.unwrap_or_default();
    may_unmask(&caller, (&secret, &before), kind)?;
    let secret = AccountSecret {
        description: input.description,
        kind,
        ..secret
    };
    // What the caller was not shown stays.
    let mut values = match may_read(&caller) {
        true => AccountValues::default(),
        false => before,
    };
    lay_on(&mut values, input.secrets);
    change(&state, &caller, secret, values).await
}

/// `PATCH /v1/secrets/{secretId}`: changes what the body names.
pub(crate) async fn patch(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    Body(input): Body<SecretInput>,
) -> Result<Data<SecretView>, ApiError> {
    let (mut secret, mut values) = find(&state, &caller, &place).await?;
    input.check(false)?;
    secret.description = input.description.or(secret.description);
    let kind = input.kind.unwrap_or(secret.kind);
    may_unmask(&caller, (&secret, &values), kind)?;
    secret.kind = kind;
    lay_on(&mut values, input.secrets);
    change(&state, &caller, secret, values).await
}

/// Values that were masked in logs until now are shown there only by somebody who may read them.
fn may_unmask(
    caller: &Caller,
    (secret, values): (&AccountSecret, &AccountValues),
    kind: SecretKind,
) -> Result<(), ApiError> {
    let unmasked = kind == SecretKind::Config && secret.kind == SecretKind::Secret;
    if unmasked && *values != AccountValues::default() {
        caller.require(P::AccountSecretRead)?;
    }
    Ok(())
}

async fn change(
    state: &State,
    caller: &Caller,
    secret: AccountSecret,
    values: AccountValues,
) -> Result<Data<SecretView>, ApiError> {
    let changed = state.store.update_account_secret(&secret, &values).await?;
    let secret = changed.ok_or_else(|| missing(&secret.id))?;
    Ok(view(caller, secret, values))
}

/// `DELETE /v1/secrets/{secretId}`. What refers to it gets the reference as it is from then on.
pub(crate) async fn delete(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
) -> Result<Nothing, ApiError> {
    let team = caller.team(place.team_id.as_deref())?;
    let id = &place.secret_id;
    if state.store.delete_account_secret(team, id).await? {
        return Ok(Nothing::new());
    }
    Err(missing(id))
}
