//! Where an integration sends to, and what it is known by there: whoever has that can write into
//! somebody's channel. It is one column, written and read here alone.

use crate::StoreError;
use crate::services::to_json;
use domain::Secret;
use domain::notification::Integration;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    webhook: Cow<'a, str>,
    secret: Option<Cow<'a, str>>,
}

/// What is stored of an integration's receiver.
pub(super) fn seal(integration: &Integration) -> Result<String, StoreError> {
    to_json(&Stored {
        webhook: integration.webhook.expose().into(),
        secret: integration.secret.as_ref().map(|s| s.expose().into()),
    })
}

/// The webhook and the secret that were stored.
pub(super) fn open(stored: &str) -> Result<(Secret, Option<Secret>), StoreError> {
    let stored: Stored<'_> =
        serde_json::from_str(stored).map_err(|e| StoreError::corrupt(e.to_string()))?;
    let secret = stored.secret.map(Secret::new);
    Ok((Secret::new(stored.webhook), secret))
}
