//! The logs that are in use, by build: who may touch a log's files, and who waits for its lines.

use std::collections::HashMap;
use std::collections::hash_map;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::key::Key;
use crate::live::LiveLog;
use crate::recent::Recent;

/// A log in use. Locks are taken in the order `seal`, `phase`, `recent`, and the table's own last.
pub(crate) struct Entry {
    pub key: Key,
    /// Held by whoever seals or deletes the log, so that neither happens twice or at once.
    pub seal: Mutex<()>,
    pub phase: Mutex<Phase>,
    pub recent: Mutex<Recent>,
    pub progress: watch::Sender<Progress>,
}

/// What is known of the log's files.
pub(crate) enum Phase {
    /// Not looked at yet.
    Unopened,
    /// The log takes lines.
    Live(LiveLog),
    /// The log was sealed, deleted, or never had a line; this entry is out of the table, so look there again.
    Closed,
}

/// How far a log has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    pub next_seq: u64,
    /// The log is sealed or deleted: no more lines come.
    pub ended: bool,
}

/// The table of logs in use.
#[derive(Default)]
pub(crate) struct Entries(Mutex<HashMap<Key, Arc<Entry>>>);

impl Entries {
    /// The entry of a log in use.
    pub fn get(&self, key: &Key) -> Option<Arc<Entry>> {
        lock(&self.0).get(key).cloned()
    }

    /// The entry of a log, made where there is none.
    pub fn get_or_insert(&self, key: &Key) -> Arc<Entry> {
        match lock(&self.0).entry(key.clone()) {
            hash_map::Entry::Occupied(entry) => entry.get().clone(),
            hash_map::Entry::Vacant(place) => {
                place.insert(Arc::new(Entry::new(key.clone()))).clone()
            }
        }
    }

    /// Closes an entry for good and takes it out of the table. The log's files are no business of this.
    pub fn close(&self, entry: &Arc<Entry>, phase: &mut Phase) {
        *phase = Phase::Closed;
        let mut table = lock(&self.0);
        if table
            .get(&entry.key)
            .is_some_and(|current| Arc::ptr_eq(current, entry))
        {
            table.remove(&entry.key);
        }
    }

    /// How many logs are in use.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        lock(&self.0).len()
    }
}

impl Entry {
    fn new(key: Key) -> Self {
        Self {
            key,
            seal: Mutex::new(()),
            phase: Mutex::new(Phase::Unopened),
            recent: Mutex::default(),
            progress: watch::Sender::new(Progress {
                next_seq: 0,
                ended: false,
            }),
        }
    }

    /// Tells followers that no more lines come.
    pub fn end(&self, next_seq: u64) {
        self.progress.send_replace(Progress {
            next_seq,
            ended: true,
        });
    }
}

/// Locks. A thread that panicked under a lock leaves a log whose index is behind its file at most, which the next
/// write puts right.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
