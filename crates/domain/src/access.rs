//! What somebody may do, and in which projects: the sum of what was granted to them.

use crate::permission::Scope;
use crate::{Permission, PermissionSet};
use std::collections::BTreeSet;

/// Some of a team's projects, by id. There may always be one more than anybody knows of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Projects {
    /// These.
    Only(BTreeSet<String>),
    /// Every one but these.
    Except(BTreeSet<String>),
}

use Projects::{Except, Only};

impl Projects {
    /// Every project.
    pub fn all() -> Projects {
        Except(BTreeSet::new())
    }

    /// No project.
    pub fn none() -> Projects {
        Only(BTreeSet::new())
    }

    /// Whether it is every project.
    pub fn is_all(&self) -> bool {
        *self == Projects::all()
    }

    /// Whether the project is one of them.
    pub fn covers(&self, id: &str) -> bool {
        match self {
            Only(ids) => ids.contains(id),
            Except(ids) => !ids.contains(id),
        }
    }

    /// The projects that are in one or the other.
    #[must_use]
    pub fn or(&self, other: &Projects) -> Projects {
        match (self, other) {
            (Only(a), Only(b)) => Only(a | b),
            (Only(some), Except(others)) | (Except(others), Only(some)) => Except(others - some),
            (Except(a), Except(b)) => Except(a & b),
        }
    }

    /// The projects that are in both.
    #[must_use]
    pub fn and(&self, other: &Projects) -> Projects {
        match (self, other) {
            (Only(a), Only(b)) => Only(a & b),
            (Only(some), Except(others)) | (Except(others), Only(some)) => Only(some - others),
            (Except(a), Except(b)) => Except(a | b),
        }
    }

    /// Whether the other ones are among these.
    pub fn include(&self, other: &Projects) -> bool {
        self.or(other) == *self
    }
}

/// Permissions, and the projects in which those that are about projects hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// What is granted.
    pub permissions: PermissionSet,
    /// In which projects.
    pub projects: Projects,
}

impl Grant {
    /// Permissions in every project.
    pub fn everywhere(permissions: PermissionSet) -> Grant {
        Grant {
            permissions,
            projects: Projects::all(),
        }
    }

    /// The same in those of its projects that are among these.
    #[must_use]
    pub fn within(mut self, projects: &Projects) -> Grant {
        self.projects = self.projects.and(projects);
        self
    }

    /// The projects in which a permission is granted; one that is not about projects is granted as
    /// if in all of them.
    fn projects(&self, permission: Permission) -> Projects {
        match permission.scope() {
            _ if !self.permissions.allows(permission) => Projects::none(),
            Scope::Project => self.projects.clone(),
            Scope::Team | Scope::Organisation => Projects::all(),
        }
    }
}

/// What a token may do: the sum of its grants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights(Vec<Grant>);

impl Rights {
    /// The rights of somebody of the organisation, which is above the teams.
    pub fn of_organisation(grants: Vec<Grant>) -> Rights {
        Rights(grants)
    }

    /// The rights of somebody of one team: of what concerns the organisation nothing is left but to
    /// read that team.
    pub fn of_team(mut grants: Vec<Grant>) -> Rights {
        for grant in &mut grants {
            let left = grant.permissions.iter().filter(|p| p.counts_in_team());
            grant.permissions = left.collect();
        }
        Rights(grants)
    }

    /// Whether a permission is granted anywhere.
    pub fn allow(&self, permission: Permission) -> bool {
        self.0.iter().any(|g| g.permissions.allows(permission))
    }

    /// Whether a permission is granted in a project.
    pub fn allow_in(&self, permission: Permission, project: &str) -> bool {
        let mut grants = self.0.iter().filter(|g| g.projects.covers(project));
        grants.any(|grant| grant.permissions.allows(permission))
    }

    /// The projects in which a permission is granted.
    pub fn projects(&self, permission: Permission) -> Projects {
        let each = self.0.iter().map(|grant| grant.projects(permission));
        each.fold(Projects::none(), |all, some| all.or(&some))
    }

    /// The projects that any grant is about: to their holder, others do not exist.
    pub fn seen(&self) -> Projects {
        let each = self.0.iter().map(|grant| &grant.projects);
        each.fold(Projects::none(), |all, some| all.or(some))
    }

    /// Whether any grant is about this project.
    pub fn cover(&self, project: &str) -> bool {
        self.0.iter().any(|grant| grant.projects.covers(project))
    }

    /// The first permission of a team's grant that these rights do not hold themselves, everywhere it
    /// would: nobody hands out more than they have.
    pub fn lacking(&self, grant: &Grant) -> Option<Permission> {
        let mut wanted = grant.permissions.iter().filter(|p| p.counts_in_team());
        wanted.find(|p| !self.projects(*p).include(&grant.projects(*p)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};

    const IDS: [&str; 4] = ["bank", "lab", "shop", "not-named-by-anybody"];

    fn projects() -> impl Strategy<Value = Projects> {
        let ids = subsequence(&IDS[..3], 0..=3);
        (ids, any::<bool>()).prop_map(|(ids, only)| {
            let ids = ids.into_iter().map(str::to_owned).collect();
            if only { Only(ids) } else { Except(ids) }
        })
    }

    fn grant() -> impl Strategy<Value = Grant> {
        let permissions = subsequence(Permission::ALL, 0..Permission::ALL.len());
        (permissions, projects()).prop_map(|(permissions, projects)| Grant {
            permissions: permissions.into_iter().collect(),
            projects,
        })
    }

    fn grants() -> impl Strategy<Value = Vec<Grant>> {
        proptest::collection::vec(grant(), 0..4)
    }

    fn permission() -> impl Strategy<Value = Permission> {
        select(Permission::ALL)
    }

    proptest! {
        #[test]
        fn sets_of_projects_are_sets(a in projects(), b in projects()) {
            for id in IDS {
                prop_assert_eq!(a.or(&b).covers(id), a.covers(id) || b.covers(id));
                prop_assert_eq!(a.and(&b).covers(id), a.covers(id) && b.covers(id));
            }
            let each = IDS.iter().all(|id| a.covers(id) || !b.covers(id));
            prop_assert_eq!(a.include(&b), each);
        }

        /// One grant must both cover the project and have the permission: two halves are no right.
        #[test]
        fn a_right_is_one_whole_grant(grants in grants(), permission in permission()) {
            let rights = Rights::of_organisation(grants.clone());
            for id in IDS {
                let whole = grants
                    .iter()
                    .any(|g| g.projects.covers(id) && g.permissions.allows(permission));
                prop_assert_eq!(rights.allow_in(permission, id), whole);
                if permission.scope() == Scope::Project {
                    prop_assert_eq!(rights.projects(permission).covers(id), whole);
                }
                prop_assert!(rights.cover(id) || !rights.allow_in(permission, id));
                prop_assert!(rights.allow(permission) || !rights.allow_in(permission, id));
            }
        }

        #[test]
        fn one_more_grant_takes_nothing_away(grants in grants(), more in grant(), p in permission()) {
            let before = Rights::of_team(grants.clone());
            let after = Rights::of_team([grants, vec![more]].concat());
            prop_assert!(after.allow(p) || !before.allow(p));
            prop_assert!(after.projects(p).include(&before.projects(p)));
        }

        #[test]
        fn a_team_has_nothing_of_the_organisation(grants in grants(), p in permission()) {
            let rights = Rights::of_team(grants);
            let above = p.scope() == Scope::Organisation && p != Permission::TeamRead;
            prop_assert!(!above || !rights.allow(p));
        }

        /// Whoever gets a grant from somebody can do nothing that the giver could not.
        #[test]
        fn nobody_hands_out_more_than_they_have(grants in grants(), given in grant(), p in permission()) {
            let giver = Rights::of_team(grants);
            if giver.lacking(&given).is_none() {
                let taker = Rights::of_team(vec![given]);
                prop_assert!(giver.allow(p) || !taker.allow(p) || taker.projects(p) == Projects::none());
                prop_assert!(giver.projects(p).include(&taker.projects(p)));
            }
        }

        #[test]
        fn everybody_may_hand_out_what_they_have(grant in grant(), some in projects()) {
            let rights = Rights::of_team(vec![grant.clone()]);
            prop_assert_eq!(rights.lacking(&grant), None);
            prop_assert_eq!(rights.lacking(&grant.within(&some)), None);
        }
    }
}
