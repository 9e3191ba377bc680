//! What can be told.

use crate::Status;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the name of an event's switch begins with.
pub const TRIGGER: &str = "trigger:";

/// Something that happens to a build.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum Event {
    /// A worker has taken it. Once a build: one that ends before that never started.
    #[serde(rename = "build:start")]
    BuildStart,
    /// Its image is in the registry.
    #[serde(rename = "build:success")]
    BuildSuccess,
    /// It failed, crashed or could not be submitted.
    #[serde(rename = "build:failure")]
    BuildFailure,
    /// It was stopped.
    #[serde(rename = "build:abort")]
    BuildAbort,
}

impl Event {
    /// Every event.
    pub const ALL: [Event; 4] = [
        Event::BuildStart,
        Event::BuildSuccess,
        Event::BuildFailure,
        Event::BuildAbort,
    ];

    /// What has happened to a build that has just come to this status.
    pub fn of(status: Status) -> Option<Event> {
        match status {
            Status::Starting => Some(Event::BuildStart),
            Status::Success => Some(Event::BuildSuccess),
            Status::Failure | Status::Crashed | Status::SubmissionFailure => {
                Some(Event::BuildFailure)
            }
            Status::Aborted => Some(Event::BuildAbort),
            _ => None,
        }
    }

    /// The contract's word for it, as in `build:start`.
    pub fn as_str(self) -> &'static str {
        match self {
            Event::BuildStart => "build:start",
            Event::BuildSuccess => "build:success",
            Event::BuildFailure => "build:failure",
            Event::BuildAbort => "build:abort",
        }
    }

    /// Reads the word back; `None` for any other word.
    pub fn parse(word: &str) -> Option<Event> {
        Event::ALL.into_iter().find(|event| event.as_str() == word)
    }

    /// The event of a switch like `trigger:build:start`.
    pub fn of_trigger(switch: &str) -> Option<Event> {
        Event::parse(switch.strip_prefix(TRIGGER)?)
    }
}

/// The other things that the contract has switches for. None of them exists here, so their events
/// never happen.
const FOREIGN: [&str; 12] = [
    "addon-backup",
    "billing",
    "cdn",
    "infrastructure",
    "job-run",
    "log-sink",
    "project:tailscale-regen-failure",
    "release-flow-template-run",
    "resource",
    "service:autoscaling",
    "service:deployment",
    "template-run",
];

/// Whether a switch is one of the contract's for an event that cannot happen on this server.
pub fn is_foreign_trigger(switch: &str) -> bool {
    switch.strip_prefix(TRIGGER).is_some_and(|event| {
        FOREIGN.iter().any(|thing| {
            let rest = event.strip_prefix(thing);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip() {
        for event in Event::ALL {
            assert_eq!(Event::parse(event.as_str()), Some(event));
            let switch = format!("{TRIGGER}{}", event.as_str());
            assert_eq!(Event::of_trigger(&switch), Some(event));
            assert!(!is_foreign_trigger(&switch));
        }
    }

    #[test]
    fn every_way_to_end_is_told_and_no_phase_is() {
        for status in Status::ALL {
            let told = status.is_concluded() || status == Status::Starting;
            assert_eq!(Event::of(status).is_some(), told, "{status}");
        }
    }

    #[test]
    fn a_switch_of_the_contract_is_told_from_one_of_nobodys() {
        for foreign in [
            "trigger:job-run:start",
            "trigger:infrastructure:build:container-eviction",
            "trigger:project:tailscale-regen-failure",
        ] {
            assert!(is_foreign_trigger(foreign), "{foreign}");
        }
        for unknown in ["build:start", "trigger:build:begin", "trigger:jobs", "x"] {
            assert!(!is_foreign_trigger(unknown), "{unknown}");
            assert_eq!(Event::of_trigger("trigger:build:begin"), None);
        }
    }
}
