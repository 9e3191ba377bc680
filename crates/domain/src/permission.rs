//! What a token may do, in the words of the contract, and the roles that bundle them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

macro_rules! permissions {
    ($( $variant:ident = $words:literal; )+) => {
        /// One permission, spelled as the contract spells it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[allow(missing_docs, reason = "the words are the documentation")]
        pub enum Permission {
            $( #[serde(rename = $words)] $variant, )+
        }

        impl Permission {
            /// Every permission.
            pub const ALL: &'static [Permission] = &[ $( Permission::$variant, )+ ];

            /// The contract's words for it.
            pub fn as_str(self) -> &'static str {
                match self { $( Permission::$variant => $words, )+ }
            }
        }
    };
}

permissions! {
    ProjectRead = "Project > Projects > Manage > Read";
    ProjectCreate = "Project > Projects > Manage > Create";
    ProjectUpdate = "Project > Projects > Manage > Update";
    ProjectDelete = "Project > Projects > Manage > Delete";
    ServiceRead = "Project > Services > General > Read";
    ServiceCreate = "Project > Services > General > Create";
    ServiceUpdate = "Project > Services > General > Update";
    ServiceDelete = "Project > Services > General > Delete";
    DeployBuild = "Project > Services > Deployment > Deploy Build";
    ServiceSecretsRead = "Project > Secrets > Services > Read";
    ServiceSecretsUpdate = "Project > Secrets > Services > Update";
    SecretRead = "Project > Secrets > General > Read";
    SecretCreate = "Project > Secrets > General > Create";
    SecretUpdate = "Project > Secrets > General > Update";
    SecretDelete = "Project > Secrets > General > Delete";
    AccountSecretRead = "Account > Secrets > General > Read";
    AccountSecretCreate = "Account > Secrets > General > Create";
    AccountSecretUpdate = "Account > Secrets > General > Update";
    AccountSecretDelete = "Account > Secrets > General > Delete";
    NotificationRead = "Account > Team > Notifications > Read";
    NotificationManage = "Account > Team > Notifications > Manage";
    CredentialsRead = "Account > Credentials > General > Read";
    CredentialsReadEncrypted = "Account > Credentials > General > Read Encrypted";
    CredentialsCreate = "Account > Credentials > General > Create";
    CredentialsUpdate = "Account > Credentials > General > Update";
    CredentialsDelete = "Account > Credentials > General > Delete";
    TagRead = "Account > Tags > General > Read";
    TagCreate = "Account > Tags > General > Create";
    TagUpdate = "Account > Tags > General > Update";
    TagDelete = "Account > Tags > General > Delete";
    TeamRead = "Organisation > Team > General > Read";
    TeamUpdate = "Organisation > Team > General > Update";
    TeamCreate = "Organisation > Team > General > Create";
    RoleRead = "Account > Admin > Roles > Read";
    RoleManage = "Account > Admin > Roles > Manage";
    MemberRead = "Account > Admin > Members > Read";
    MemberManage = "Account > Admin > Members > Manage";
    GitRead = "Account > Git > General > Read";
    GitTokenRead = "Account > Git > Tokens > Read";
}

impl Permission {
    /// Reads the contract's words back.
    pub fn parse(words: &str) -> Option<Permission> {
        Permission::ALL
            .iter()
            .copied()
            .find(|p| p.as_str() == words)
    }

    /// What the permission is about: the first of its words.
    pub fn scope(self) -> Scope {
        match self.as_str().split(' ').next() {
            Some("Project") => Scope::Project,
            Some("Organisation") => Scope::Organisation,
            _ => Scope::Team,
        }
    }

    /// Whether it means anything in the hands of somebody of one team.
    pub fn counts_in_team(self) -> bool {
        self.scope() != Scope::Organisation || self == Permission::TeamRead
    }
}

/// What a permission is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The teams themselves.
    Organisation,
    /// A team's own things.
    Team,
    /// What is in a project.
    Project,
}

/// A set of permissions: what a token holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PermissionSet(BTreeSet<Permission>);

impl PermissionSet {
    /// Whether `permission` is in the set.
    pub fn allows(&self, permission: Permission) -> bool {
        self.0.contains(&permission)
    }

    /// The permissions, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = Permission> + '_ {
        self.0.iter().copied()
    }

    /// Whether nothing at all is allowed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<T: IntoIterator<Item = Permission>>(iter: T) -> Self {
        PermissionSet(iter.into_iter().collect())
    }
}

impl Extend<Permission> for PermissionSet {
    fn extend<T: IntoIterator<Item = Permission>>(&mut self, iter: T) {
        self.0.extend(iter);
    }
}

/// A named bundle of permissions, for `boatyard admin token create --role`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Admin,
    /// Reads everything in its projects, changes services, starts and aborts builds.
    Developer,
    /// Starts and aborts builds and reads what they need.
    Builder,
    /// Reads only.
    Viewer,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 4] = [Role::Admin, Role::Developer, Role::Builder, Role::Viewer];

    /// The word on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Admin => "admin",
            Role::Developer => "developer",
            Role::Builder => "builder",
            Role::Viewer => "viewer",
        }
    }

    /// The name for people.
    pub fn name(self) -> &'static str {
        match self {
            Role::Admin => "Admin",
            Role::Developer => "Developer",
            Role::Builder => "Builder",
            Role::Viewer => "Viewer",
        }
    }

    /// What it is for, in a sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Role::Admin => "Everything.",
            Role::Developer => "Changes services, starts and aborts builds, reads what they need.",
            Role::Builder => "Starts and aborts builds, reads what they need.",
            Role::Viewer => "Reads projects, services, builds and logs.",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|r| r.as_str() == word)
    }

    /// What the role may do.
    pub fn permissions(self) -> PermissionSet {
        use Permission as P;
        let viewer = [P::ProjectRead, P::ServiceRead];
        match self {
            Role::Admin => Permission::ALL.iter().copied().collect(),
            Role::Viewer => viewer.into_iter().collect(),
            Role::Builder => viewer.into_iter().chain([P::DeployBuild]).collect(),
            Role::Developer => viewer
                .into_iter()
                .chain([
                    P::ServiceCreate,
                    P::ServiceUpdate,
                    P::ServiceDelete,
                    P::DeployBuild,
                    P::ServiceSecretsRead,
                    P::ServiceSecretsUpdate,
                    P::SecretRead,
                    P::SecretCreate,
                    P::SecretUpdate,
                    P::SecretDelete,
                ])
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip() {
        for permission in Permission::ALL {
            assert_eq!(Permission::parse(permission.as_str()), Some(*permission));
        }
    }

    #[test]
    fn every_permission_says_what_it_is_about() {
        for permission in Permission::ALL {
            let first = match permission.scope() {
                Scope::Organisation => "Organisation > ",
                Scope::Team => "Account > ",
                Scope::Project => "Project > ",
            };
            assert!(permission.as_str().starts_with(first), "{permission:?}");
        }
    }

    #[test]
    fn a_viewer_starts_nothing() {
        assert!(!Role::Viewer.permissions().allows(Permission::DeployBuild));
        assert!(Role::Builder.permissions().allows(Permission::DeployBuild));
        assert!(
            !Role::Developer
                .permissions()
                .allows(Permission::ProjectDelete)
        );
        assert!(
            Permission::ALL
                .iter()
                .all(|p| Role::Admin.permissions().allows(*p))
        );
    }
}
