//! Following a log while its build runs: what there is, then each line as it comes.

use std::sync::Arc;

use tokio::sync::watch;

use crate::blocking::BlockingLogStore;
use crate::entries::{Entry, Progress, lock};
use crate::error::Result;
use crate::filter::Filter;
use crate::key::Key;
use crate::line::LogLine;
use crate::query::Window;
use crate::scan::{Scan, Scanned};
use crate::store::run;

/// How many lines a follower that is behind reads from the files at a time.
const BATCH: usize = 512;

/// Where a follower begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowFrom {
    /// At the line with this seq, which may be still to come; 0 for the whole log.
    Line(u64),
    /// At the first line printed at or after this time, in microseconds since 1970. New lines come whatever their
    /// time.
    Since(i64),
    /// At the newest lines there are.
    Tail {
        /// At most this many lines, counted after the filter; 0 for new lines only.
        lines: usize,
        /// Only lines printed at or after this time, in microseconds since 1970. New lines come whatever their time.
        not_before: Option<i64>,
    },
}

/// A reader that goes along with a log. Each line from its start on comes exactly once and in order; where the middle
/// of the log was cut before the follower got there, one marker line comes instead.
///
/// A follower holds up nobody: it takes lines from memory while it keeps up, and from the files where it doesn't.
pub struct Follower {
    store: Arc<BlockingLogStore>,
    key: Key,
    /// `None` when the log was sealed from the start.
    entry: Option<Arc<Entry>>,
    progress: watch::Receiver<Progress>,
    next_seq: u64,
    filter: Option<Arc<Filter>>,
    /// The lines to begin with.
    backlog: Vec<LogLine>,
    /// Of the lines before that seq, only those printed since that time are wanted.
    since: Option<(u64, i64)>,
}

impl Follower {
    /// Reads the lines to begin with; blocks.
    pub(crate) fn begin(
        store: Arc<BlockingLogStore>,
        key: Key,
        from: FollowFrom,
        filter: Option<Filter>,
    ) -> Result<Self> {
        let live = store.with_live(&key, true, |entry, _| {
            Ok((entry.clone(), entry.progress.subscribe()))
        })?;
        let (entry, progress) = match live {
            Some((entry, progress)) => (Some(entry), progress),
            None => {
                let next_seq = store.status_of(&key)?.next_seq;
                (
                    None,
                    watch::channel(Progress {
                        next_seq,
                        ended: true,
                    })
                    .1,
                )
            }
        };
        let filter = filter.map(Arc::new);
        let mut follower = Self {
            store,
            key,
            entry,
            progress,
            next_seq: 0,
            filter,
            backlog: Vec::new(),
            since: None,
        };
        match from {
            FollowFrom::Line(seq) => follower.next_seq = seq,
            FollowFrom::Since(time) => {
                follower.since = Some((follower.progress.borrow().next_seq, time));
            }
            FollowFrom::Tail { lines, not_before } => follower.begin_at_tail(lines, not_before)?,
        }
        Ok(follower)
    }

    fn begin_at_tail(&mut self, limit: usize, not_before: Option<i64>) -> Result<()> {
        self.next_seq = self.progress.borrow().next_seq;
        let window = Window {
            start: not_before.unwrap_or(i64::MIN),
            end: i64::MAX,
        };
        let scan = Scan {
            store: &self.store,
            key: &self.key,
            window,
            filter: self.filter.as_deref(),
            limit,
        };
        self.backlog = scan.backward(self.next_seq)?;
        self.backlog.reverse();
        Ok(())
    }

    /// The next lines, at least one, as soon as there are any; `None` when the log is sealed (or deleted) and all its
    /// lines have come. May be dropped while it waits, and called again: no line is lost.
    ///
    /// # Errors
    /// [`LogError::Io`](crate::LogError::Io), [`LogError::Damaged`](crate::LogError::Damaged) where lines can't be
    /// read; the same lines are tried again at the next call.
    pub async fn next(&mut self) -> Result<Option<Vec<LogLine>>> {
        if !self.backlog.is_empty() {
            return Ok(Some(std::mem::take(&mut self.backlog)));
        }
        loop {
            let progress = *self.progress.borrow_and_update();
            if self.next_seq < progress.next_seq {
                let mut scanned = match self.remembered() {
                    Some(scanned) => scanned,
                    None => self.stored().await?,
                };
                if let Some((new, _)) = self.since.filter(|(new, _)| self.next_seq < *new) {
                    // Time decides on old lines only: the new ones are read without it.
                    scanned.lines.retain(|line| line.seq < new);
                    scanned.next_seq = scanned.next_seq.min(new);
                }
                if scanned.next_seq <= self.next_seq {
                    // There were lines and now there is no such log: it was deleted.
                    return Ok(None);
                }
                self.next_seq = scanned.next_seq;
                if !scanned.lines.is_empty() {
                    return Ok(Some(scanned.lines));
                }
            } else if progress.ended || self.progress.changed().await.is_err() {
                return Ok(None);
            }
        }
    }

    /// The next lines from memory.
    fn remembered(&self) -> Option<Scanned> {
        let chunks = lock(&self.entry.as_ref()?.recent).from(self.next_seq);
        let last = chunks.last()?.last()?.seq;
        let window = self.window();
        let wanted = |line: &&LogLine| {
            line.seq >= self.next_seq
                && window.contains(line.ts)
                && self
                    .filter
                    .as_ref()
                    .is_none_or(|filter| filter.passes(&line.text))
        };
        let lines = chunks
            .iter()
            .flat_map(|chunk| chunk.iter())
            .filter(wanted)
            .cloned()
            .collect();
        Some(Scanned {
            lines,
            next_seq: last + 1,
        })
    }

    /// The next lines from the files.
    async fn stored(&self) -> Result<Scanned> {
        let (key, filter, from) = (self.key.clone(), self.filter.clone(), self.next_seq);
        let window = self.window();
        run(&self.store, move |store| {
            let filter = filter.as_deref();
            Scan {
                store,
                key: &key,
                window,
                filter,
                limit: BATCH,
            }
            .forward(from)
        })
        .await
    }

    /// When the next lines must have been printed.
    fn window(&self) -> Window {
        let start = match self.since {
            Some((new, time)) if self.next_seq < new => time,
            _ => i64::MIN,
        };
        Window {
            start,
            end: i64::MAX,
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        // Whoever holds the lock now does the same when done, but for a moment that costs a few bytes at worst.
        if let Some(entry) = &self.entry
            && let Ok(mut phase) = entry.phase.try_lock()
        {
            self.store.forget_if_unused(entry, &mut phase, 1);
        }
    }
}
