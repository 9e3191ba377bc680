//! A login to a registry, and what it may be used for.

use crate::{Millis, Secret, registry_address, repository};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kinds of registry that the contract names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "RegistryProvider")]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Azure Container Registry.
    Acr,
    /// Amazon Elastic Container Registry.
    Ecr,
    /// Google Artifact Registry.
    Gar,
    /// Docker Hub.
    Dockerhub,
    /// Docker Hardened Images.
    Dhi,
    /// GitHub's registry.
    Github,
    /// GitLab's registry.
    Gitlab,
    /// Any other.
    Custom,
    /// A Docker configuration file of many logins, which older clients wrote.
    Legacy,
}

/// The user name that goes with a Google service account's key.
const JSON_KEY: &str = "_json_key";
/// The user name that goes with a password of Amazon's registry.
const AWS: &str = "AWS";

impl Provider {
    /// Each of them.
    pub const ALL: [Provider; 9] = [
        Provider::Acr,
        Provider::Ecr,
        Provider::Gar,
        Provider::Dockerhub,
        Provider::Dhi,
        Provider::Github,
        Provider::Gitlab,
        Provider::Custom,
        Provider::Legacy,
    ];

    /// The contract's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Provider::Acr => "acr",
            Provider::Ecr => "ecr",
            Provider::Gar => "gar",
            Provider::Dockerhub => "dockerhub",
            Provider::Dhi => "dhi",
            Provider::Github => "github",
            Provider::Gitlab => "gitlab",
            Provider::Custom => "custom",
            Provider::Legacy => "legacy",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Provider> {
        Provider::ALL
            .into_iter()
            .find(|provider| provider.as_str() == word)
    }

    /// Where the provider's registry is, for those that have one for everybody.
    pub fn registry(self) -> Option<&'static str> {
        match self {
            Provider::Dockerhub => Some("docker.io"),
            Provider::Dhi => Some("dhi.io"),
            Provider::Github => Some("ghcr.io"),
            Provider::Gitlab => Some("registry.gitlab.com"),
            Provider::Acr | Provider::Ecr | Provider::Gar | Provider::Custom | Provider::Legacy => {
                None
            }
        }
    }

    /// The user name where none is given and the provider has only one.
    pub fn user(self) -> Option<&'static str> {
        match self {
            Provider::Gar => Some(JSON_KEY),
            Provider::Ecr => Some(AWS),
            _ => None,
        }
    }

    /// What is wrong with a user name, as a phrase that follows the field's name.
    ///
    /// # Errors
    /// When it is empty, would end before the password begins, or is none of a registry.
    pub fn check_user(self, name: &str) -> Result<(), String> {
        if name.is_empty() || name.len() > 255 || name.contains(':') || has_controls(name) {
            return Err("must be 1 to 255 characters long, without a colon".into());
        }
        if self == Provider::Ecr && name != AWS {
            return Err(
                "must be `AWS`, with what `aws ecr get-login-password` prints as the password: \
                 this server does not exchange access keys"
                    .into(),
            );
        }
        Ok(())
    }

    /// What is wrong with a password, as a phrase that follows the field's name.
    ///
    /// # Errors
    /// When it is empty, or is no key file although the user name promises one.
    pub fn check_password(self, user: &str, password: &str) -> Result<(), String> {
        if password.is_empty() || password.len() > 64 * 1024 {
            return Err("must be 1 to 65536 characters long".into());
        }
        let is_key =
            || serde_json::from_str::<serde_json::Value>(password).is_ok_and(|key| key.is_object());
        if self == Provider::Gar && user == JSON_KEY && !is_key() {
            return Err("must be a service account's key file, which is a JSON object".into());
        }
        Ok(())
    }
}

fn has_controls(text: &str) -> bool {
    text.chars().any(char::is_control)
}

/// A login to a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryCredential {
    /// Stable identity (uuid v7), never shown.
    pub uid: String,
    /// The team it belongs to.
    pub team: String,
    /// Dense number in its team, by which lists are walked.
    pub number: i64,
    /// The id in URLs, derived from the name when it was made.
    pub id: String,
    /// The name a person gave it.
    pub name: String,
    /// The kind of registry.
    pub provider: Provider,
    /// Host and port, and perhaps a folder, as images name them.
    pub registry: String,
    /// How it may be used, and by whom.
    pub access: CredentialAccess,
    /// The login itself.
    pub login: RegistryLogin,
    /// When it was made.
    pub created_at: Millis,
    /// When it last changed.
    pub updated_at: Millis,
}

/// User name and password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryLogin {
    /// The user name.
    pub username: String,
    /// The password, token or key file.
    pub password: Secret,
}

/// How a credential may be used, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialAccess {
    /// Base images may be pulled with it.
    pub pull: bool,
    /// Images may be pushed with it.
    pub push: bool,
    /// The ids of the only projects that may use it; `None` means every project of the team.
    pub projects: Option<Vec<String>>,
}

impl RegistryCredential {
    /// Whether builds of the project may use it.
    pub fn is_for(&self, project: &str) -> bool {
        self.access
            .projects
            .as_ref()
            .is_none_or(|only| only.iter().any(|id| id == project))
    }

    /// Whether builds of the project may pull base images with it.
    pub fn pulls_for(&self, project: &str) -> bool {
        self.access.pull && self.is_for(project)
    }

    /// Whether images of the project may be pushed with it.
    pub fn pushes_for(&self, project: &str) -> bool {
        self.access.push && self.is_for(project)
    }

    /// The repository in which a service's images go: host, folder and name.
    pub fn repository_of(&self, project: &str, service: &str) -> String {
        let (host, folder) = registry_address::host_and_path(&self.registry);
        if self.provider != Provider::Dockerhub {
            let repository = repository::of_service(&self.team, project, service);
            return format!("{}/{repository}", self.registry);
        }
        // Docker Hub has no folders in folders. No id has an underscore: `a-b` and `c` are told from
        // `a` and `b-c`.
        let folder = folder.unwrap_or(&self.login.username);
        let project = repository::of_project(&self.team, project);
        format!("{host}/{folder}/{project}_{service}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(provider: Provider, registry: &str) -> RegistryCredential {
        RegistryCredential {
            uid: String::new(),
            team: "default".into(),
            number: 1,
            id: "example".into(),
            name: "Example".into(),
            provider,
            registry: registry.into(),
            access: CredentialAccess {
                pull: true,
                push: false,
                projects: Some(vec!["shop".into()]),
            },
            login: RegistryLogin {
                username: "somebody".into(),
                password: Secret::new("hush"),
            },
            created_at: 0,
            updated_at: 0,
        }
    }

    #[test]
    fn scope_and_restriction_both_count() {
        let mut credential = credential(Provider::Custom, "registry.example.com");
        assert!(credential.pulls_for("shop") && !credential.pushes_for("shop"));
        assert!(!credential.pulls_for("shop-b"));
        credential.access.projects = None;
        credential.access.push = true;
        assert!(credential.pushes_for("shop-b"));
        credential.access.projects = Some(Vec::new());
        assert!(!credential.is_for("shop"));
    }

    #[test]
    fn a_service_has_its_own_repository() {
        let named =
            |provider, registry| credential(provider, registry).repository_of("shop", "web");
        assert_eq!(
            named(Provider::Custom, "registry.example.com:5000/images"),
            "registry.example.com:5000/images/shop/web"
        );
        assert_eq!(
            named(Provider::Dockerhub, "docker.io"),
            "docker.io/somebody/shop_web"
        );
        assert_eq!(
            named(Provider::Dockerhub, "docker.io/org"),
            "docker.io/org/shop_web"
        );
    }

    #[test]
    fn logins_are_what_providers_take() {
        assert!(Provider::Custom.check_user("a:b").is_err());
        assert!(Provider::Ecr.check_user("AKIAIOSFODNN7EXAMPLE").is_err());
        assert!(Provider::Ecr.check_user("AWS").is_ok());
        assert!(Provider::Gar.check_password("_json_key", "hush").is_err());
        assert!(
            Provider::Gar
                .check_password("_json_key", "{\"type\": \"x\"}")
                .is_ok()
        );
        assert!(
            Provider::Gar
                .check_password("oauth2accesstoken", "hush")
                .is_ok()
        );
        for provider in Provider::ALL {
            assert_eq!(Provider::parse(provider.as_str()), Some(provider));
        }
    }
}
