//! Where an integration sends to, and what it is known by there: whoever has that can write into
//! somebody's channel. It is one column, sealed and opened here alone.

use crate::StoreError;
use crate::sealing::NOTIFICATION_RECEIVER;
use domain::Secret;
use domain::notification::Integration;
use serde::{Deserialize, Serialize};
use vault::Vault;

#[derive(Serialize, Deserialize)]
struct Receiver {
    webhook: String,
    secret: Option<String>,
}

/// What is stored of an integration's receiver.
pub(super) fn seal(vault: &Vault, integration: &Integration) -> Result<String, StoreError> {
    let receiver = Receiver {
        webhook: integration.webhook.expose().to_owned(),
        secret: integration.secret.as_ref().map(|s| s.expose().to_owned()),
    };
    NOTIFICATION_RECEIVER.seal_json(vault, &integration.uid, &receiver)
}

/// The webhook and the secret that were stored.
pub(super) fn open(
    vault: &Vault,
    uid: &str,
    sealed: &str,
) -> Result<(Secret, Option<Secret>), StoreError> {
    let receiver: Receiver = NOTIFICATION_RECEIVER.open_json(vault, uid, sealed)?;
    let secret = receiver.secret.map(Secret::new);
    Ok((Secret::new(receiver.webhook), secret))
}
