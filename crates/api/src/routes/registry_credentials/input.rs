//! What a caller may say about a registry's credential: read and checked.

use crate::edge::{ApiError, Caller, Problems};
use crate::state::State;
use domain::registry_credential::{CredentialAccess, Provider, RegistryLogin};
use domain::{RegistryCredential, Secret, fields, registry_address, slug};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use store::CredentialChanges;

/// The body of add.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CredentialInput {
    name: String,
    provider: Provider,
    registry_url: Option<String>,
    aws: Option<Value>,
    gcp: Option<Value>,
    azure: Option<Value>,
    integration_id: Option<String>,
    credentials: Option<LoginInput>,
    restrictions: Option<Restrictions>,
    created_at: Option<String>,
    updated_at: Option<String>,
}

/// The body of update.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CredentialChange {
    credentials: Option<LoginInput>,
    restrictions: Option<Restrictions>,
    created_at: Option<String>,
    updated_at: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LoginInput {
    username: Option<String>,
    password: Option<String>,
    scope: Scope,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[schemars(rename = "CredentialScopeInput")]
#[serde(deny_unknown_fields)]
struct Scope {
    pull: Option<bool>,
    push: Option<bool>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "CredentialRestrictionsInput")]
#[serde(deny_unknown_fields)]
struct Restrictions {
    restricted: bool,
    projects: Option<Vec<String>>,
}

impl CredentialInput {
    /// The credential that the input asks for.
    pub(super) async fn checked(
        self,
        state: &State,
        caller: &Caller,
        team: &str,
    ) -> Result<RegistryCredential, ApiError> {
        let mut problems = Problems::default();
        problems.check("name", fields::name(&self.name, fields::CREDENTIAL_NAME));
        self.refuse_unsupported(&mut problems);
        times(&self.created_at, &self.updated_at, &mut problems);
        let registry = self.registry(&state.settings.registry_host, &mut problems);
        let projects = match self.restrictions {
            Some(restrictions) => {
                restrictions
                    .checked(state, caller, team, &mut problems)
                    .await?
            }
            None => {
                check_unrestricted(caller, &mut problems);
                None
            }
        };
        let provider = self.provider;
        let (login, scope) = match self.credentials {
            Some(login) => login.checked(provider, None, &mut problems),
            None => {
                problems.add("credentials", "is required: user name, password and scope");
                (None, (false, false))
            }
        };
        problems.into_result()?;
        let (Some(registry), Some(login)) = (registry, login) else {
            return Err(ApiError::internal());
        };
        Ok(RegistryCredential {
            uid: String::new(),
            team: team.to_owned(),
            number: 0,
            id: slug::from_name(&self.name),
            name: self.name,
            provider,
            registry,
            access: CredentialAccess {
                pull: scope.0,
                push: scope.1,
                projects,
            },
            unreadable: false,
            login,
            created_at: 0,
            updated_at: 0,
        })
    }

    fn refuse_unsupported(&self, problems: &mut Problems) {
        if self.provider == Provider::Legacy {
            problems.add(
                "provider",
                "`legacy` stands for a Docker configuration file; add each of its registries as \
                 `custom`",
            );
        }
        let clouds = [
            ("aws", &self.aws),
            ("gcp", &self.gcp),
            ("azure", &self.azure),
        ];
        let asked = clouds.into_iter().filter(|(_, asked)| asked.is_some());
        let named = asked.map(|(name, _)| name);
        for field in named.chain(self.integration_id.as_ref().map(|_| "integrationId")) {
            problems.add(
                field,
                "belongs to a linked cloud account, of which this server knows none; give \
                 `registryUrl`, and the login in `credentials`",
            );
        }
    }

    /// Where the registry is.
    fn registry(&self, own: &str, problems: &mut Problems) -> Option<String> {
        let field = "registryUrl";
        let Some(url) = &self.registry_url else {
            let known = self.provider.registry();
            if known.is_none() && self.provider != Provider::Legacy {
                problems.add(field, "is required for this provider");
            }
            return known.map(str::to_owned);
        };
        let registry = match registry_address::parse(url) {
            Ok(registry) => registry,
            Err(problem) => {
                problems.add(field, problem);
                return None;
            }
        };
        let (host, _) = registry_address::host_and_path(&registry);
        if host == own {
            problems.add(
                field,
                "is this server's own registry, from which builds pull as their project",
            );
        }
        let only = match self.provider {
            Provider::Dockerhub | Provider::Dhi => self.provider.registry(),
            _ => None,
        };
        if only.is_some_and(|only| only != host) {
            problems.add(
                field,
                "is another registry than the provider's; use `custom`",
            );
        }
        Some(registry)
    }
}

impl CredentialChange {
    /// What changes in the credential.
    pub(super) async fn checked(
        self,
        state: &State,
        caller: &Caller,
        credential: &RegistryCredential,
    ) -> Result<CredentialChanges, ApiError> {
        let mut problems = Problems::default();
        times(&self.created_at, &self.updated_at, &mut problems);
        let mut access = credential.access.clone();
        let mut login = None;
        if let Some(input) = self.credentials {
            let kept = Some(credential);
            (login, (access.pull, access.push)) =
                input.checked(credential.provider, kept, &mut problems);
        }
        if let Some(restrictions) = self.restrictions {
            let team = &credential.team;
            access.projects = restrictions
                .checked(state, caller, team, &mut problems)
                .await?;
        }
        problems.into_result()?;
        Ok(CredentialChanges {
            login: login.filter(|login| *login != credential.login),
            access: (access != credential.access).then_some(access),
        })
    }
}

impl LoginInput {
    /// The login, and whether it may pull and push. What is not said stays as it is in `kept`.
    fn checked(
        self,
        provider: Provider,
        kept: Option<&RegistryCredential>,
        problems: &mut Problems,
    ) -> (Option<RegistryLogin>, (bool, bool)) {
        let pull = self
            .scope
            .pull
            .unwrap_or(kept.is_none_or(|kept| kept.access.pull));
        let push = self
            .scope
            .push
            .unwrap_or(kept.is_some_and(|kept| kept.access.push));
        if !pull && !push {
            problems.add("credentials.scope", "must allow to pull, to push, or both");
        }
        let login = kept.filter(|kept| !kept.unreadable);
        let login = login.map(|kept| &kept.login);
        let known = || provider.user().map(str::to_owned);
        let username = self.username.or(login.map(|login| login.username.clone()));
        let Some(username) = username.or_else(known) else {
            problems.add("credentials.username", "is required");
            return (None, (pull, push));
        };
        problems.check("credentials.username", provider.check_user(&username));
        let password = self.password.map(Secret::new);
        let Some(password) = password.or(login.map(|login| login.password.clone())) else {
            problems.add("credentials.password", "is required");
            return (None, (pull, push));
        };
        let checked = provider.check_password(&username, password.expose());
        problems.check("credentials.password", checked);
        (Some(RegistryLogin { username, password }), (pull, push))
    }
}

impl Restrictions {
    /// The only projects that may use it, each of which the caller sees.
    async fn checked(
        self,
        state: &State,
        caller: &Caller,
        team: &str,
        problems: &mut Problems,
    ) -> Result<Option<Vec<String>>, ApiError> {
        let projects = self.projects.unwrap_or_default();
        if !self.restricted {
            if !projects.is_empty() {
                let problem = "can be given only when `restricted` is true";
                problems.add("restrictions.projects", problem);
            }
            check_unrestricted(caller, problems);
            return Ok(None);
        }
        for (index, id) in projects.iter().enumerate() {
            let there =
                caller.token.rights.cover(id) && state.store.project(team, id).await?.is_some();
            if !there {
                let field = format!("restrictions.projects[{index}]");
                problems.add(&field, format!("there is no project `{id}`"));
            }
        }
        Ok(Some(projects))
    }
}

/// Who sees some projects makes a credential for those, not for others.
fn check_unrestricted(caller: &Caller, problems: &mut Problems) {
    if !caller.token.rights.seen().is_all() {
        let problem = "must be true: this token sees some projects only";
        problems.add("restrictions.restricted", problem);
    }
}

/// Times are the server's to set.
fn times(created: &Option<String>, updated: &Option<String>, problems: &mut Problems) {
    for (field, given) in [("createdAt", created), ("updatedAt", updated)] {
        if given.is_some() {
            problems.add(field, "is set by the server");
        }
    }
}
