//! Which repository a service builds.

use super::super::service_view::without_login;
use super::nullable;
use crate::Settings;
use crate::edge::Problems;
use domain::ServiceSpec;
use domain::service::ProjectType;
use domain::vcs::VcsLink;
use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "VcsDataInput")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in super::super) struct VcsData {
    pub(in super::super) project_url: Option<String>,
    pub(in super::super) project_type: Option<ProjectType>,
    #[serde(default, deserialize_with = "nullable")]
    pub(in super::super) self_hosted_vcs_id: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    pub(in super::super) account_login: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    pub(in super::super) vcs_link_id: Option<Option<String>>,
}

impl VcsData {
    pub(super) fn names_no_repository(&self) -> bool {
        self.project_url.is_none()
    }

    pub(super) fn names_no_forge(&self) -> bool {
        self.project_type.is_none()
    }

    /// Lays what is said onto the specification; fields are named behind `prefix`. `links` are the
    /// team's, where they are concerned.
    pub(in super::super) fn apply(
        &self,
        prefix: &str,
        spec: &mut ServiceSpec,
        (settings, links): (&Settings, &[VcsLink]),
        problems: &mut Problems,
    ) {
        let field = |name: &str| format!("{prefix}{name}");
        if let Some(url) = &self.project_url {
            if let Err(error) = git::RepoUrl::parse(url, &settings.git_protocols) {
                problems.add(&field("projectUrl"), error.to_string());
            }
            // A service that is written back as it was shown keeps its login.
            if *url != without_login(&spec.source.project_url) {
                spec.source.project_url.clone_from(url);
            }
        }
        spec.source.project_type = self.project_type.unwrap_or(spec.source.project_type);
        self.apply_link(prefix, spec, links, problems);
    }
}
