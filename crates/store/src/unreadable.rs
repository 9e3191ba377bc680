//! Rows of which what is sealed cannot be opened: their key is gone, or somebody has written into the
//! database. They are shown without it, so that one of them does not take the others along, and can be
//! deleted, or given anew what was lost.

use crate::StoreError;

/// What was opened; `None` where it cannot be, which is noted in the log.
pub(crate) fn opened<T>(
    what: &str,
    uid: &str,
    outcome: Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    match outcome {
        Err(StoreError::Vault(error)) => {
            tracing::error!(%error, what, uid, "what is sealed cannot be opened");
            Ok(None)
        }
        outcome => outcome.map(Some),
    }
}
