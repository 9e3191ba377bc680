//! What create and update take.

use crate::edge::Problems;
use domain::notification::{Audience, Event, Integration, Provider, TagRule};
use domain::notification::{TRIGGER, is_foreign_trigger};
use domain::tag::TagMatch;
use domain::{Secret, fields, slug};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// A notification integration, or what changes in one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NotificationInput {
    /// Its name, from which its id derives; required to create it.
    name: Option<String>,
    /// Who understands what is sent; required to create it, fixed from then on.
    #[serde(rename = "type")]
    provider: Option<Provider>,
    /// Where it is sent, http or https; required to create it.
    webhook: Option<String>,
    /// Sent in a header of `RAW_WEBHOOK`; empty for none.
    secret: Option<String>,
    /// Whether it is told of `projects` only.
    restricted: Option<bool>,
    /// Ids of projects.
    projects: Option<Vec<String>>,
    /// Of which services it is told.
    restrictions: Option<Restrictions>,
    /// Switches like `trigger:build:success`; required to create it. Those not named stay.
    events: Option<BTreeMap<String, bool>>,
    /// Beyond the contract: whether nothing is sent for now.
    disabled: Option<bool>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "NotificationRestrictionsInput")]
#[serde(deny_unknown_fields)]
struct Restrictions {
    /// Which tags a service must have.
    tags: Option<TagRestriction>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct TagRestriction {
    enabled: Option<bool>,
    items: Option<Vec<String>>,
    match_condition: Option<TagMatch>,
}

impl NotificationInput {
    /// The integration that is asked for.
    pub(super) fn create(&self, team: &str, problems: &mut Problems) -> Integration {
        let required = [
            ("name", self.name.is_none()),
            ("type", self.provider.is_none()),
            ("webhook", self.webhook.is_none()),
            ("events", self.events.is_none()),
        ];
        for (field, missing) in required {
            if missing {
                problems.add(field, "is required");
            }
        }
        let blank = Integration {
            uid: String::new(),
            team: team.to_owned(),
            number: 0,
            id: slug::from_name(self.name.as_deref().unwrap_or_default()),
            name: String::new(),
            provider: self.provider.unwrap_or(Provider::RawWebhook),
            webhook: Secret::new(""),
            secret: None,
            audience: Audience::default(),
            events: BTreeSet::new(),
            disabled: false,
            failing: None,
            created_at: 0,
            updated_at: 0,
        };
        self.lay_over(blank, problems)
    }

    /// The integration as it is to be. Another address is another receiver: it is not disabled,
    /// unless that is asked for.
    pub(super) fn update(&self, mut now: Integration, problems: &mut Problems) -> Integration {
        if self.provider.is_some_and(|asked| asked != now.provider) {
            problems.add("type", "cannot be changed");
        }
        now.disabled &= self.webhook.is_none();
        let goes_along = now.secret.is_some() && self.secret.is_none();
        let other = |webhook: &String| {
            let there = origin(webhook);
            there.is_some() && there != origin(now.webhook.expose())
        };
        if goes_along && self.webhook.as_ref().is_some_and(other) {
            let problem = "is required: nobody can read the one that is kept, so it does not go along to \
                           another server; give it again, or one of that server's, or an empty one";
            problems.add("secret", problem);
        }
        self.lay_over(now, problems)
    }

    /// The projects that are named.
    pub(super) fn projects(&self) -> impl Iterator<Item = &str> {
        self.projects.iter().flatten().map(String::as_str)
    }

    /// The ids of the tags it names.
    pub(super) fn tags(&self) -> &[String] {
        let tags = self
            .restrictions
            .as_ref()
            .and_then(|given| given.tags.as_ref());
        tags.and_then(|tags| tags.items.as_deref())
            .unwrap_or_default()
    }

    fn lay_over(&self, mut to: Integration, problems: &mut Problems) -> Integration {
        if let Some(name) = &self.name {
            problems.check("name", fields::name(name, fields::PROJECT_NAME));
            to.name.clone_from(name);
        }
        if let Some(webhook) = &self.webhook {
            problems.check("webhook", check_webhook(webhook));
            to.webhook = Secret::new(webhook);
        }
        if let Some(secret) = &self.secret {
            problems.check("secret", check_secret(secret, to.provider));
            to.secret = (!secret.is_empty()).then(|| Secret::new(secret));
        }
        to.audience.projects = self.restricted_to(to.audience.projects, problems);
        if let Some(tags) = self
            .restrictions
            .as_ref()
            .and_then(|given| given.tags.as_ref())
        {
            to.audience.tags = tags.lay_over(to.audience.tags, problems);
        }
        for (switch, on) in self.events.iter().flatten() {
            set(&mut to.events, switch, *on, problems);
        }
        to.disabled = self.disabled.unwrap_or(to.disabled);
        to
    }

    fn restricted_to(
        &self,
        now: Option<Vec<String>>,
        problems: &mut Problems,
    ) -> Option<Vec<String>> {
        let given = self.projects.clone();
        if self.restricted.unwrap_or(now.is_some()) {
            return given.or(now).or(Some(Vec::new()));
        }
        if given.is_some_and(|projects| !projects.is_empty()) {
            problems.add("projects", "counts only where `restricted` is true");
        }
        None
    }
}

impl TagRestriction {
    fn lay_over(&self, now: Option<TagRule>, problems: &mut Problems) -> Option<TagRule> {
        let given = self.items.clone();
        if self.enabled.unwrap_or(now.is_some()) {
            let matching = now.as_ref().map(|rule| rule.matching);
            return Some(TagRule {
                matching: self.match_condition.or(matching).unwrap_or_default(),
                items: given.or(now.map(|rule| rule.items)).unwrap_or_default(),
            });
        }
        if given.is_some_and(|items| !items.is_empty()) {
            let field = "restrictions.tags.items";
            problems.add(
                field,
                "counts only where `restrictions.tags.enabled` is true",
            );
        }
        None
    }
}

fn set(events: &mut BTreeSet<Event>, switch: &str, on: bool, problems: &mut Problems) {
    let field = format!("events.{switch}");
    match Event::of_trigger(switch) {
        Some(event) if on => {
            events.insert(event);
        }
        Some(event) => {
            events.remove(&event);
        }
        None if !is_foreign_trigger(switch) => {
            let known = Event::ALL.map(|event| format!("{TRIGGER}{}", event.as_str()));
            problems.add(
                &field,
                format!("is not known; there are {}", known.join(", ")),
            );
        }
        None if on => problems.add(&field, "cannot be true: it never happens on this server"),
        None => {}
    }
}

/// The server that a webhook is at: protocol, host and port.
fn origin(webhook: &str) -> Option<url::Origin> {
    Some(url::Url::parse(webhook).ok()?.origin())
}

fn check_webhook(webhook: &str) -> Result<(), String> {
    let fits = url::Url::parse(webhook)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if fits && webhook.len() <= 2048 {
        return Ok(());
    }
    Err("must be an http or https URL of at most 2048 characters".to_owned())
}

/// A secret travels in a header.
fn check_secret(secret: &str, provider: Provider) -> Result<(), String> {
    if provider != Provider::RawWebhook && !secret.is_empty() {
        return Err("is for `RAW_WEBHOOK` only".to_owned());
    }
    if secret.len() <= 1024 && secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err("must be up to 1024 ASCII letters, digits and signs, without spaces".to_owned())
}
