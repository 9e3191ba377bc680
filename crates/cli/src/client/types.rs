//! The few shapes that the verbs and the demo look into. Unknown fields are ignored and missing
//! ones default, so that a newer or older server still fits.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Which build: its id together with its service's and project's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildPath {
    /// The project's id.
    pub project: String,
    /// The service's id.
    pub service: String,
    /// The build's id, like `joyous-view-6290`.
    pub build: String,
}

/// A project.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Project {
    /// The id in URLs.
    pub id: String,
    /// The name that a person chose.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// When it was created; lists leave it out.
    pub created_at: Option<Timestamp>,
    /// Its services; lists leave them out.
    pub services: Vec<Service>,
}

/// A service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Service {
    /// The id in URLs.
    pub id: String,
    /// The name that a person chose.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// `build` here; other servers know more.
    pub service_type: String,
    /// The state of its newest build.
    pub status: ServiceStatus,
    /// When it was created; lists leave it out.
    pub created_at: Option<Timestamp>,
    /// Where its source is; lists leave it out.
    pub vcs_data: Option<VcsData>,
    /// How looks for new commits go; only Boatyard says, and lists leave it out.
    pub watch: Option<Watch>,
}

/// How looks at a service's repository go, for new commits that build by themselves.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Watch {
    /// Since when there are looks.
    pub since: Option<Timestamp>,
    /// What keeps new commits from building.
    pub problem: Option<String>,
    /// The newest commit that was held back.
    pub last_skipped: Option<SkippedCommit>,
}

/// A commit that a service's rules held back.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SkippedCommit {
    /// The commit.
    pub sha: String,
    /// The ref that it is the head of.
    #[serde(rename = "ref")]
    pub name: String,
    /// Why, in a word.
    pub reason: String,
    /// When.
    pub at: Option<Timestamp>,
}

/// How a service fares.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ServiceStatus {
    /// Its newest build, when there is one.
    pub build: Option<LatestBuild>,
}

/// The newest build of a service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LatestBuild {
    /// The build's status.
    pub status: String,
    /// Since when.
    pub last_transition_time: Option<Timestamp>,
}

/// Where a service's source is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VcsData {
    /// The repository's URL.
    pub project_url: String,
}

/// A build.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Build {
    /// The id, unique in its service.
    pub id: String,
    /// The branch asked for.
    pub branch: Option<String>,
    /// The pull request asked for.
    pub pull_request_id: Option<i64>,
    /// One of the contract's statuses.
    pub status: String,
    /// The commit, once known.
    pub sha: Option<String>,
    /// The image, once pushed.
    pub registry: Option<Registry>,
    /// Whether it is over.
    pub concluded: Option<bool>,
    /// When it was accepted.
    pub created_at: Option<Timestamp>,
    /// Whether it ended well.
    pub success: Option<bool>,
    /// Why it stands where it stands, for a person.
    pub message: Option<String>,
    /// The same in a word to match on.
    pub reason: Option<String>,
    /// When a worker took it; only Boatyard says.
    pub started_at: Option<Timestamp>,
    /// When it ended; only Boatyard says.
    pub concluded_at: Option<Timestamp>,
    /// When it ended, in whole seconds since 1970.
    pub build_concluded_at: Option<i64>,
    /// What started it: `call` or `commit`; only Boatyard says.
    pub trigger: Option<String>,
    /// Whose token started it; only Boatyard says.
    pub created_by: Option<Creator>,
    /// The build that it repeats; only Boatyard says.
    pub retry_of: Option<String>,
    /// Where it stands while it waits; only Boatyard says.
    pub queue: Option<Queue>,
    /// The statuses it had; only Boatyard says, and lists leave them out.
    pub phases: Vec<Phase>,
    /// What it used, by metric; only Boatyard says, and lists leave it out.
    pub metrics: BTreeMap<String, Figures>,
}

/// Where a waiting build stands.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Queue {
    /// Its turn: 1 is the next.
    pub position: i64,
    /// When that may be.
    pub expected_start: Option<Timestamp>,
}

/// A status that a build had.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Phase {
    /// The status.
    pub status: String,
    /// How long it took, in seconds; nothing for the present one.
    pub seconds: Option<f64>,
}

/// What a build used of something.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Figures {
    /// The mean.
    pub average: f64,
    /// The most at a time.
    pub peak: f64,
    /// The unit of both.
    pub unit: String,
}

/// Whose token it was.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Creator {
    /// What the token was called.
    pub token_name: String,
}

/// Where a build's image is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Registry {
    /// What to pull.
    pub uri: Option<String>,
    /// The digest of its manifest; only Boatyard says.
    pub digest: Option<String>,
}

impl Build {
    /// Whether it is over and will never change again.
    pub fn is_concluded(&self) -> bool {
        self.concluded.unwrap_or(false)
    }

    /// Its status, with what a waiting build waits for. (How a build ended is said after its log.)
    pub fn stands(&self) -> String {
        let status = &self.status;
        match self.message.as_deref() {
            _ if self.is_concluded() => status.clone(),
            Some(message) if !message.is_empty() => format!("{status}: {message}"),
            _ if status == "QUEUED" => format!("{status}: waits for its turn"),
            _ => status.clone(),
        }
    }

    /// Whether its image is in the registry.
    pub fn succeeded(&self) -> bool {
        self.is_concluded() && self.status == "SUCCESS"
    }

    /// What to pull, once there is an image.
    pub fn image(&self) -> Option<&str> {
        self.registry.as_ref()?.uri.as_deref()
    }

    /// How long it took, or has taken up to `now`; nothing for one that waits to be begun.
    pub fn took(&self, now: Timestamp) -> Option<SignedDuration> {
        let waits = matches!(self.status.as_str(), "QUEUED" | "PENDING" | "UNSCHEDULABLE");
        let created = self.created_at.filter(|_| !waits);
        let begin = self.started_at.or(created)?;
        let end = match (self.concluded_at, self.build_concluded_at) {
            (Some(end), _) => end,
            (None, Some(seconds)) => Timestamp::from_second(seconds).ok()?,
            (None, None) if self.is_concluded() => return None,
            (None, None) => now,
        };
        // An end that is cut to whole seconds may lie before the beginning.
        Some(end.duration_since(begin).max(SignedDuration::ZERO))
    }
}

/// A plan: how much of a machine a build may use.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Plan {
    /// The id that services name.
    pub id: String,
    /// vCPUs.
    pub cpu_resource: f64,
    /// Memory in megabytes.
    pub ram_resource: f64,
}

/// A region.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Region {
    /// The id that projects name.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A notification integration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Notification {
    /// The id in URLs.
    pub id: String,
    /// The name that a person chose.
    pub name: String,
    /// The kind of receiver, like `RAW_WEBHOOK`.
    #[serde(rename = "type")]
    pub kind: String,
    /// How its receiver does.
    pub status: NotificationStatus,
}

/// How the receiver of a notification integration does.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NotificationStatus {
    /// Whether nothing is sent.
    pub disabled: bool,
    /// When requests began to fail, unless the last one did not.
    pub time_of_first_failed_request: Option<Timestamp>,
    /// What was wrong with the last one.
    pub last_error: Option<String>,
}

/// One line of a build's log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogLine {
    /// Where it was written.
    #[serde(default)]
    pub container_id: String,
    /// The line: a string, or JSON where the program wrote JSON.
    pub log: Value,
    /// When it was written.
    pub ts: Timestamp,
}

impl LogLine {
    /// The line as text.
    pub fn text(&self) -> Cow<'_, str> {
        match &self.log {
            Value::String(text) => Cow::Borrowed(text),
            other => Cow::Owned(other.to_string()),
        }
    }
}
