//! Slack's messages, which Mattermost and others take, too.
//!
//! Source: Slack's documentation for developers, incoming webhooks, message attachments, and
//! formatting text (`&`, `<` and `>` are the letters that mean something).

use super::summary::Summary;
use serde_json::{Value, json};

pub(super) fn body(summary: &Summary) -> Value {
    let field = |(label, text): &(&str, String)| json!({"title": label, "value": escape(text), "short": text.len() < 40});
    let title = escape(&summary.title);
    json!({
        "text": title,
        // No Markdown in what others have named.
        "mrkdwn": false,
        "attachments": [{
            "fallback": title,
            "color": format!("#{:06x}", summary.color()),
            "fields": summary.facts.iter().map(field).collect::<Vec<_>>(),
            "mrkdwn_in": [],
        }],
    })
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
