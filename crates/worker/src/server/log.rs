//! The build's log as everybody who works on the build writes it, and the task that ships it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::buffer::Buffer;
use super::client::{CallError, Client, until_answered};
use crate::disk::DiskWatch;
use crate::failure::Failure;
use crate::mask::Mask;

/// How long lines are gathered before they are sent.
const GATHER: Duration = Duration::from_millis(100);

/// Writes lines to the build's log. Cheap to clone; never waits.
#[derive(Clone, Debug)]
pub struct Log {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    buffer: Mutex<Buffer>,
    written: Notify,
    mask: Arc<Mask>,
    disks: OnceLock<DiskWatch>,
}

impl Log {
    /// A log whose first line has the given sequence number. What the mask knows is kept out of its
    /// lines.
    pub(crate) fn new(first_seq: u64, mask: Mask) -> Log {
        Log {
            shared: Arc::new(Shared {
                buffer: Mutex::new(Buffer::new(first_seq)),
                written: Notify::new(),
                mask: Arc::new(mask),
                disks: OnceLock::new(),
            }),
        }
    }

    /// Watches the disks of these folders from now on, with what is written here for a hint.
    pub(crate) fn watch_disks(&self, folders: Vec<PathBuf>) {
        let _ = self.shared.disks.set(DiskWatch::new(folders));
    }

    /// The failure as it is, or a full disk where that is what it comes from.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        match self.shared.disks.get() {
            Some(disks) => disks.explain(failure),
            None => failure,
        }
    }

    /// Writes a line as a program wrote it.
    pub(crate) fn line(&self, text: String) {
        if let Some(disks) = self.shared.disks.get() {
            disks.hear(&text);
        }
        let text = self.shared.mask.mask(text);
        self.buffer().push(now_micros(), text);
        self.shared.written.notify_one();
    }

    /// Writes a line of the worker's own.
    pub(crate) fn say(&self, text: impl std::fmt::Display) {
        self.line(format!("==> {text}"));
    }

    /// What is kept out of the lines.
    pub(crate) fn mask(&self) -> Arc<Mask> {
        Arc::clone(&self.shared.mask)
    }

    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        // A panic while the lock was held cannot leave the buffer half changed in a harmful way.
        self.shared
            .buffer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Ships lines as they are written, for ever.
    ///
    /// # Errors
    /// Only when the server will never take them.
    pub(super) async fn ship(&self, client: &Client) -> Result<(), CallError> {
        loop {
            // The first line after a silence goes at once, those right behind it together.
            self.drain(client, None).await?;
            let wake = tokio::time::sleep(GATHER);
            tokio::pin!(wake);
            while !self.buffer().is_ripe() {
                tokio::select! {
                    () = &mut wake => break,
                    () = self.shared.written.notified() => {}
                }
            }
            if self.buffer().is_empty() {
                self.shared.written.notified().await;
            }
        }
    }

    /// Sends everything written so far, at the longest until the deadline.
    ///
    /// # Errors
    /// When the server will not take it or did not answer in time.
    pub(super) async fn drain(
        &self,
        client: &Client,
        deadline: Option<Instant>,
    ) -> Result<(), CallError> {
        loop {
            // Taken in its own statement, so that the lock is free during the call.
            let chunk = self.buffer().chunk();
            let Some(chunk) = chunk else { return Ok(()) };
            let accepted = until_answered(deadline, || client.logs(&chunk)).await?;
            self.buffer().accepted(accepted.next_seq);
        }
    }
}

/// Now, in microseconds since 1970.
fn now_micros() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
