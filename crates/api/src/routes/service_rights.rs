//! What a caller must be allowed besides changing a service, where the change reaches secrets.

use super::secret_input::may_refer;
use crate::edge::{ApiError, Caller};
use crate::state::State;
use domain::secret_group::GroupSettings;
use domain::{Permission as P, Project, SecretChanges, SecretValues, fields, template};

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

/// Whether a caller may start a build with values of the call's own. A file or mount can have a step of the
/// commit's say what the others hold; an argument that names others brings their values to where anybody
/// finds them; and a proxy sees what steps send. Giving such takes more than starting a build.
pub(super) fn may_override(
    caller: &Caller,
    project: &Project,
    overrides: &SecretChanges,
) -> Result<(), ApiError> {
    let mut given = SecretValues::default();
    overrides.clone().apply(&mut given);
    let reaches = !given.files.is_empty()
        || !given.mounts.is_empty()
        || given.variables.keys().any(|name| fields::is_proxy(name))
        || template::names_others(&given.variables);
    if reaches {
        caller.may_in(P::ServiceSecretsUpdate, &project.id)?;
    }
    Ok(())
}

/// Whether a caller may give a group these settings: who shows values where they could not be seen before
/// could as well read them.
pub(super) fn may_show_more(
    caller: &Caller,
    project: &Project,
    (before, values): (&GroupSettings, &SecretValues),
    after: &GroupSettings,
) -> Result<(), ApiError> {
    if !values.is_empty() && after.shows_more_than(before) {
        caller.may_in(P::SecretRead, &project.id)?;
    }
    Ok(())
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
