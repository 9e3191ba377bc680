//! Microsoft Teams: the cards of incoming webhooks and those of workflows.
//!
//! Source: Microsoft's documentation, connector cards for Microsoft 365 Groups (`MessageCard`) and
//! the schema of adaptive cards (1.4).

use super::plain;
use super::summary::Summary;
use domain::notification::Event;
use serde_json::{Value, json};

/// For an incoming webhook.
pub(super) fn message_card(summary: &Summary) -> Value {
    let fact = |(label, text): &(&str, String)| json!({"name": label, "value": text});
    json!({
        "@type": "MessageCard",
        "@context": "https://schema.org/extensions",
        "summary": summary.title,
        "title": summary.title,
        "themeColor": format!("{:06X}", summary.color()),
        "sections": [{
            "facts": summary.facts.iter().map(fact).collect::<Vec<_>>(),
            "markdown": false,
        }],
    })
}

/// For a workflow that posts what it is sent.
pub(super) fn adaptive_card(summary: &Summary) -> Value {
    let fact = |(label, text): &(&str, String)| json!({"title": label, "value": plain(text)});
    let color = match summary.event {
        Event::BuildStart => "Accent",
        Event::BuildSuccess => "Good",
        Event::BuildFailure => "Attention",
        Event::BuildAbort => "Default",
    };
    let title = json!({
        "type": "TextBlock",
        "text": plain(&summary.title),
        "weight": "Bolder",
        "size": "Medium",
        "color": color,
        "wrap": true,
    });
    let facts: Vec<_> = summary.facts.iter().map(fact).collect();
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": [title, {"type": "FactSet", "facts": facts}],
            },
        }],
    })
}
