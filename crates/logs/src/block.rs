//! The index of a log: runs of records, by byte offset, seq and time.

use serde::{Deserialize, Serialize};

use crate::line::LogLine;
use crate::query::Window;

/// What the index needs to know of one record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    pub seq: u64,
    pub ts: i64,
    pub bytes: u64,
    pub text_bytes: u64,
}

/// A run of whole records that is read in one go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Block {
    /// Where it begins in its segment, or in the sealed log's uncompressed records.
    pub offset: u64,
    pub bytes: u64,
    pub first_seq: u64,
    pub last_seq: u64,
    /// The clock of a worker may step back, so the first and last time say too little.
    pub min_ts: i64,
    pub max_ts: i64,
}

impl Block {
    /// A block of one record.
    pub fn new(offset: u64, mark: &Mark) -> Self {
        Self {
            offset,
            bytes: mark.bytes,
            first_seq: mark.seq,
            last_seq: mark.seq,
            min_ts: mark.ts,
            max_ts: mark.ts,
        }
    }

    /// Takes in the records of the block that follows this one.
    pub fn join(&mut self, next: &Block) {
        self.bytes += next.bytes;
        self.last_seq = next.last_seq;
        self.min_ts = self.min_ts.min(next.min_ts);
        self.max_ts = self.max_ts.max(next.max_ts);
    }

    fn overlaps(&self, window: &Window) -> bool {
        window.overlaps(self.min_ts, self.max_ts)
    }
}

/// The first block with a line at `seq` or after it that may lie in the window.
pub(crate) fn at_or_after(blocks: &[Block], seq: u64, window: &Window) -> Option<usize> {
    let start = blocks.partition_point(|block| block.last_seq < seq);
    (start..blocks.len()).find(|&i| blocks[i].overlaps(window))
}

/// The last block with a line before `seq` that may lie in the window.
pub(crate) fn before(blocks: &[Block], seq: u64, window: &Window) -> Option<usize> {
    let end = blocks.partition_point(|block| block.first_seq < seq);
    (0..end).rev().find(|&i| blocks[i].overlaps(window))
}

/// A hole in a log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    pub first_seq: u64,
    pub last_seq: u64,
    /// How much text is missing.
    pub text_bytes: u64,
    /// The time of what follows.
    pub ts: i64,
}

impl Cut {
    /// The line that stands for what is missing, at the place of a missing line.
    pub fn line(&self, seq: u64) -> LogLine {
        let lines = self.last_seq - self.first_seq + 1;
        let text = format!(
            "[boatyard] {lines} lines ({} bytes) were cut here",
            self.text_bytes
        );
        LogLine {
            seq,
            ts: self.ts,
            text,
        }
    }
}
