//! The door for async code: each operation runs where it may wait for the disk.

use std::path::PathBuf;
use std::sync::Arc;

use domain::{Sample, Usage};

use crate::blocking::{BlockingLogStore, LogStatus};
use crate::config::LogConfig;
use crate::error::{LogError, Result};
use crate::filter::Filter;
use crate::follow::{FollowFrom, Follower};
use crate::key::Key;
use crate::line::{LogLine, NewLine};
use crate::query::Query;

/// The logs of all builds. Cheap to clone; operations on different builds run in parallel.
///
/// A build is named by its uuid in lower case. All operations return [`LogError::BadBuildKey`] for anything else, and
/// [`LogError::Io`] where the system refuses a file operation.
#[derive(Clone)]
pub struct LogStore(Arc<BlockingLogStore>);

impl LogStore {
    /// Opens the store in a folder, which is made where it isn't there, and clears up after a crash. Blocks for a few
    /// file operations. One process at a time may have the folder open.
    ///
    /// # Errors
    /// [`LogError::Io`], [`LogError::NoSpace`] when the folder can't be made or read.
    pub fn open(dir: PathBuf, config: LogConfig) -> Result<Self> {
        BlockingLogStore::open(dir, &config).map(|store| Self(Arc::new(store)))
    }

    /// The same store for a thread that may wait for the disk.
    pub fn blocking(&self) -> &BlockingLogStore {
        &self.0
    }

    /// Adds lines, the first of which has the seq `first_seq`, and returns the seq that comes next. Lines that are
    /// stored already are skipped, so that whoever missed an answer sends again. When this returns, the lines outlive
    /// the process; whether they outlive a power failure is up to [`SyncPolicy`](crate::SyncPolicy). A line too long
    /// keeps its beginning.
    ///
    /// # Errors
    /// [`LogError::Gap`] when lines are missing before the first: send from the one it names.
    /// [`LogError::Sealed`] when there are new lines and the log takes none any more.
    /// [`LogError::NoSpace`] when the disk is full; the first of the lines may be stored then. Send again later.
    pub async fn append(&self, build: &str, first_seq: u64, lines: Vec<NewLine>) -> Result<u64> {
        let build = build.to_owned();
        run(&self.0, move |store| store.append(&build, first_seq, lines)).await
    }

    /// Reads the lines that a query asks for; none for a log that isn't there. Reads only the parts of the log that
    /// may hold such lines.
    ///
    /// # Errors
    /// [`LogError::Damaged`] when a file isn't as it was written.
    pub async fn read(&self, build: &str, query: Query) -> Result<Vec<LogLine>> {
        let build = build.to_owned();
        run(&self.0, move |store| store.read(&build, &query)).await
    }

    /// Reads at most `limit` lines from the one with the seq `seq` on, oldest first.
    ///
    /// # Errors
    /// [`LogError::Damaged`] when a file isn't as it was written.
    pub async fn read_from(&self, build: &str, seq: u64, limit: usize) -> Result<Vec<LogLine>> {
        let build = build.to_owned();
        run(&self.0, move |store| store.read_from(&build, seq, limit)).await
    }

    /// Follows a log, also one that has no line yet, from some line on. With a filter only lines that pass it come.
    ///
    /// # Errors
    /// [`LogError::Damaged`] when a file isn't as it was written.
    pub async fn follow(
        &self,
        build: &str,
        from: FollowFrom,
        filter: Option<Filter>,
    ) -> Result<Follower> {
        let key = Key::parse(build)?;
        let store = self.0.clone();
        run(&self.0, move |_| Follower::begin(store, key, from, filter)).await
    }

    /// Seals a log: compresses it and ends its followers. When this returns, the log outlives a power failure. Does
    /// nothing to a log that is sealed; one that has no line becomes an empty sealed log. While it runs the log can
    /// be read and takes no new lines.
    ///
    /// # Errors
    /// [`LogError::NoSpace`], [`LogError::Damaged`]: the log is as it was, and takes lines again.
    pub async fn seal(&self, build: &str) -> Result<()> {
        let build = build.to_owned();
        run(&self.0, move |store| store.seal(&build)).await
    }

    /// Deletes a log and ends its followers. Does nothing where there is none.
    ///
    /// # Errors
    /// [`LogError::Io`]; to be tried again.
    pub async fn delete(&self, build: &str) -> Result<()> {
        let build = build.to_owned();
        run(&self.0, move |store| store.delete(&build)).await
    }

    /// Adds what was measured of a build. Samples that are not later than the last one stored are skipped, so that
    /// whoever missed an answer sends again.
    ///
    /// # Errors
    /// [`LogError::Sealed`] when the log takes nothing any more; [`LogError::NoSpace`] when the disk is full.
    pub async fn append_samples(&self, build: &str, samples: Vec<Sample>) -> Result<()> {
        let build = build.to_owned();
        run(&self.0, move |store| store.append_samples(&build, &samples)).await
    }

    /// What was measured of a build so far, oldest first; nothing for a log that isn't there.
    ///
    /// # Errors
    /// [`LogError::Damaged`] when a file isn't as it was written.
    pub async fn samples(&self, build: &str) -> Result<Vec<Sample>> {
        let build = build.to_owned();
        run(&self.0, move |store| store.samples(&build)).await
    }

    /// What a build has used by what was measured of it; `None` where nothing was, or cannot be read. How a build
    /// ended must not wait for that.
    pub async fn usage(&self, build: &str) -> Option<Usage> {
        match self.samples(build).await {
            Ok(samples) if samples.is_empty() => None,
            Ok(samples) => Some(domain::metrics::usage(&samples)),
            Err(error) => {
                tracing::error!(%error, build, "what a build has used is not known");
                None
            }
        }
    }

    /// How a log stands: where a worker goes on after a restart of the server.
    ///
    /// # Errors
    /// [`LogError::Damaged`] when a file isn't as it was written.
    pub async fn status(&self, build: &str) -> Result<LogStatus> {
        let build = build.to_owned();
        run(&self.0, move |store| store.status(&build)).await
    }

    /// What a log takes on disk, in bytes; 0 for one that isn't there.
    ///
    /// # Errors
    /// [`LogError::Damaged`] when a file isn't as it was written.
    pub async fn size(&self, build: &str) -> Result<u64> {
        Ok(self.status(build).await?.bytes)
    }

    /// The builds whose logs have lines and aren't sealed. After a restart, those of builds that have concluded
    /// meanwhile are still to be sealed.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub async fn unsealed(&self) -> Result<Vec<String>> {
        run(&self.0, BlockingLogStore::unsealed).await
    }
}

/// Runs a file operation on a thread that may wait. It runs to its end even when the caller doesn't wait for it.
pub(crate) async fn run<R: Send + 'static>(
    store: &Arc<BlockingLogStore>,
    operation: impl FnOnce(&BlockingLogStore) -> Result<R> + Send + 'static,
) -> Result<R> {
    let store = store.clone();
    match tokio::task::spawn_blocking(move || operation(&store)).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(LogError::ShuttingDown),
        },
    }
}
