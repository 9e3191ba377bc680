//! A build service: which repository, how it is built, on which plan.

use crate::{Millis, Status};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A build service as the store keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// Stable identity (uuid v7), never shown.
    pub uid: String,
    /// Identity of its project.
    pub project_uid: String,
    /// The id in URLs.
    pub id: String,
    /// The name a person gave it.
    pub name: String,
    /// A short description.
    pub description: Option<String>,
    /// How it builds.
    pub spec: ServiceSpec,
    /// Dense number in its project, by which lists are walked.
    pub number: i64,
    /// What is sealed of it cannot be opened, and is empty here.
    pub unreadable: bool,
    /// The number of its newest build; 0 before the first. Builds are numbered 1, 2, 3 … without gaps.
    pub last_build_number: i64,
    /// When it was made.
    pub created_at: Millis,
    /// When it last changed.
    pub updated_at: Millis,
}

/// A service's newest build, as lists of services show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatestBuild {
    /// Its status.
    pub status: Status,
    /// When it reached that status.
    pub since: Millis,
}

/// How a service builds. Stored as JSON: fields may be added with a default, never renamed. Its
/// build arguments, files and mounts are kept apart, as [`crate::SecretValues`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceSpec {
    /// Whether builds fetch from the repository or get a bundle.
    pub build_source: BuildSource,
    /// Where the source comes from; empty for a service that builds bundles.
    pub source: GitSource,
    /// The plan the service asks for; `None` means the operator's default.
    pub build_plan: Option<String>,
    /// The processor architecture; `None` means the machine's own.
    pub architecture: Option<Architecture>,
    /// Whether new commits start no builds by themselves.
    pub disabled_ci: bool,
    /// The Dockerfile and its surroundings.
    pub dockerfile: DockerfileSettings,
    /// Ephemeral storage per build in MB; `None` means the operator's default.
    pub ephemeral_storage_mb: Option<u64>,
    /// Whether `.git` is part of the build context.
    pub include_git_folder: bool,
    /// Whether that `.git` has the whole history.
    pub full_git_clone: bool,
    /// Whether files that Git LFS keeps are fetched.
    pub enable_git_lfs: bool,
    /// Which commits build by themselves.
    pub rules: BuildRules,
    /// The ids of the credentials that private base images are pulled with.
    pub docker_credentials: Vec<String>,
    /// The ids of its tags.
    pub tags: Vec<String>,
}

impl ServiceSpec {
    /// Whether its repository is looked at, so that new commits build by themselves.
    pub fn builds_by_itself(&self) -> bool {
        let has_repository =
            self.build_source == BuildSource::Git && !self.source.project_url.is_empty();
        has_repository && !self.disabled_ci
    }
}

/// What a service's builds are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BuildSource {
    /// A commit of a git repository.
    #[default]
    Git,
    /// An archive whose URL each build names.
    Bundle,
}

/// A git repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GitSource {
    /// The URL as it was given, with its login.
    pub project_url: String,
    /// The kind of forge, as the contract names it (`self-hosted`, `github`, …).
    pub project_type: ProjectType,
    /// Identity of the linked account ([`crate::vcs::VcsLink::uid`]) whose token opens it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vcs_link: Option<String>,
}

/// The kinds of forge the contract names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProjectType {
    /// Any git server.
    #[default]
    SelfHosted,
    /// GitHub.
    Github,
    /// GitLab.
    Gitlab,
    /// Bitbucket.
    Bitbucket,
    /// Azure DevOps.
    Azure,
}

impl ProjectType {
    /// The ref under which this kind of forge keeps the head of a pull request, if it keeps one.
    pub fn pull_request_ref(self, number: i64) -> Option<String> {
        match self {
            ProjectType::Gitlab => Some(format!("refs/merge-requests/{number}/head")),
            // GitHub's form, which Gitea and Forgejo share.
            ProjectType::Github | ProjectType::SelfHosted => {
                Some(format!("refs/pull/{number}/head"))
            }
            ProjectType::Azure => Some(format!("refs/pull/{number}/merge")),
            ProjectType::Bitbucket => None,
        }
    }

    /// Where this kind of forge shows a pull request, below the repository's own page.
    pub fn pull_request_page(self, number: i64) -> Option<String> {
        match self {
            ProjectType::Github => Some(format!("pull/{number}")),
            ProjectType::Gitlab => Some(format!("-/merge_requests/{number}")),
            ProjectType::Bitbucket => Some(format!("pull-requests/{number}")),
            ProjectType::Azure => Some(format!("pullrequest/{number}")),
            // Which forge it is, if any, is not known.
            ProjectType::SelfHosted => None,
        }
    }
}

/// A processor architecture, as the contract names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    /// x86-64.
    X86,
    /// 64-bit Arm.
    Arm,
}

impl Architecture {
    /// The architecture of the machine this runs on, where the contract has a word for it.
    pub fn native() -> Option<Architecture> {
        match std::env::consts::ARCH {
            "x86_64" => Some(Architecture::X86),
            "aarch64" => Some(Architecture::Arm),
            _ => None,
        }
    }

    /// What the system calls it, as in `uname -m` and in the names of qemu's programs.
    pub fn machine_name(self) -> &'static str {
        match self {
            Architecture::X86 => "x86_64",
            Architecture::Arm => "aarch64",
        }
    }

    /// What images call it.
    pub fn image_name(self) -> &'static str {
        match self {
            Architecture::X86 => "amd64",
            Architecture::Arm => "arm64",
        }
    }
}

/// The Dockerfile and its surroundings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DockerfileSettings {
    /// Path from the repository's root, with a leading slash.
    pub docker_file_path: String,
    /// Build context from the repository's root, with a leading slash.
    pub docker_work_dir: String,
    /// The stage to build; `None` means the last.
    pub target: Option<String>,
    /// Whether layers are cached between builds.
    pub use_cache: bool,
    /// How large the service's cache may grow, in MB; `None` means the operator's default.
    pub cache_storage_mb: Option<u64>,
}

impl Default for DockerfileSettings {
    fn default() -> Self {
        DockerfileSettings {
            docker_file_path: "/Dockerfile".into(),
            docker_work_dir: "/".into(),
            target: None,
            use_cache: true,
            cache_storage_mb: None,
        }
    }
}

/// Whether a build file, which is laid into the context at `docker_work_dir`, would take the place of
/// the Dockerfile at `docker_file_path`.
pub fn is_dockerfile(build_file: &str, docker_work_dir: &str, docker_file_path: &str) -> bool {
    let parts = |path: &str| {
        let parts = path.split('/').filter(|part| !matches!(*part, "" | "."));
        parts.map(str::to_owned).collect::<Vec<_>>()
    };
    parts(&format!("{docker_work_dir}/{build_file}")) == parts(docker_file_path)
}

/// Which new commits build by themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct BuildRules {
    /// The branches whose pull requests build, with `*` for any part of a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pr_restrictions: Option<Vec<String>>,
    /// The branches that build, with `*` for any part of a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch_restrictions: Option<Vec<String>>,
    /// Paths (`.gitignore` syntax) whose changes alone build nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_ignore_rules: Option<Vec<String>>,
    /// Whether the path rules list what does build instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_allow_list: Option<bool>,
    /// Whether the flags below are looked for in commit messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ci_ignore_flags_enabled: Option<bool>,
    /// Words in a commit message that keep it from building.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ci_ignore_flags: Option<Vec<String>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dockerfile_is_found_out_however_its_path_is_written() {
        for (file, dir, path) in [
            ("/Dockerfile", "/", "/Dockerfile"),
            ("/Dockerfile", "/app", "/app/Dockerfile"),
            ("/Dockerfile", "/app/", "/app/./Dockerfile"),
            ("/app/Dockerfile", "/.", "/app/Dockerfile"),
        ] {
            assert!(is_dockerfile(file, dir, path), "{file} in {dir}");
        }
        assert!(!is_dockerfile("/Dockerfile", "/app", "/Dockerfile"));
        assert!(!is_dockerfile("/dir/Dockerfile", "/", "/Dockerfile"));
    }
}
