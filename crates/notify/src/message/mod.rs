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

#[cfg(test)]
mod tests {
    use super::*;

    /// As the first version of the store has it: what is stored must stay readable.
    const STORED: &str = r#"{
        "event": "build:failure",
        "build": {
            "uid": "b", "serviceUid": "s", "projectUid": "p", "number": 7, "id": "joyous-view-6290",
            "status": "FAILURE", "reason": "step_failed",
            "message": "The step `RUN <make> & *go*` failed", "branch": "fix_[all]",
            "pullRequestId": null, "sha": "12c1", "image": null, "attempt": 1,
            "createdBy": {"tokenId": "t", "tokenName": "ci"}, "createdAt": 1, "startedAt": 2,
            "statusSince": 3, "concludedAt": 3
        },
        "project": {"id": "shop", "name": "Shop"},
        "service": {"id": "web-site", "name": "Web Site"}
    }"#;
    const TITLE: &str = "Web Site: build joyous-view-6290 failed";

    fn told(provider: Provider) -> Value {
        let occurrence = serde_json::from_str(STORED).unwrap();
        body(provider, &occurrence, &json!({"id": "joyous-view-6290"}))
    }

    #[test]
    fn a_program_is_told_what_the_contract_says() {
        let expected = json!({
            "event": "build:failure",
            "data": {
                "build": {"id": "joyous-view-6290"},
                "project": {"id": "shop", "name": "Shop"},
                "service": {"id": "web-site", "name": "Web Site"},
            },
        });
        assert_eq!(told(Provider::RawWebhook), expected);
    }

    #[test]
    fn slack_reads_no_links_in_what_others_have_named() {
        let message = told(Provider::Slack);
        assert_eq!(message["text"], TITLE);
        let attachment = &message["attachments"][0];
        assert_eq!(attachment["color"], "#cf222e");
        assert_eq!(
            attachment["fields"],
            json!([
                {"title": "Project", "value": "Shop", "short": true},
                {"title": "Service", "value": "Web Site", "short": true},
                {"title": "Branch", "value": "fix_[all]", "short": true},
                {"title": "Commit", "value": "12c1", "short": true},
                {
                    "title": "Message",
                    "value": "The step `RUN &lt;make&gt; &amp; *go*` failed",
                    "short": true,
                },
            ])
        );
    }

    #[test]
    fn discord_reads_no_markdown_in_it_and_calls_nobody() {
        let message = told(Provider::Discord);
        assert_eq!(message["allowed_mentions"], json!({"parse": []}));
        let embed = &message["embeds"][0];
        assert_eq!(
            (&embed["title"], &embed["color"]),
            (&json!(TITLE), &json!(0xcf_22_2e))
        );
        let branch = json!({"name": "Branch", "value": r"fix\_\[all\]", "inline": true});
        assert_eq!(embed["fields"][2], branch);
        let message = &embed["fields"][4]["value"];
        assert_eq!(message, r"The step \`RUN \<make\> & \*go\*\` failed");
    }

    #[test]
    fn teams_gets_a_card_of_the_kind_it_takes() {
        let card = told(Provider::Teams);
        assert_eq!(
            (&card["@type"], &card["title"]),
            (&json!("MessageCard"), &json!(TITLE))
        );
        let section = &card["sections"][0];
        assert_eq!(section["markdown"], false);
        assert_eq!(
            section["facts"][3],
            json!({"name": "Commit", "value": "12c1"})
        );
        let message = told(Provider::TeamsWorkflows);
        assert_eq!(message["type"], "message");
        let card = &message["attachments"][0]["content"];
        assert_eq!(card["type"], "AdaptiveCard");
        assert_eq!(card["body"][0]["text"], TITLE);
        let branch = json!({"title": "Branch", "value": r"fix\_\[all\]"});
        assert_eq!(card["body"][1]["facts"][2], branch);
    }
}
