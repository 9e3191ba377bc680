//! A build: one commit on its way to an image.

use crate::service::{Architecture, ProjectType};
use crate::{FileContent, Millis, Plan, Reason, Status};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A build as lists and `get` show it. Notifications keep it as JSON until they are delivered: fields
/// may be added with a default, never renamed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Build {
    /// Stable identity (uuid v7): the name of its log, its lease, its working folder. Never shown.
    pub uid: String,
    /// Identity of its service.
    pub service_uid: String,
    /// Identity of its project.
    pub project_uid: String,
    /// Dense number in its service: 1, 2, 3 …
    pub number: i64,
    /// The id people see, like `joyous-view-6290`; unique in its service.
    pub id: String,
    /// Where it stands.
    pub status: Status,
    /// Why, as a stable word.
    pub reason: Option<Reason>,
    /// Why, as one sentence for a person.
    pub message: Option<String>,
    /// The branch asked for.
    pub branch: Option<String>,
    /// The pull request asked for.
    pub pull_request_id: Option<i64>,
    /// The commit, once known.
    pub sha: Option<String>,
    /// The image, once pushed.
    pub image: Option<Image>,
    /// How many times it was handed to an executor.
    pub attempt: i64,
    /// What started it.
    #[serde(default)]
    pub trigger: Trigger,
    /// Who started it; nobody, where a commit did.
    pub created_by: Option<Creator>,
    /// When it was accepted.
    pub created_at: Millis,
    /// When a worker took it.
    pub started_at: Option<Millis>,
    /// When it reached its present status.
    pub status_since: Millis,
    /// When it concluded.
    pub concluded_at: Option<Millis>,
}

/// What started a build.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "BuildTrigger")]
#[serde(rename_all = "lowercase")]
pub enum Trigger {
    /// Somebody's call.
    #[default]
    Call,
    /// A new commit, by itself.
    Commit,
}

impl Trigger {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Trigger::Call => "call",
            Trigger::Commit => "commit",
        }
    }

    /// Reads the word back; `None` for any other word.
    pub fn parse(word: &str) -> Option<Trigger> {
        let all = [Trigger::Call, Trigger::Commit];
        all.into_iter().find(|trigger| trigger.as_str() == word)
    }
}

/// Who started a build: the holder of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Creator {
    /// The token's id.
    pub token_id: String,
    /// What the token was called then; it may be revoked by now.
    pub token_name: String,
}

/// A registry of the project's own that an image goes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PushTo {
    /// The id of the credential to push with.
    pub credential_id: String,
    /// The repository, with the registry's host before it.
    pub repository: String,
}

/// A pushed image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// The host of the registry it is in, where that is not this server's own.
    pub registry: Option<String>,
    /// Repository and tag without the registry's host: `project/service:tag`.
    pub name: String,
    /// Digest of the manifest, `sha256:…`.
    pub digest: String,
    /// Compressed size in bytes: manifest, configuration and layers.
    pub size: i64,
}

/// Everything a worker needs to know to build, fixed when the build was accepted, so that later
/// changes of the service do not reach into a queued build. Stored as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildRequest {
    /// The repository's URL; empty where a bundle is built.
    pub project_url: String,
    /// The URL of the archive to build instead of a commit.
    #[serde(default)]
    pub bundle_url: Option<String>,
    /// The kind of forge.
    #[serde(default)]
    pub project_type: ProjectType,
    /// Identity of the linked account whose token opens the repository; the token itself is looked up
    /// when a worker takes the build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vcs_link: Option<String>,
    /// Build this branch, unless `sha` is given.
    #[serde(default)]
    pub branch: Option<String>,
    /// Build this pull request, unless `sha` is given.
    #[serde(default)]
    pub pull_request_id: Option<i64>,
    /// The branch that the pull request's commit is on, of a forge that keeps no refs of pull requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_request_branch: Option<String>,
    /// Whether the pull request is from a fork; `None` in what was accepted before anybody asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_fork: Option<bool>,
    /// Build this commit.
    #[serde(default)]
    pub sha: Option<String>,
    /// Dockerfile's path from the repository's root.
    pub docker_file_path: String,
    /// Build context from the repository's root.
    pub docker_work_dir: String,
    /// Stage to build; `None` means the last.
    #[serde(default)]
    pub target: Option<String>,
    /// Build arguments.
    #[serde(default)]
    pub build_arguments: BTreeMap<String, String>,
    /// The names of the build arguments that are secret, or have something secret in them.
    #[serde(default)]
    pub secret_arguments: BTreeSet<String>,
    /// The secrets of the account that are in arguments, files or mounts, each by itself: a step may
    /// take them out of what is around them.
    #[serde(default)]
    pub account_secrets: BTreeSet<String>,
    /// Files laid into the context, by their absolute path in it.
    #[serde(default)]
    pub build_files: BTreeMap<String, FileContent>,
    /// What `RUN --mount=type=secret` finds, by the mount's id.
    #[serde(default)]
    pub docker_secret_mounts: BTreeMap<String, FileContent>,
    /// The ids of the credentials that private base images are pulled with.
    #[serde(default)]
    pub docker_credentials: Vec<String>,
    /// Where the image goes, where that is not this server's own registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push_to: Option<PushTo>,
    /// Whether layers are cached between builds of the service.
    #[serde(default)]
    pub use_cache: bool,
    /// How large the service's cache may grow, in MB.
    #[serde(default)]
    pub cache_storage_mb: Option<u64>,
    /// Whether `.git` is part of the context.
    #[serde(default)]
    pub include_git_folder: bool,
    /// Whether that `.git` has the whole history.
    #[serde(default)]
    pub full_git_clone: bool,
    /// Whether files that Git LFS keeps are fetched.
    #[serde(default)]
    pub enable_git_lfs: bool,
    /// Ephemeral storage in MB.
    pub ephemeral_storage_mb: u64,
    /// The plan, resolved.
    pub plan: Plan,
    /// The architecture asked for.
    #[serde(default)]
    pub architecture: Option<Architecture>,
    /// How long the build may run, in seconds.
    pub time_limit_seconds: u64,
}

/// What a build needs of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Needs {
    /// The plan, resolved.
    pub plan: Plan,
    /// The architecture asked for.
    #[serde(default)]
    pub architecture: Option<Architecture>,
}

/// Letters a tag may hold; a branch's other letters become `-`.
///
/// Source: OCI distribution specification, tags: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
pub fn tag_from_branch(branch: &str) -> Option<String> {
    let tag: String = branch
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') {
                c
            } else {
                '-'
            }
        })
        .take(128)
        .collect();
    let tag = tag.trim_start_matches(['.', '-']).to_owned();
    (!tag.is_empty()).then_some(tag)
}

/// The tags an image gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tags {
    /// The build's id: the tag in `registry.uri`.
    pub build: String,
    /// The commit's sha; a bundle need not have one.
    pub commit: Option<String>,
    /// The branch's, which moves from build to build.
    pub branch: Option<String>,
}

impl Tags {
    /// The tags of a build. A branch that is called like a build or a commit gives none: it would
    /// take that one's tag away.
    pub fn of(build_id: &str, sha: Option<&str>, branch: Option<&str>) -> Tags {
        Tags {
            build: build_id.to_owned(),
            commit: sha.map(str::to_owned),
            branch: branch
                .and_then(tag_from_branch)
                .filter(|tag| !is_taken(tag)),
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.build)
            .chain(&self.commit)
            .chain(&self.branch)
            .map(String::as_str)
    }
}

/// Whether a tag has the form of a build's id, like `joyous-view-6290`, or of a commit's sha.
fn is_taken(tag: &str) -> bool {
    let of = |text: &str, allowed: fn(&u8) -> bool| {
        !text.is_empty() && text.bytes().all(|byte| allowed(&byte))
    };
    let is_sha = tag.len() == 40 && of(tag, u8::is_ascii_hexdigit);
    let parts: Vec<&str> = tag.split('-').collect();
    let is_id = matches!(parts[..], [one, other, number]
        if of(one, u8::is_ascii_lowercase) && of(other, u8::is_ascii_lowercase)
            && number.len() == 4 && of(number, u8::is_ascii_digit));
    is_sha || is_id
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_branch_becomes_a_tag() {
        assert_eq!(tag_from_branch("main").as_deref(), Some("main"));
        assert_eq!(
            tag_from_branch("feature/login").as_deref(),
            Some("feature-login")
        );
        assert_eq!(tag_from_branch("/"), None);
        let tags = Tags::of("joyous-view-6290", Some("12c1"), Some("feature/x"));
        assert!(tags.iter().eq(["joyous-view-6290", "12c1", "feature-x"]));
        let tags = Tags::of("joyous-view-6290", None, None);
        assert!(tags.iter().eq(["joyous-view-6290"]));
    }

    #[test]
    fn no_branch_takes_the_tag_of_a_build_or_a_commit() {
        for branch in ["plain-build-1234", "plain/build-1234", &"0a".repeat(20)] {
            let tags = Tags::of("joyous-view-6290", Some("12c1"), Some(branch));
            assert_eq!(tags.branch, None, "{branch}");
        }
        for branch in [
            "release-1234",
            "a-b-12345",
            "v1-b-1234",
            "a-b-c-1234",
            "abc123",
        ] {
            let tags = Tags::of("joyous-view-6290", Some("12c1"), Some(branch));
            assert_eq!(tags.branch.as_deref(), Some(branch));
        }
    }

    proptest! {
        #[test]
        fn every_tag_is_one_the_registry_takes(branch in "\\PC{0,200}") {
            if let Some(tag) = tag_from_branch(&branch) {
                let re = regex::Regex::new("^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$").unwrap();
                prop_assert!(re.is_match(&tag), "{}", tag);
            }
        }
    }
}
