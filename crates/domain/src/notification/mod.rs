//! Notifications: who is told when something happens to a build.

mod audience;
mod backoff;
mod event;
mod occurrence;
mod provider;

pub use audience::{Audience, TagRule};
pub use backoff::Backoff;
pub use event::{Event, TRIGGER, is_foreign_trigger};
pub use occurrence::{Named, Occurrence};
pub use provider::Provider;

use crate::{Millis, Secret};
use std::collections::BTreeSet;

/// A notification integration as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Integration {
    /// Stable identity (uuid v7), never shown.
    pub uid: String,
    /// The team it belongs to.
    pub team: String,
    /// Dense number in its team, by which lists are walked.
    pub number: i64,
    /// The id in URLs, derived from the name when it was made.
    pub id: String,
    /// The name a person gave it.
    pub name: String,
    /// Who understands what is sent.
    pub provider: Provider,
    /// Where it is sent. Whoever knows it can write into somebody's channel.
    pub webhook: Secret,
    /// What the receiver of a raw webhook knows the sender by.
    pub secret: Option<Secret>,
    /// What is sealed of it cannot be opened, and is empty here.
    pub unreadable: bool,
    /// Whose builds it is told about.
    pub audience: Audience,
    /// What it is told.
    pub events: BTreeSet<Event>,
    /// Nothing is sent while it is, and what waits goes on waiting.
    pub disabled: bool,
    /// How its receiver fails; `None` when the last request succeeded.
    pub failing: Option<Failing>,
    /// When it was made.
    pub created_at: Millis,
    /// When a person last changed it.
    pub updated_at: Millis,
}

/// Requests that failed since the last one that did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    /// When the first of them did.
    pub since: Millis,
    /// How many did.
    pub requests: i64,
    /// What was wrong with the last one.
    pub error: String,
}

impl Failing {
    /// How long a receiver may fail before nothing new is sent to it, in milliseconds: five days.
    const PATIENCE: Millis = 5 * 24 * 3600 * 1000;

    /// Whether the receiver has failed for so long that nobody seems to look after it.
    pub fn is_hopeless(&self, now: Millis) -> bool {
        now - self.since >= Self::PATIENCE
    }
}
