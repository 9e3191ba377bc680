//! Gathers what a build is given, at the moment in which it is accepted.

use crate::edge::{ApiError, Caller};
use crate::routes::secret_input::may_refer;
use crate::state::State;
use domain::account_secret::{AccountValues, Reference};
use domain::secret_group::Inheritance;
use domain::template::{self, TooLarge};
use domain::{Permission as P, Project, SecretChanges, SecretValues, Service};
use std::collections::BTreeMap;

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

/// What a build gets: what the service has and inherits, the call's overrides on top, and every
/// reference replaced. Secrets of the account come in whoever starts the build: whoever wrote the
/// reference was allowed to.
pub(crate) async fn for_build(
    state: &State,
    caller: &Caller,
    project: &Project,
    service: &Service,
    overrides: SecretChanges,
) -> Result<SecretValues, ApiError> {
    may_refer(caller, &overrides, &SecretValues::default())?;
    let mut values = inheritance(state, project, service).await?.merged();
    let mut over = SecretValues::default();
    overrides.apply(&mut over);
    values.extend(over);
    template::check(&values).map_err(too_large)?;
    let account = Account::of(state, project, &values).await?;
    expand(values, account).await
}

/// Replaces references, where nobody else waits for it.
async fn expand(values: SecretValues, account: Account) -> Result<SecretValues, ApiError> {
    let expand = move || template::expand(values, |name| account.find(name));
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
    let mut all = expand(all, account).await?;
    all.variables
        .retain(|name, _| shown.variables.contains_key(name));
    all.files.retain(|name, _| shown.files.contains_key(name));
    all.mounts.retain(|name, _| shown.mounts.contains_key(name));
    Ok(all)
}

/// The secrets of the account that values refer to, by id.
#[derive(Default)]
struct Account(BTreeMap<String, AccountValues>);

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
                let values = secret.map(|(_, values)| values).unwrap_or_default();
                found.insert(reference.id.to_owned(), values);
            }
        }
        Ok(Account(found))
    }

    fn find(&self, name: &str) -> Option<String> {
        let reference = Reference::parse(name)?;
        reference.resolve(self.0.get(reference.id)?)
    }
}

fn too_large(error: TooLarge) -> ApiError {
    ApiError::field(&format!("buildArguments.{}", error.name), error.to_string())
}
