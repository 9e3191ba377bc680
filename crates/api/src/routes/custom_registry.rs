//! A project's own registry: what a caller may say about it, and where a build's image goes by it.

use crate::edge::{ApiError, Problems};
use crate::state::State;
use domain::project::CustomRegistry;
use domain::registry_credential::Provider;
use domain::{Project, PushTo, Service};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What create, put and patch of a project take.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CustomRegistryInput {
    enabled: Option<bool>,
    configuration: Option<Configuration>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Configuration {
    credential_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<Provider>,
}

/// What a project shows of it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct CustomRegistryView {
    enabled: bool,
    configuration: Configuration,
}

impl From<CustomRegistry> for CustomRegistryView {
    fn from(registry: CustomRegistry) -> Self {
        CustomRegistryView {
            enabled: registry.enabled,
            configuration: Configuration {
                credential_id: registry.credential_id,
                provider: Some(registry.provider),
            },
        }
    }
}

impl CustomRegistryInput {
    /// The registry that the input asks for, in a project that has `before`.
    pub(crate) async fn checked(
        &self,
        state: &State,
        (team, project): (&str, &str),
        before: Option<&CustomRegistry>,
        problems: &mut Problems,
    ) -> Result<Option<CustomRegistry>, ApiError> {
        let Some(configuration) = &self.configuration else {
            let enabled = self.enabled == Some(true);
            if enabled && before.is_none() {
                let problem = "is required: the id of the credential to push with";
                problems.add("customRegistry.configuration.credentialId", problem);
            }
            return Ok(before.cloned().map(|before| CustomRegistry {
                enabled: self.enabled.unwrap_or(before.enabled),
                ..before
            }));
        };
        let id = &configuration.credential_id;
        let found = state.store.registry_credential(team, id).await?;
        let Some(credential) = found.filter(|credential| credential.pushes_for(project)) else {
            problems.add(
                "customRegistry.configuration.credentialId",
                format!("there is no registry credential `{id}` that this project may push with"),
            );
            return Ok(None);
        };
        let named = configuration.provider;
        if named.is_some_and(|named| named != credential.provider) {
            problems.add(
                "customRegistry.configuration.provider",
                format!(
                    "is not that of the credential, `{}`",
                    credential.provider.as_str()
                ),
            );
        }
        Ok(Some(CustomRegistry {
            enabled: self.enabled.unwrap_or(true),
            credential_id: credential.id,
            provider: credential.provider,
        }))
    }
}

/// Where the image of a service's build goes, when not to this server's own registry.
pub(crate) async fn push_to(
    state: &State,
    project: &Project,
    service: &Service,
) -> Result<Option<PushTo>, ApiError> {
    let registry = project.custom_registry.as_ref();
    let Some(registry) = registry.filter(|registry| registry.enabled) else {
        return Ok(None);
    };
    let id = &registry.credential_id;
    let credential = state.store.registry_credential(&project.team, id).await?;
    let credential = credential.ok_or_else(|| {
        ApiError::conflict(format!(
            "The registry credential `{id}`, which the project `{}` pushes with, is gone.",
            project.id
        ))
    })?;
    Ok(Some(PushTo {
        repository: credential.repository_of(&project.id, &service.id),
        credential_id: credential.id,
    }))
}
