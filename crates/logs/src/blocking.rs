//! The log store itself: plain file operations on the calling thread.

use std::path::PathBuf;
use std::sync::Arc;

use domain::Sample;

use crate::config::{Limits, LogConfig};
use crate::entries::{Entries, Entry, Phase, Progress, lock};
use crate::error::{LogError, Result};
use crate::files::Files;
use crate::key::Key;
use crate::line::{LogLine, NewLine, clip};
use crate::live::{LiveLog, Piece};
use crate::query::{Direction, Query, Window};
use crate::samples;
use crate::scan::Scan;
use crate::seal;
use crate::sealed::{SealedLog, summary};
use crate::source::Place;

/// The logs of all builds, for threads that may wait for the disk. [`LogStore`](crate::LogStore) is the same for
/// async code, and documents the operations.
pub struct BlockingLogStore {
    files: Files,
    limits: Limits,
    pub(crate) entries: Entries,
}

/// How a log stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogStatus {
    /// The seq of the line that comes next; 0 for a log that isn't there.
    pub next_seq: u64,
    /// The log is sealed: no more lines come.
    pub sealed: bool,
    /// What the log takes on disk, in bytes.
    pub bytes: u64,
}

impl BlockingLogStore {
    pub(crate) fn open(dir: PathBuf, config: &LogConfig) -> Result<Self> {
        Ok(Self {
            files: Files::open(dir)?,
            limits: config.into(),
            entries: Entries::default(),
        })
    }

    /// See [`LogStore::append`](crate::LogStore::append).
    pub fn append(&self, build: &str, first_seq: u64, lines: Vec<NewLine>) -> Result<u64> {
        let key = Key::parse(build)?;
        let count = lines.len() as u64;
        let lines = self.number(first_seq, lines);
        let appended = self.with_live(&key, true, |entry, log| {
            let before = log.next_seq();
            let result = log.append(first_seq, &lines);
            tally(&lines, before..log.next_seq());
            announce(entry, lines, before..log.next_seq());
            result.map(|()| log.next_seq())
        })?;
        if let Some(next_seq) = appended {
            return Ok(next_seq);
        }
        let next_seq = self.status_of(&key)?.next_seq;
        match first_seq.checked_add(count) {
            Some(end) if end <= next_seq => Ok(next_seq),
            _ => Err(LogError::Sealed { next_seq }),
        }
    }

    /// See [`LogStore::read`](crate::LogStore::read).
    pub fn read(&self, build: &str, query: &Query) -> Result<Vec<LogLine>> {
        let key = Key::parse(build)?;
        let filter = query.filter.as_ref();
        let scan = Scan {
            store: self,
            key: &key,
            window: query.into(),
            filter,
            limit: query.limit,
        };
        match query.direction {
            Direction::Forward => Ok(scan.forward(0)?.lines),
            Direction::Backward => scan.backward(u64::MAX),
        }
    }

    /// See [`LogStore::read_from`](crate::LogStore::read_from).
    pub fn read_from(&self, build: &str, seq: u64, limit: usize) -> Result<Vec<LogLine>> {
        let key = Key::parse(build)?;
        Ok(Scan {
            store: self,
            key: &key,
            window: Window::ALL,
            filter: None,
            limit,
        }
        .forward(seq)?
        .lines)
    }

    /// See [`LogStore::seal`](crate::LogStore::seal).
    pub fn seal(&self, build: &str) -> Result<()> {
        let key = Key::parse(build)?;
        loop {
            let entry = self.entries.get_or_insert(&key);
            let _sealing = lock(&entry.seal);
            let mut phase = lock(&entry.phase);
            match self.look(&entry, &mut phase)? {
                Look::Closed => {}
                Look::Sealed => return Ok(()),
                Look::Live(log) => {
                    log.sealing = true;
                    let (pieces, next_seq) = (log.pieces(), log.next_seq());
                    drop(phase);
                    return self.seal_live(&entry, pieces, next_seq);
                }
            }
        }
    }

    /// See [`LogStore::append_samples`](crate::LogStore::append_samples).
    pub fn append_samples(&self, build: &str, samples: &[Sample]) -> Result<()> {
        let key = Key::parse(build)?;
        let appended = self.with_live(&key, true, |_, log| {
            if log.sealing {
                return Err(LogError::Sealed {
                    next_seq: log.next_seq(),
                });
            }
            samples::append(log.dir(), samples)
        })?;
        match appended {
            Some(()) => Ok(()),
            None => Err(LogError::Sealed {
                next_seq: self.status_of(&key)?.next_seq,
            }),
        }
    }

    /// See [`LogStore::samples`](crate::LogStore::samples).
    pub fn samples(&self, build: &str) -> Result<Vec<Sample>> {
        let key = Key::parse(build)?;
        let live = self.with_live(&key, false, |_, log| samples::live(log.dir()))?;
        match live {
            Some(samples) => Ok(samples),
            None => samples::sealed(&self.files.sealed(&key)),
        }
    }

    /// Compresses with no lock that a reader or a follower needs, so that the log can be read meanwhile.
    fn seal_live(&self, entry: &Arc<Entry>, pieces: Vec<Piece>, next_seq: u64) -> Result<()> {
        let written = self.files.fresh_tmp(&entry.key).and_then(|tmp| {
            seal::write(&tmp, pieces, next_seq, self.limits.frame_bytes)?;
            samples::seal(&self.files.live(&entry.key), &tmp)?;
            Ok(tmp)
        });

        let mut phase = lock(&entry.phase);
        let committed = written.and_then(|tmp| self.files.commit(&entry.key, &tmp));
        if committed.is_err() && !self.files.is_sealed(&entry.key) {
            if let Phase::Live(log) = &mut *phase {
                log.sealing = false;
            }
            // What was written so far must not fill the disk further; why it failed is what matters.
            let _ = self.files.drop_tmp(&entry.key);
            return committed;
        }
        self.entries.close(entry, &mut phase);
        drop(phase);
        entry.end(next_seq);
        // A rename that may not last needs its segments still.
        committed?;
        self.files.discard(&self.files.live(&entry.key))
    }

    /// See [`LogStore::delete`](crate::LogStore::delete).
    pub fn delete(&self, build: &str) -> Result<()> {
        let key = Key::parse(build)?;
        loop {
            let entry = self.entries.get_or_insert(&key);
            let _sealing = lock(&entry.seal);
            let mut phase = lock(&entry.phase);
            if matches!(*phase, Phase::Closed) {
                continue;
            }
            // Segments first: left over alone they would be a live log again.
            self.files.discard(&self.files.live(&key))?;
            self.files.discard(&self.files.sealed(&key))?;
            self.entries.close(&entry, &mut phase);
            let next_seq = entry.progress.borrow().next_seq;
            entry.end(next_seq);
            return Ok(());
        }
    }

    /// See [`LogStore::status`](crate::LogStore::status).
    pub fn status(&self, build: &str) -> Result<LogStatus> {
        self.status_of(&Key::parse(build)?)
    }

    /// See [`LogStore::size`](crate::LogStore::size).
    pub fn size(&self, build: &str) -> Result<u64> {
        Ok(self.status(build)?.bytes)
    }

    /// See [`LogStore::unsealed`](crate::LogStore::unsealed).
    pub fn unsealed(&self) -> Result<Vec<String>> {
        Ok(self
            .files
            .unsealed()?
            .into_iter()
            .map(|key| key.as_str().to_owned())
            .collect())
    }

    pub(crate) fn status_of(&self, key: &Key) -> Result<LogStatus> {
        let live = self.with_live(key, false, |_, log| {
            Ok(LogStatus {
                next_seq: log.next_seq(),
                sealed: false,
                bytes: log.bytes(),
            })
        })?;
        if let Some(status) = live {
            return Ok(status);
        }
        Ok(match summary(&self.files.sealed(key))? {
            Some((next_seq, bytes)) => LogStatus {
                next_seq,
                sealed: true,
                bytes,
            },
            None => LogStatus {
                next_seq: 0,
                sealed: false,
                bytes: 0,
            },
        })
    }

    /// Where a log is now.
    pub(crate) fn place(&self, key: &Key) -> Result<Place> {
        let live = self.with_live(key, false, |entry, log| {
            // An entry without lines is forgotten at once: there is nothing to come back to.
            if log.is_empty() {
                return Ok(Place::Absent);
            }
            Ok(Place::Live(entry.clone(), log.next_seq()))
        })?;
        if let Some(place) = live {
            return Ok(place);
        }
        let sealed = SealedLog::open(&self.files.sealed(key))?;
        Ok(sealed.map_or(Place::Absent, |log| Place::Sealed(Box::new(log))))
    }

    /// Does something with a live log; `None` when it is sealed, or isn't there and isn't to be made.
    pub(crate) fn with_live<R>(
        &self,
        key: &Key,
        make: bool,
        act: impl FnOnce(&Arc<Entry>, &mut LiveLog) -> Result<R>,
    ) -> Result<Option<R>> {
        loop {
            let entry = match self.entries.get(key) {
                Some(entry) => entry,
                None if make || self.files.live(key).exists() => self.entries.get_or_insert(key),
                None => return Ok(None),
            };
            let mut phase = lock(&entry.phase);
            let log = match self.look(&entry, &mut phase)? {
                Look::Closed => continue,
                Look::Sealed => return Ok(None),
                Look::Live(log) => log,
            };
            let result = act(&entry, log);
            self.forget_if_unused(&entry, &mut phase, 0);
            return result.map(Some);
        }
    }

    /// Takes an entry without lines or followers out of memory, but for so many followers that are leaving.
    pub(crate) fn forget_if_unused(&self, entry: &Arc<Entry>, phase: &mut Phase, leaving: usize) {
        if let Phase::Live(log) = phase
            && log.is_empty()
            && !log.sealing
            && entry.progress.receiver_count() <= leaving
        {
            self.entries.close(entry, phase);
        }
    }

    /// What an entry stands for; reads the segments when nobody has yet.
    fn look<'p>(&self, entry: &Arc<Entry>, phase: &'p mut Phase) -> Result<Look<'p>> {
        if matches!(phase, Phase::Unopened) {
            if self.files.is_sealed(&entry.key) {
                self.entries.close(entry, phase);
                return Ok(Look::Sealed);
            }
            let log = LiveLog::open(self.files.live(&entry.key), self.limits)?;
            entry.progress.send_replace(Progress {
                next_seq: log.next_seq(),
                ended: false,
            });
            *phase = Phase::Live(log);
        }
        Ok(match phase {
            Phase::Live(log) => Look::Live(log),
            _ => Look::Closed,
        })
    }

    fn number(&self, first_seq: u64, lines: Vec<NewLine>) -> Vec<LogLine> {
        let number = |(i, NewLine { ts, mut text }): (usize, NewLine)| {
            clip(&mut text, self.limits.line_bytes);
            // A seq that wraps is past any gap, and is refused for that.
            LogLine {
                seq: first_seq.wrapping_add(i as u64),
                ts,
                text,
            }
        };
        lines.into_iter().enumerate().map(number).collect()
    }
}

/// What an entry stands for.
enum Look<'p> {
    Live(&'p mut LiveLog),
    Sealed,
    /// The entry is out of use: get another.
    Closed,
}

/// Counts the text of the lines that were stored, for whoever watches the service.
fn tally(lines: &[LogLine], stored: std::ops::Range<u64>) {
    let fresh = lines.iter().filter(|line| stored.contains(&line.seq));
    let bytes: usize = fresh.map(|line| line.text.len()).sum();
    metrics::counter!("boatyard_log_bytes_total").increment(bytes as u64);
}

/// Hands the lines that were stored to the followers.
fn announce(entry: &Entry, mut lines: Vec<LogLine>, stored: std::ops::Range<u64>) {
    if stored.is_empty() {
        return;
    }
    let mut recent = lock(&entry.recent);
    if entry.progress.receiver_count() == 0 {
        recent.clear();
    } else {
        lines.retain(|line| stored.contains(&line.seq));
        recent.push(lines);
    }
    drop(recent);
    entry.progress.send_replace(Progress {
        next_seq: stored.end,
        ended: false,
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::follow::{FollowFrom, Follower};

    #[test]
    fn memory_is_kept_for_logs_in_use_only() {
        let dir = tempfile::tempdir().unwrap();
        let store =
            Arc::new(BlockingLogStore::open(dir.path().to_owned(), &LogConfig::default()).unwrap());
        let (build, other) = (
            "0199c3a1-7b2c-7d3e-8f40-0123456789ab",
            "0199c3a1-7b2c-7d3e-8f40-0123456789cd",
        );
        let line = || {
            vec![NewLine {
                ts: 0,
                text: "a line".to_owned(),
            }]
        };

        store.read(build, &Query::default()).unwrap();
        store.append(build, 7, line()).unwrap_err();
        store.append(build, 0, Vec::new()).unwrap();
        assert_eq!(store.entries.len(), 0, "a log without a line");

        let key = Key::parse(build).unwrap();
        let follower = Follower::begin(store.clone(), key, FollowFrom::Line(0), None).unwrap();
        assert_eq!(store.entries.len(), 1);
        drop(follower);
        assert_eq!(store.entries.len(), 0, "nobody waits for it any more");

        store.append(build, 0, line()).unwrap();
        store.append(other, 0, line()).unwrap();
        assert_eq!(store.entries.len(), 2);
        store.seal(build).unwrap();
        store.delete(other).unwrap();
        store.seal(build).unwrap();
        store.delete(other).unwrap();
        store.append(build, 1, line()).unwrap_err();
        assert_eq!(store.entries.len(), 0, "sealed or deleted");
    }
}
