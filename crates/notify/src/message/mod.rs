//! What a receiver is told, in the words that it understands.

mod discord;
mod slack;
mod summary;
mod teams;

use domain::notification::{Occurrence, Provider};
use serde_json::{Value, json};
use summary::Summary;

/// The body for a receiver; `build` is the build as the API shows it.
pub(crate) fn body(provider: Provider, occurrence: &Occurrence, build: &Value) -> Value {
    let summary = || Summary::new(occurrence, build);
    match provider {
        Provider::RawWebhook => raw(occurrence, build),
        Provider::Slack => slack::body(&summary()),
        Provider::Discord => discord::body(&summary()),
        Provider::Teams => teams::message_card(&summary()),
        Provider::TeamsWorkflows => teams::adaptive_card(&summary()),
    }
}

/// For programs.
fn raw(occurrence: &Occurrence, build: &Value) -> Value {
    let (project, service) = (&occurrence.project, &occurrence.service);
    json!({
        "event": occurrence.event,
        "data": {
            "build": build,
            "project": {"id": project.id, "name": project.name},
            "service": {"id": service.id, "name": service.name},
        },
    })
}

/// Letters that mean something in Markdown, made to mean themselves: a branch or a failing step may
/// be called anything, and a message must not say what nobody meant.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(
            letter,
            '\\' | '*' | '_' | '~' | '`' | '|' | '[' | ']' | '(' | ')' | '<' | '>' | '#'
        ) {
            plain.push('\\');
        }
        plain.push(letter);
    }
    plain
}
