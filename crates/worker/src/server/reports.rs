//! Phases on their way to the server: in order, behind the build's back, so that a server that is
//! away holds up no build.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::Status;
use protocol::Report;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::client::{CallError, Client, until_answered};

/// Reports that the server does not have yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reports {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<VecDeque<Report>>,
    added: Notify,
    taken: Notify,
}

impl Reports {
    /// Queues a report.
    pub(crate) fn add(&self, status: Status, sha: Option<String>) {
        self.queue().push_back(Report { status, sha });
        self.shared.added.notify_one();
    }

    /// Returns once the server has taken every report there is: not while it is away.
    pub(super) async fn delivered(&self) {
        loop {
            // Listening begins before looking, so that nothing falls in between.
            let taken = self.shared.taken.notified();
            if self.queue().is_empty() {
                return;
            }
            taken.await;
        }
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<Report>> {
        self.shared
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends reports as they come, for ever.
    pub(super) async fn ship(&self, client: &Client) -> Result<(), CallError> {
        loop {
            self.drain(client, None).await?;
            self.shared.added.notified().await;
        }
    }

    /// Sends everything queued so far. A report that was sent but not seen to be taken is sent
    /// again: staying in a phase is no error.
    pub(super) async fn drain(
        &self,
        client: &Client,
        deadline: Option<Instant>,
    ) -> Result<(), CallError> {
        loop {
            let next = self.queue().front().cloned();
            let Some(report) = next else { return Ok(()) };
            until_answered(deadline, || client.report(&report)).await?;
            self.queue().pop_front();
            self.shared.taken.notify_waiters();
        }
    }
}
