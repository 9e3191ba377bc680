//! What a caller must be allowed besides changing a service, where the change reaches secrets.

use super::secret_input::may_refer;
use crate::edge::{ApiError, Caller};
use crate::state::State;
use domain::{Permission as P, Project, SecretChanges, SecretValues};

/// Whether a caller may give a service these values: what a build is told to do, it does. What is there
/// already may be written back.
pub(super) fn may_change(
    caller: &Caller,
    project: &Project,
    changes: &SecretChanges,
    before: &SecretValues,
) -> Result<(), ApiError> {
    let mut after = before.clone();
    changes.clone().apply(&mut after);
    if after != *before {
        caller.may_in(P::ServiceSecretsUpdate, &project.id)?;
    }
    may_refer(caller, changes, before)
}

/// A tag that a restricted group of secrets names may let the group's values into the service's builds.
pub(super) async fn may_tag(
    state: &State,
    caller: &Caller,
    project: &Project,
    before: &[String],
    after: &[String],
) -> Result<(), ApiError> {
    let mut added = after.to_vec();
    added.retain(|tag| !before.contains(tag));
    if added.is_empty() {
        return Ok(());
    }
    let groups = state
        .store
        .secret_groups(&project.uid, 0, 0, i64::MAX)
        .await?;
    let names = |tag: &String| groups.iter().any(|group| group.is_restricted_to_tag(tag));
    if added.iter().any(names) {
        caller.may_in(P::SecretRead, &project.id)?;
    }
    Ok(())
}
