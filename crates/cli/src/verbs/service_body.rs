//! A build service's body from friendly flags.

use super::body::{arguments, set, set_some};
use crate::args::ServiceFields;
use crate::error::CliError;
use serde_json::{Value, json};
use url::Url;

/// Sets what the flags say.
pub(super) fn apply(fields: &ServiceFields, body: &mut Value) -> Result<(), CliError> {
    let provider = fields
        .vcs
        .clone()
        .or_else(|| fields.repo.as_deref().map(provider_of));
    set_some(body, &["description"], fields.description.clone())?;
    set_some(body, &["billing", "buildPlan"], fields.plan.clone())?;
    set_some(body, &["vcsData", "projectUrl"], fields.repo.clone())?;
    set_some(body, &["vcsData", "projectType"], provider)?;
    let dockerfile = |field| ["buildSettings", "dockerfile", field];
    set_some(
        body,
        &dockerfile("dockerFilePath"),
        fields.dockerfile.clone(),
    )?;
    set_some(body, &dockerfile("dockerWorkDir"), fields.workdir.clone())?;
    set_some(
        body,
        &["buildConfiguration", "dockerfileTarget"],
        fields.target.clone(),
    )?;
    set_some(body, &["buildArguments"], arguments(&fields.args))
}

/// Fills in what a new service must have and nobody said.
pub(super) fn complete(body: &mut Value) -> Result<(), CliError> {
    if body["billing"].is_null() {
        // The operator's default plan.
        set(body, &["billing"], json!({}))?;
    }
    if body["buildSettings"]["buildpack"].is_null() {
        for (field, default) in [("dockerFilePath", "/Dockerfile"), ("dockerWorkDir", "/")] {
            if body["buildSettings"]["dockerfile"][field].is_null() {
                set(
                    body,
                    &["buildSettings", "dockerfile", field],
                    json!(default),
                )?;
            }
        }
    }
    Ok(())
}

/// The provider that a well-known address stands for; any other is a git server of one's own.
fn provider_of(repo: &str) -> String {
    let host = Url::parse(repo)
        .ok()
        .and_then(|url| url.host_str().map(str::to_lowercase));
    let provider = match host.as_deref() {
        Some("github.com") => "github",
        Some("gitlab.com") => "gitlab",
        Some("bitbucket.org") => "bitbucket",
        Some("dev.azure.com") => "azure",
        _ => "self-hosted",
    };
    provider.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_the_body_and_defaults_fill_the_gaps() {
        let mut body = json!({
            "name": "Web",
            "buildSettings": { "dockerfile": { "dockerFilePath": "/a", "buildEngine": "buildkit" } },
        });
        let fields = ServiceFields {
            repo: Some("https://github.com/acme/web".into()),
            dockerfile: Some("/b".into()),
            ..ServiceFields::default()
        };
        apply(&fields, &mut body).unwrap();
        complete(&mut body).unwrap();
        assert_eq!(
            body,
            json!({
                "name": "Web",
                "billing": {},
                "vcsData": { "projectUrl": "https://github.com/acme/web", "projectType": "github" },
                "buildSettings": { "dockerfile": {
                    "dockerFilePath": "/b", "dockerWorkDir": "/", "buildEngine": "buildkit",
                } },
            })
        );
    }

    #[test]
    fn a_buildpack_needs_no_dockerfile() {
        let mut body = json!({ "buildSettings": { "buildpack": {} } });
        complete(&mut body).unwrap();
        assert_eq!(body["buildSettings"], json!({ "buildpack": {} }));
        assert_eq!(provider_of("git@git.example.com:a/b.git"), "self-hosted");
    }
}
