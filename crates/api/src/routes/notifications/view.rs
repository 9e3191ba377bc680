//! A notification integration as the wire shows it. Its secret is never shown.

use crate::edge::iso_millis;
use crate::routes::unreadable::problem;
use domain::notification::{Event, Integration, Provider, TRIGGER};
use domain::tag::TagMatch;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Notifications {
    pub(super) notification_integrations: Vec<NotificationSummary>,
}

/// What a list shows.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NotificationSummary {
    id: String,
    name: String,
    #[serde(rename = "type")]
    provider: Provider,
    webhook: String,
    status: ReceiverStatus,
    /// What is wrong with it: a part of it cannot be read any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    created_at: String,
    updated_at: String,
}

/// Everything that is shown. Beyond the contract: `restrictions`, `status.lastError`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NotificationView {
    #[serde(flatten)]
    summary: NotificationSummary,
    restricted: bool,
    projects: Vec<String>,
    restrictions: RestrictionsView,
    /// The switches of what can happen on this server.
    events: BTreeMap<String, bool>,
}

/// How its receiver does.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ReceiverStatus {
    /// Nothing is sent: somebody asked for that, or the receiver has failed for days.
    disabled: bool,
    /// When requests began to fail; absent when the last one did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    time_of_first_failed_request: Option<String>,
    /// How many requests have failed since.
    number_of_failed_requests: i64,
    /// What was wrong with the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct RestrictionsView {
    tags: TagRestrictionView,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct TagRestrictionView {
    enabled: bool,
    items: Vec<String>,
    match_condition: TagMatch,
}

impl From<&Integration> for NotificationSummary {
    fn from(of: &Integration) -> Self {
        let failing = of.failing.as_ref();
        NotificationSummary {
            id: of.id.clone(),
            name: of.name.clone(),
            provider: of.provider,
            webhook: of.webhook.expose().to_owned(),
            status: ReceiverStatus {
                disabled: of.disabled,
                time_of_first_failed_request: failing.map(|failing| iso_millis(failing.since)),
                number_of_failed_requests: failing.map_or(0, |failing| failing.requests),
                last_error: failing.map(|failing| failing.error.clone()),
            },
            problem: problem(of.unreadable, "Its webhook"),
            created_at: iso_millis(of.created_at),
            updated_at: iso_millis(of.updated_at),
        }
    }
}

impl From<&Integration> for NotificationView {
    fn from(of: &Integration) -> Self {
        let switch = |event: Event| {
            let name = format!("{TRIGGER}{}", event.as_str());
            (name, of.events.contains(&event))
        };
        let tags = of.audience.tags.as_ref();
        NotificationView {
            summary: of.into(),
            restricted: of.audience.projects.is_some(),
            projects: of.audience.projects.clone().unwrap_or_default(),
            restrictions: RestrictionsView {
                tags: TagRestrictionView {
                    enabled: tags.is_some(),
                    items: tags.map(|rule| rule.items.clone()).unwrap_or_default(),
                    match_condition: tags.map(|rule| rule.matching).unwrap_or_default(),
                },
            },
            events: Event::ALL.map(switch).into(),
        }
    }
}
