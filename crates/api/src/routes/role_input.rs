//! What a caller may say about a role: read, checked, and held against what they may do themselves.

use crate::edge::{ApiError, Caller, Problems};
use crate::state::State;
use domain::permission::Scope;
use domain::{Permission, PermissionSet, Restrictions, TeamRole, fields};
use schemars::JsonSchema;
use serde::Deserialize;

/// The body of create, put and patch.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleInput {
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    permissions: Option<PermissionsInput>,
    pub(super) restrictions: Option<Restrictions>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PermissionsInput {
    /// Permissions that begin with `Account`.
    team_scope: Option<Vec<String>>,
    /// Permissions that begin with `Project`.
    project_scope: Option<Vec<String>>,
}

/// A part of a role's permissions: its name on the wire, what it is for, and what is given.
type Part<'a> = (&'static str, Scope, Option<&'a [String]>);

impl PermissionsInput {
    fn parts(&self) -> [Part<'_>; 2] {
        let (team, project) = (&self.team_scope, &self.project_scope);
        [
            ("teamScope", Scope::Team, team.as_deref()),
            ("projectScope", Scope::Project, project.as_deref()),
        ]
    }
}

/// The permissions of one part.
fn read(field: &str, scope: Scope, words: &[String], problems: &mut Problems) -> Vec<Permission> {
    let mut known = Vec::new();
    for (index, words) in words.iter().enumerate() {
        match Permission::parse(words).filter(|permission| permission.scope() == scope) {
            Some(permission) => known.push(permission),
            None => problems.add(
                &format!("permissions.{field}[{index}]"),
                format!("`{words}` is none of: {}", all(scope)),
            ),
        }
    }
    known
}

fn all(scope: Scope) -> String {
    let all = Permission::ALL.iter().filter(|p| p.scope() == scope);
    let words: Vec<_> = all.map(|permission| permission.as_str()).collect();
    words.join(", ")
}

impl RoleInput {
    /// The permissions of a role that had `before`: a part that is not given stays.
    fn permissions(&self, before: &PermissionSet, problems: &mut Problems) -> PermissionSet {
        let Some(input) = &self.permissions else {
            return before.clone();
        };
        let mut after = PermissionSet::default();
        for (field, scope, words) in input.parts() {
            match words {
                None => after.extend(before.iter().filter(|p| p.scope() == scope)),
                Some(words) => after.extend(read(field, scope, words, problems)),
            }
        }
        after
    }

    /// Lays the input onto `role`. Nobody makes a role that may do what they may not, nor changes one.
    pub(super) async fn apply(
        &self,
        role: &mut TeamRole,
        state: &State,
        caller: &Caller,
        team: &str,
    ) -> Result<(), ApiError> {
        may_give(caller, role)?;
        let mut problems = Problems::default();
        problems.check_some(
            "description",
            self.description.as_deref(),
            fields::description,
        );
        role.permissions = self.permissions(&role.permissions, &mut problems);
        if let Some(restrictions) = &self.restrictions {
            for (index, id) in restrictions.projects.iter().enumerate() {
                let seen = caller.token.rights.cover(id);
                if !seen || state.store.project(team, id).await?.is_none() {
                    let field = format!("restrictions.projects[{index}]");
                    problems.add(&field, format!("there is no project `{id}`"));
                }
            }
            role.restrictions = restrictions.clone();
        }
        problems.into_result()?;
        if self.description.is_some() {
            role.description.clone_from(&self.description);
        }
        may_give(caller, role)
    }
}

/// Whether the caller may do all that the role may: nobody hands out more than they have.
pub(super) fn may_give(caller: &Caller, role: &TeamRole) -> Result<(), ApiError> {
    match caller.token.rights.lacking(&role.grant()) {
        Some(permission) => Err(ApiError::forbidden(permission)),
        None => Ok(()),
    }
}
