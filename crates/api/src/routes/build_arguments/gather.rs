//! Gathers what a build is given, at the moment in which it is accepted.

use crate::edge::{ApiError, Caller, Problems};
use crate::routes::secret_input::OVERRIDES;
use crate::state::State;
use domain::account_secret::{AccountValues, Reference};
use domain::secret_group::{Inheritance, SecretKind};
use domain::template::{self, Expanded, Referent, TooLarge};
use domain::{Permission as P, Project, SecretChanges, SecretValues, Service};
use std::collections::{BTreeMap, BTreeSet};

/// A service's own values and those of the groups that are for it.
pub(super) async fn inheritance(
    state: &State,
    project: &Project,
    service: &Service,
) -> Result<Inheritance, ApiError> {
    let own = state.store.service_secrets(&service.uid).await?;
    let groups = state
        .store
        .inherited_secrets(&project.uid, &service.id, &service.spec.tags)
        .await?;
    Ok(Inheritance::new(own, groups))
}

/// The same as far as the caller may know it: without the right to read groups, only what is the
/// service's own.
pub(super) async fn known_to(
    state: &State,
    caller: &Caller,
    project: &Project,
    service: &Service,
) -> Result<Inheritance, ApiError> {
    if caller.has_in(P::SecretRead, &project.id) {
        return inheritance(state, project, service).await;
    }
    let own = state.store.service_secrets(&service.uid).await?;
    Ok(Inheritance::new(own, Vec::new()))
}

/// What a build gets: what the service has and inherits, overrides on top, every reference replaced, and
/// what of it is secret. Secrets of the account come in whoever starts the build: whoever wrote the
/// reference was allowed to. Whether a caller may write those in overrides is for the caller's judge.
pub(crate) async fn given(
    state: &State,
    project: &Project,
    service: &Service,
    overrides: SecretChanges,
) -> Result<Expanded, ApiError> {
    let mut over = SecretValues::default();
    overrides.apply(&mut over);
    let all = inheritance(state, project, service).await?.under(over);
    let secret = all.secret_variables();
    let values = all.merged();
    template::check(&values).map_err(too_large)?;
    let account = Account::of(state, project, &values).await?;
    expand(values, secret, account).await
}

/// What the build of a fork's pull request gets: the call's own values, and nothing in the place of
/// references to what is the account's.
pub(crate) async fn given_to_a_stranger(overrides: SecretChanges) -> Result<Expanded, ApiError> {
    let mut values = SecretValues::default();
    overrides.apply(&mut values);
    let mut problems = Problems::default();
    OVERRIDES.refer_to_no_account(&values, &mut problems);
    problems.into_result()?;
    template::check(&values).map_err(too_large)?;
    expand(values, BTreeSet::new(), Account::default()).await
}

/// Replaces references, where nobody else waits for it.
async fn expand(
    values: SecretValues,
    secret: BTreeSet<String>,
    account: Account,
) -> Result<Expanded, ApiError> {
    let expand = move || template::expand(values, &secret, |name| account.find(name));
    let expanded = tokio::task::spawn_blocking(expand).await;
    let expanded = expanded.map_err(|error| {
        tracing::error!(%error, "references were not replaced");
        ApiError::internal()
    })?;
    expanded.map_err(too_large)
}

/// The values that are shown, with every reference replaced by what it is among `all` of a build's.
/// Secrets of the account stay what they are called, for who may not read them.
pub(super) async fn expanded(
    state: &State,
    caller: &Caller,
    project: &Project,
    mut all: SecretValues,
    shown: SecretValues,
) -> Result<SecretValues, ApiError> {
    all.extend(shown.clone());
    template::check(&all).map_err(too_large)?;
    let account = match caller.has(P::AccountSecretRead) {
        true => Account::of(state, project, &all).await?,
        false => Account::default(),
    };
    let mut all = expand(all, BTreeSet::new(), account).await?.values;
    all.variables
        .retain(|name, _| shown.variables.contains_key(name));
    all.files.retain(|name, _| shown.files.contains_key(name));
    all.mounts.retain(|name, _| shown.mounts.contains_key(name));
    Ok(all)
}

/// The secrets of the account that values refer to, by id.
#[derive(Default)]
struct Account(BTreeMap<String, (SecretKind, AccountValues)>);

impl Account {
    async fn of(
        state: &State,
        project: &Project,
        values: &SecretValues,
    ) -> Result<Account, ApiError> {
        let mut found = BTreeMap::new();
        for name in template::account_references_of(values) {
            let Some(reference) = Reference::parse(&name) else {
                continue;
            };
            if !found.contains_key(reference.id) {
                let secret = state
                    .store
                    .account_secret(&project.team, reference.id)
                    .await?;
                let secret = secret.map(|(secret, values)| (secret.kind, values));
                found.insert(reference.id.to_owned(), secret.unwrap_or_default());
            }
        }
        Ok(Account(found))
    }

    fn find(&self, name: &str) -> Option<Referent> {
        let reference = Reference::parse(name)?;
        let (kind, values) = self.0.get(reference.id)?;
        Some(Referent {
            text: reference.resolve(values)?,
            secret: *kind == SecretKind::Secret,
        })
    }
}

fn too_large(error: TooLarge) -> ApiError {
    ApiError::field(&format!("buildArguments.{}", error.name), error.to_string())
}
