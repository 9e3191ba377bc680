//! A registry's credential as the wire shows it.

use crate::edge::iso_millis;
use crate::routes::unreadable::problem;
use domain::RegistryCredential;
use domain::registry_credential::Provider;
use schemars::JsonSchema;
use serde::Serialize;

/// A page of the list.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Credentials {
    pub(super) credentials: Vec<CredentialView>,
}

/// One credential. What is secret of it, and who may use it, is there only where the call shows it.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CredentialView {
    id: String,
    name: String,
    provider: Provider,
    registry_url: String,
    credentials: LoginView,
    /// What is wrong with it: a part of it cannot be read any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    restrictions: Option<Restrictions>,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize, JsonSchema)]
struct LoginView {
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
    scope: Scope,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CredentialScope")]
struct Scope {
    pull: bool,
    push: bool,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CredentialRestrictions")]
struct Restrictions {
    restricted: bool,
    projects: Vec<String>,
}

impl CredentialView {
    /// As lists show it.
    pub(super) fn listed(credential: RegistryCredential) -> Self {
        let access = credential.access;
        CredentialView {
            id: credential.id,
            name: credential.name,
            provider: credential.provider,
            registry_url: credential.registry,
            credentials: LoginView {
                username: None,
                password: None,
                scope: Scope {
                    pull: access.pull,
                    push: access.push,
                },
            },
            problem: problem(credential.unreadable, "Its login"),
            restrictions: None,
            created_at: iso_millis(credential.created_at),
            updated_at: iso_millis(credential.updated_at),
        }
    }

    /// With who may use it.
    pub(super) fn made(credential: RegistryCredential) -> Self {
        let projects = credential.access.projects.clone();
        CredentialView {
            restrictions: Some(Restrictions {
                restricted: projects.is_some(),
                projects: projects.unwrap_or_default(),
            }),
            ..CredentialView::listed(credential)
        }
    }

    /// With its login.
    pub(super) fn whole(credential: RegistryCredential) -> Self {
        let (login, unreadable) = (credential.login.clone(), credential.unreadable);
        let mut view = CredentialView::made(credential);
        if unreadable {
            return view;
        }
        view.credentials.username = Some(login.username);
        view.credentials.password = Some(login.password.expose().to_owned());
        view
    }
}
