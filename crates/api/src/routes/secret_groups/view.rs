//! A group of secrets as the wire shows it.

use crate::edge::iso_millis;
use domain::secret_group::{Restrictions, Scope, SecretKind};
use domain::{FileContent, Project, SecretGroup, SecretValues};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// A group without its values.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GroupSummary {
    id: String,
    project_id: String,
    name: String,
    tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(rename = "type")]
    kind: SecretKind,
    secret_type: Scope,
    priority: i64,
    restrictions: Restrictions,
    created_at: String,
    updated_at: String,
}

/// A group.
#[derive(Serialize, JsonSchema)]
pub(crate) struct GroupView {
    #[serde(flatten)]
    summary: GroupSummary,
    /// Absent where the caller may not read them.
    #[serde(skip_serializing_if = "Option::is_none")]
    secrets: Option<Values>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Values {
    variables: BTreeMap<String, String>,
    files: BTreeMap<String, FileContent>,
    docker_secret_mounts: BTreeMap<String, FileContent>,
}

/// A group with what it has from addons, of which there are none here.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GroupDetails {
    #[serde(flatten)]
    group: GroupView,
    addon_secrets: [(); 0],
}

impl GroupSummary {
    pub(crate) fn new(project: &Project, group: SecretGroup) -> Self {
        let settings = group.settings;
        GroupSummary {
            id: group.id,
            project_id: project.id.clone(),
            name: group.name,
            tags: settings.tags,
            description: settings.description,
            kind: settings.kind,
            secret_type: settings.scope,
            priority: settings.priority,
            restrictions: settings.restrictions,
            created_at: iso_millis(group.created_at),
            updated_at: iso_millis(group.updated_at),
        }
    }
}

impl GroupView {
    /// The view; values are given only for a caller who may read them.
    pub(crate) fn new(project: &Project, group: SecretGroup, values: Option<SecretValues>) -> Self {
        GroupView {
            summary: GroupSummary::new(project, group),
            secrets: values.map(|values| Values {
                variables: values.variables,
                files: values.files,
                docker_secret_mounts: values.mounts,
            }),
        }
    }
}

impl GroupDetails {
    pub(crate) fn new(group: GroupView) -> Self {
        GroupDetails {
            group,
            addon_secrets: [],
        }
    }
}
