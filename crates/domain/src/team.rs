//! Teams, the roles that a team makes for itself, and the people in it.

use crate::permission::Scope;
use crate::{Grant, Millis, Permission, PermissionSet, Projects, Role};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The team that is there from the start.
pub const DEFAULT_TEAM: &str = "default";

/// A team: the owner of projects. The installation is the organisation that the teams are in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    /// The id in URLs, derived from the name when it was made.
    pub id: String,
    /// The name a person gave it.
    pub name: String,
    /// A short description.
    pub description: Option<String>,
    /// Where its bills would go.
    pub email: Option<String>,
    /// Dense number, by which lists are walked.
    pub number: i64,
    /// When it was made.
    pub created_at: Millis,
    /// When it last changed.
    pub updated_at: Millis,
}

/// A role that a team made for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamRole {
    /// The id in URLs, derived from the name when it was made.
    pub id: String,
    /// The name a person gave it.
    pub name: String,
    /// A short description.
    pub description: Option<String>,
    /// What its members may do.
    pub permissions: PermissionSet,
    /// In which projects they may.
    pub restrictions: Restrictions,
    /// Dense number in its team, by which lists are walked.
    pub number: i64,
    /// When it was made; `None` for a role that every team has.
    pub created_at: Option<Millis>,
    /// When it last changed.
    pub updated_at: Option<Millis>,
}

/// The highest number of a role that every team has.
pub const FIXED_ROLES: i64 = Role::ALL.len() as i64;

impl TeamRole {
    /// What the role grants. One that says nothing about projects shows none.
    pub fn grant(&self) -> Grant {
        let about_projects = |p: Permission| p.scope() == Scope::Project;
        let projects = match self.permissions.iter().any(about_projects) {
            true => self.restrictions.projects(),
            false => Projects::none(),
        };
        Grant {
            permissions: self.permissions.clone(),
            projects,
        }
    }

    /// Whether every team has it, and none can change it.
    pub fn is_fixed(&self) -> bool {
        self.number <= FIXED_ROLES
    }

    /// The role with this id that every team has, if there is one.
    pub fn fixed(id: &str) -> Option<TeamRole> {
        TeamRole::all_fixed().find(|role| role.id == id)
    }

    /// The roles that every team has.
    pub fn all_fixed() -> impl Iterator<Item = TeamRole> {
        (1..).zip(Role::ALL).map(|(number, role)| TeamRole {
            id: role.as_str().to_owned(),
            name: role.name().to_owned(),
            description: Some(role.meaning().to_owned()),
            permissions: role.permissions(),
            restrictions: Restrictions::default(),
            number,
            created_at: None,
            updated_at: None,
        })
    }
}

/// In which projects a role's project permissions hold. Stored as JSON: fields may be added with a
/// default, never renamed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "RoleRestrictions")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Restrictions {
    /// Whether there is any restriction.
    pub enabled: bool,
    /// The ids of projects.
    #[serde(default)]
    pub projects: Vec<String>,
    /// Whether it is in these projects only, or in all but these.
    #[serde(default)]
    pub restriction_mode: RestrictionMode,
}

/// What the projects of a restriction are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RestrictionMode {
    /// The only ones.
    #[default]
    In,
    /// Those left out.
    NotIn,
}

impl Restrictions {
    /// The projects that are left.
    pub fn projects(&self) -> Projects {
        let ids = || self.projects.iter().cloned().collect();
        match self.restriction_mode {
            _ if !self.enabled => Projects::all(),
            RestrictionMode::In => Projects::Only(ids()),
            RestrictionMode::NotIn => Projects::Except(ids()),
        }
    }
}

/// Somebody in a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Stable identity (uuid v7), never shown.
    pub uid: String,
    /// The team.
    pub team: String,
    /// The id in URLs, from the address they were invited by.
    pub id: String,
    /// The address they were invited by.
    pub email: String,
    /// Whether they have used a token of theirs.
    pub finalized: bool,
    /// Dense number in its team, by which lists are walked.
    pub number: i64,
    /// When they were invited.
    pub created_at: Millis,
}

/// The longest id made for a member.
const MEMBER_ID: usize = 39;

/// The id for somebody with this address, where it is free: `John.Doe@example.com` is `john-doe`.
pub fn member_id(email: &str) -> String {
    let name = email.split('@').next().unwrap_or_default();
    let letter = |c: char| c.is_ascii_alphanumeric();
    let words: Vec<_> = name
        .split(|c| !letter(c))
        .filter(|w| !w.is_empty())
        .collect();
    let mut id = words.join("-").to_ascii_lowercase();
    id.truncate(MEMBER_ID);
    let id = id.trim_end_matches('-');
    if id.is_empty() { "member" } else { id }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_address_makes_an_id() {
        for (email, id) in [
            ("John.Doe@example.com", "john-doe"),
            ("ann+ci@example.com", "ann-ci"),
            ("ünal@example.com", "nal"),
            ("--@example.com", "member"),
        ] {
            assert_eq!(member_id(email), id);
        }
    }

    proptest! {
        #[test]
        fn a_members_id_fits_into_a_path(email in "\\PC{0,60}") {
            let id = member_id(&email);
            prop_assert!((1..=MEMBER_ID).contains(&id.len()));
            prop_assert!(id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'));
            prop_assert!(!id.starts_with('-') && !id.ends_with('-'));
        }
    }

    #[test]
    fn a_restriction_that_is_not_enabled_restricts_nothing() {
        let mut restrictions = Restrictions {
            enabled: false,
            projects: vec!["shop".into()],
            restriction_mode: RestrictionMode::In,
        };
        assert!(restrictions.projects().is_all());
        restrictions.enabled = true;
        assert!(!restrictions.projects().covers("bank"));
        restrictions.restriction_mode = RestrictionMode::NotIn;
        assert!(restrictions.projects().covers("bank"));
        assert!(!restrictions.projects().covers("shop"));
    }
}
