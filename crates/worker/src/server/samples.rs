//! What was measured, on its way to the server: in batches, kept until the server has them. Samples
//! get rarer the longer a build takes, so that a day of them is some thousand, and no bound is needed
//! for a server that is away.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::Sample;
use protocol::SampleBatch;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::client::{CallError, Client, until_answered};

/// How long samples are gathered before they are sent.
const GATHER: Duration = Duration::from_secs(5);

/// Samples that the server does not have yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Vec<Sample>>,
    added: Notify,
}

impl Samples {
    /// Queues a sample, later than all before.
    pub(crate) fn add(&self, sample: Sample) {
        self.queue().push(sample);
        self.shared.added.notify_one();
    }

    fn queue(&self) -> MutexGuard<'_, Vec<Sample>> {
        self.shared
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends samples as they come, for ever, or until the server will not take them: a build is not
    /// given up for want of its figures.
    ///
    /// # Errors
    /// When the token is no longer good for the build.
    pub(super) async fn ship(&self, client: &Client) -> Result<(), CallError> {
        loop {
            self.shared.added.notified().await;
            tokio::time::sleep(GATHER).await;
            match self.drain(client, None).await {
                Err(error @ CallError::Refused { .. }) => {
                    tracing::warn!(%error, "the server does not take what was measured");
                    return Ok(());
                }
                sent => sent?,
            }
        }
    }

    /// Sends everything queued so far. The server skips what it has already.
    pub(super) async fn drain(
        &self,
        client: &Client,
        deadline: Option<Instant>,
    ) -> Result<(), CallError> {
        let samples = self.queue().clone();
        let Some(last) = samples.last().map(|sample| sample.ts) else {
            return Ok(());
        };
        let batch = SampleBatch { samples };
        until_answered(deadline, || client.samples(&batch)).await?;
        self.queue().retain(|sample| sample.ts > last);
        Ok(())
    }
}
