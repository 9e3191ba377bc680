//! What else is said of a service's builds: which commits build, and what a build gets besides the
//! Dockerfile.

use super::{Storage, nullable};
use crate::edge::Problems;
use domain::{ServiceSpec, fields};
use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "BuildConfigurationInput")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in super::super) struct BuildConfiguration {
    pub(in super::super) pr_restrictions: Option<Vec<String>>,
    pub(in super::super) branch_restrictions: Option<Vec<String>>,
    pub(in super::super) cross_project_access: Option<CrossProjectAccess>,
    pub(in super::super) path_ignore_rules: Option<Vec<String>>,
    pub(in super::super) is_allow_list: Option<bool>,
    pub(in super::super) ci_ignore_flags_enabled: Option<bool>,
    pub(in super::super) ci_ignore_flags: Option<Vec<String>>,
    #[serde(default, deserialize_with = "nullable")]
    pub(in super::super) dockerfile_target: Option<Option<String>>,
    pub(in super::super) docker_credentials: Option<Vec<String>>,
    pub(in super::super) include_git_folder: Option<bool>,
    pub(in super::super) full_git_clone: Option<bool>,
    pub(in super::super) enable_git_lfs: Option<bool>,
    #[serde(default, deserialize_with = "nullable")]
    pub(in super::super) storage: Option<Option<Storage>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in super::super) struct CrossProjectAccess {
    enabled: bool,
    #[serde(rename = "projects")]
    _projects: Vec<String>,
    #[serde(rename = "isAllowList")]
    _is_allow_list: bool,
}

impl BuildConfiguration {
    /// Lays what is said onto the specification; fields are named behind `prefix`. `pullable` are the
    /// ids of the credentials that may be named.
    pub(in super::super) fn apply(
        &self,
        prefix: &str,
        spec: &mut ServiceSpec,
        pullable: &[String],
        problems: &mut Problems,
    ) {
        self.refuse_unsupported(prefix, problems);
        self.apply_credentials(prefix, spec, pullable, problems);
        Storage::apply(&self.storage, &format!("{prefix}storage."), spec, problems);
        if let Some(target) = &self.dockerfile_target {
            let field = format!("{prefix}dockerfileTarget");
            let target = target.as_deref().filter(|target| !target.is_empty());
            problems.check_some(&field, target, fields::stage);
            spec.dockerfile.target = target.map(str::to_owned);
        }
        spec.include_git_folder = self.include_git_folder.unwrap_or(spec.include_git_folder);
        spec.full_git_clone = self.full_git_clone.unwrap_or(spec.full_git_clone);
        spec.enable_git_lfs = self.enable_git_lfs.unwrap_or(spec.enable_git_lfs);
        self.check_rules(prefix, problems);
        let rules = &mut spec.rules;
        replace(&mut rules.pr_restrictions, &self.pr_restrictions);
        replace(&mut rules.branch_restrictions, &self.branch_restrictions);
        replace(&mut rules.path_ignore_rules, &self.path_ignore_rules);
        replace(&mut rules.is_allow_list, &self.is_allow_list);
        replace(
            &mut rules.ci_ignore_flags_enabled,
            &self.ci_ignore_flags_enabled,
        );
        replace(&mut rules.ci_ignore_flags, &self.ci_ignore_flags);
    }

    /// Whether credentials are named, which have to be looked up then.
    pub(super) fn names_credentials(&self) -> bool {
        names_credentials(self.docker_credentials.as_deref())
    }

    fn apply_credentials(
        &self,
        prefix: &str,
        spec: &mut ServiceSpec,
        pullable: &[String],
        problems: &mut Problems,
    ) {
        let Some(ids) = &self.docker_credentials else {
            return;
        };
        for (index, id) in ids.iter().enumerate() {
            let field = format!("{prefix}dockerCredentials[{index}]");
            if ids[..index].contains(id) {
                problems.add(&field, "is there twice");
            } else if !pullable.contains(id) {
                let problem = "that this project may pull with";
                problems.add(
                    &field,
                    format!("there is no registry credential `{id}` {problem}"),
                );
            }
        }
        spec.docker_credentials.clone_from(ids);
    }

    fn check_rules(&self, prefix: &str, problems: &mut Problems) {
        let lists = [
            (
                "prRestrictions",
                &self.pr_restrictions,
                fields::build_rule as fn(&str) -> _,
            ),
            (
                "branchRestrictions",
                &self.branch_restrictions,
                fields::build_rule,
            ),
            (
                "pathIgnoreRules",
                &self.path_ignore_rules,
                fields::path_rule,
            ),
            ("ciIgnoreFlags", &self.ci_ignore_flags, fields::ignore_flag),
        ];
        for (name, list, check) in lists {
            let field = format!("{prefix}{name}");
            let list = list.as_deref().unwrap_or_default();
            if list.len() > fields::RULES {
                problems.add(
                    &field,
                    format!("must have at most {} entries", fields::RULES),
                );
            }
            for (index, entry) in list.iter().enumerate() {
                problems.check(&format!("{field}[{index}]"), check(entry));
            }
        }
    }

    fn refuse_unsupported(&self, prefix: &str, problems: &mut Problems) {
        let field = |name: &str| format!("{prefix}{name}");
        let shared = self
            .cross_project_access
            .as_ref()
            .map(|access| access.enabled);
        problems.refuse(&field("crossProjectAccess"), shared == Some(true));
    }
}

/// Whether there are credentials to be looked up.
pub(in super::super) fn names_credentials(ids: Option<&[String]>) -> bool {
    ids.is_some_and(|ids| !ids.is_empty())
}

fn replace<T: Clone>(kept: &mut Option<T>, given: &Option<T>) {
    if given.is_some() {
        kept.clone_from(given);
    }
}
