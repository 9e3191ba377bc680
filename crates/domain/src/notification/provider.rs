//! Who understands what is sent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kinds of receiver, as the contract names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "NotificationType")]
pub enum Provider {
    /// A program of one's own.
    #[serde(rename = "RAW_WEBHOOK")]
    RawWebhook,
    /// Slack, or what takes the same messages (Mattermost, Rocket.Chat).
    #[serde(rename = "SLACK")]
    Slack,
    /// Discord.
    #[serde(rename = "DISCORD")]
    Discord,
    /// An incoming webhook of Microsoft Teams.
    #[serde(rename = "TEAMS")]
    Teams,
    /// A workflow of Microsoft Teams.
    #[serde(rename = "TEAMS_WORKFLOWS")]
    TeamsWorkflows,
}

impl Provider {
    /// Every kind.
    pub const ALL: [Provider; 5] = [
        Provider::RawWebhook,
        Provider::Slack,
        Provider::Discord,
        Provider::Teams,
        Provider::TeamsWorkflows,
    ];

    /// The contract's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Provider::RawWebhook => "RAW_WEBHOOK",
            Provider::Slack => "SLACK",
            Provider::Discord => "DISCORD",
            Provider::Teams => "TEAMS",
            Provider::TeamsWorkflows => "TEAMS_WORKFLOWS",
        }
    }

    /// Reads the word back; `None` for any other word.
    pub fn parse(word: &str) -> Option<Provider> {
        Provider::ALL.into_iter().find(|p| p.as_str() == word)
    }
}
