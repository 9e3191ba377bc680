//! Discord's webhook messages.
//!
//! Source: Discord's documentation for developers, execute webhook and embed limits (a field's value
//! has 1 to 1024 letters).

use super::plain;
use super::summary::Summary;
use serde_json::{Value, json};

/// A value's letters, each of which may need a backslash.
const LONGEST: usize = 1000;

pub(super) fn body(summary: &Summary) -> Value {
    let field = |(label, text): &(&str, String)| {
        let value: String = plain(text).chars().take(LONGEST).collect();
        json!({"name": label, "value": value, "inline": text.len() < 40})
    };
    json!({
        // Nobody is called by a branch that is named like a mention.
        "allowed_mentions": {"parse": []},
        "embeds": [{
            "title": plain(&summary.title),
            "color": summary.color(),
            "fields": summary.facts.iter().map(field).collect::<Vec<_>>(),
        }],
    })
}
