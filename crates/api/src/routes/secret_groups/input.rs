//! What a caller may say about a group of secrets.

use crate::edge::{ApiError, Problems};
use crate::routes::secret_input::GROUP;
use crate::routes::tags;
use crate::state::State;
use domain::secret_group::{
    GroupSettings, NfObject, NfObjectKind, Restrictions, Scope, SecretKind,
};
use domain::tag::TagMatch;
use domain::{FileContent, Project, SecretChanges, fields};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The body of create, put, patch and update.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct GroupInput {
    pub(crate) name: Option<String>,
    description: Option<String>,
    stage_id: Option<Value>,
    tags: Option<Vec<String>>,
    #[serde(rename = "type")]
    kind: Option<SecretKind>,
    secret_type: Option<Scope>,
    #[schemars(range(min = 0, max = 100))]
    priority: Option<i64>,
    restrictions: Option<RestrictionsInput>,
    addon_dependencies: Option<Vec<Value>>,
    external_addon_dependencies: Option<Vec<Value>>,
    secrets: Option<ValuesInput>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RestrictionsInput {
    restricted: Option<bool>,
    nf_objects: Option<Vec<NfObject>>,
    tags: Option<Vec<String>>,
    tag_match_condition: Option<TagMatch>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[schemars(rename = "GroupValuesInput")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ValuesInput {
    variables: Option<BTreeMap<String, String>>,
    files: Option<BTreeMap<String, FileContent>>,
    docker_secret_mounts: Option<BTreeMap<String, FileContent>>,
}

impl GroupInput {
    /// Lays the input onto `settings`, and answers what it says about values; with `new`, what a group
    /// cannot be without must be there.
    pub(crate) async fn apply(
        self,
        settings: &mut GroupSettings,
        new: bool,
        state: &State,
        project: &Project,
    ) -> Result<SecretChanges, ApiError> {
        let mut problems = Problems::default();
        if new {
            self.check_required(&mut problems);
        }
        self.check(&mut problems);
        let ids = self.tags.as_deref().unwrap_or_default();
        tags::check(state, &project.team, "tags", ids, &mut problems).await?;
        if let Some(restrictions) = &self.restrictions {
            restrictions.check(state, project, &mut problems).await?;
        }
        let secrets = self.secrets.unwrap_or_default();
        let changes = SecretChanges {
            variables: secrets.variables,
            files: secrets.files,
            mounts: secrets.docker_secret_mounts,
        };
        GROUP.check(&changes, &mut problems);
        problems.into_result()?;
        settings.description = self.description.or(settings.description.take());
        replace(&mut settings.tags, self.tags);
        replace(&mut settings.kind, self.kind);
        replace(&mut settings.scope, self.secret_type);
        replace(&mut settings.priority, self.priority);
        if let Some(restrictions) = self.restrictions {
            restrictions.apply(&mut settings.restrictions);
        }
        Ok(changes)
    }

    fn check_required(&self, problems: &mut Problems) {
        match &self.name {
            None => problems.add("name", "is required"),
            Some(name) => problems.check("name", fields::secret_name(name)),
        }
        if self.secret_type.is_none() {
            let words = "is required: environment-arguments, environment or arguments";
            problems.add("secretType", words);
        }
        if self.priority.is_none() {
            problems.add("priority", "is required");
        }
    }

    fn check(&self, problems: &mut Problems) {
        let description = self.description.as_deref();
        problems.check_some("description", description, fields::description);
        let stage = self.stage_id.as_ref().is_some_and(|id| !id.is_null());
        problems.refuse("stageId", stage);
        problems.check_some("priority", self.priority.as_ref(), |priority| {
            fields::priority(*priority)
        });
        for (field, addons) in [
            ("addonDependencies", &self.addon_dependencies),
            (
                "externalAddonDependencies",
                &self.external_addon_dependencies,
            ),
        ] {
            let asked = addons.as_ref().is_some_and(|addons| !addons.is_empty());
            problems.refuse(field, asked);
        }
    }
}

impl RestrictionsInput {
    async fn check(
        &self,
        state: &State,
        project: &Project,
        problems: &mut Problems,
    ) -> Result<(), ApiError> {
        let ids = self.tags.as_deref().unwrap_or_default();
        tags::check(state, &project.team, "restrictions.tags", ids, problems).await?;
        for (index, object) in self.nf_objects.iter().flatten().enumerate() {
            let field = format!("restrictions.nfObjects[{index}]");
            let id = &object.id;
            if object.kind == NfObjectKind::Job {
                problems.add(
                    &format!("{field}.type"),
                    "must be service: there are no jobs here",
                );
            } else if let Err(problem) = fields::id(id) {
                problems.add(&format!("{field}.id"), problem);
            } else if state.store.service(&project.uid, id).await?.is_none() {
                let problem = format!("names no service of the project: `{id}`");
                problems.add(&format!("{field}.id"), problem);
            }
        }
        Ok(())
    }

    fn apply(self, restrictions: &mut Restrictions) {
        replace(&mut restrictions.restricted, self.restricted);
        replace(&mut restrictions.nf_objects, self.nf_objects);
        replace(&mut restrictions.tags, self.tags);
        replace(
            &mut restrictions.tag_match_condition,
            self.tag_match_condition,
        );
    }
}

fn replace<T>(kept: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *kept = given;
    }
}
