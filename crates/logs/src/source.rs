//! The parts of a log, one after another, from wherever the log is just now.

use std::path::PathBuf;
use std::sync::Arc;

use crate::block::{Block, Cut};
use crate::blocking::BlockingLogStore;
use crate::entries::{Entry, Phase, lock};
use crate::error::{LogError, Result};
use crate::key::Key;
use crate::live::Piece;
use crate::query::{Direction, Window};
use crate::seal::read_block;
use crate::sealed::SealedLog;

/// How often in a row a file may turn out to be gone before that is an error.
const MOST_MOVES: usize = 16;

/// A part of a log, read.
pub(crate) enum Part {
    /// Lines that are missing.
    Cut(Cut),
    /// A block and its records.
    Records(Block, Vec<u8>),
}

/// A log to read from. While it is read its middle may be cut, or it may be sealed or deleted: the source then looks
/// again where the log is, and goes on at the line asked for.
pub(crate) struct Source<'a> {
    store: &'a BlockingLogStore,
    key: &'a Key,
    place: Place,
    /// The file that was read last.
    path: PathBuf,
}

/// Where a log is.
pub(crate) enum Place {
    /// In segments, with so many lines when it was found there.
    Live(Arc<Entry>, u64),
    /// In its sealed folder.
    Sealed(Box<SealedLog>),
    /// Nowhere: no line was written, or the log was deleted.
    Absent,
}

/// What one look for a part gave.
enum Look {
    Part(Option<Part>),
    Moved,
}

impl<'a> Source<'a> {
    /// Finds the log.
    pub fn open(store: &'a BlockingLogStore, key: &'a Key) -> Result<Self> {
        Ok(Self {
            store,
            key,
            place: store.place(key)?,
            path: PathBuf::new(),
        })
    }

    /// The seq after the last line, when the log was found.
    pub fn next_seq(&self) -> u64 {
        match &self.place {
            Place::Live(_, next_seq) => *next_seq,
            Place::Sealed(log) => log.next_seq(),
            Place::Absent => 0,
        }
    }

    /// An error about the file that was read last.
    pub fn damaged(&self, what: String) -> LogError {
        LogError::damaged(&self.path, what)
    }

    /// Forward, the first part with a line at `seq` or after it; backward, the last with a line before it.
    /// Parts that have no line in the window are passed over unread.
    pub fn part(
        &mut self,
        direction: Direction,
        seq: u64,
        window: &Window,
    ) -> Result<Option<Part>> {
        for _ in 0..MOST_MOVES {
            match self.look(direction, seq, window)? {
                Look::Part(part) => return Ok(part),
                Look::Moved => self.place = self.store.place(self.key)?,
            }
        }
        Err(self.damaged("the file is gone".to_owned()))
    }

    fn look(&mut self, direction: Direction, seq: u64, window: &Window) -> Result<Look> {
        match &mut self.place {
            Place::Absent => Ok(Look::Part(None)),
            Place::Sealed(log) => {
                log.path().clone_into(&mut self.path);
                let found = match direction {
                    Direction::Forward => log.at_or_after(seq, window),
                    Direction::Backward => log.before(seq, window),
                };
                let part = found.map(|i| log.load(i)).transpose()?;
                Ok(Look::Part(
                    part.map(|(block, bytes)| Part::Records(block, bytes)),
                ))
            }
            Place::Live(entry, _) => {
                let found = match (&*lock(&entry.phase), direction) {
                    (Phase::Live(log), Direction::Forward) => log.at_or_after(seq, window),
                    (Phase::Live(log), Direction::Backward) => log.before(seq, window),
                    _ => return Ok(Look::Moved),
                };
                self.load(found)
            }
        }
    }

    fn load(&mut self, found: Option<Piece>) -> Result<Look> {
        match found {
            None => Ok(Look::Part(None)),
            Some(Piece::Cut(cut)) => Ok(Look::Part(Some(Part::Cut(cut)))),
            Some(Piece::Block(block, path)) => {
                self.path = path;
                match read_block(&self.path, &block) {
                    Err(error) if error.is_gone() => Ok(Look::Moved),
                    read => Ok(Look::Part(Some(Part::Records(block, read?)))),
                }
            }
        }
    }
}
