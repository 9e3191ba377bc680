//! The newest lines of a live log in memory, so that any number of followers costs no file reads.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::line::LogLine;

/// How much text is remembered for one build, in bytes: followers further behind read the files.
const KEPT_BYTES: usize = 256 << 10;
/// Empty lines take memory too.
const LINE_OVERHEAD: usize = 48;

/// Lines that were appended together. Never empty.
pub(crate) type Chunk = Arc<[LogLine]>;

/// The last chunks appended, without a hole between them.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    chunks: VecDeque<Chunk>,
    bytes: usize,
}

impl Recent {
    /// Remembers lines that follow on the ones before.
    pub fn push(&mut self, lines: Vec<LogLine>) {
        self.bytes += cost(&lines);
        self.chunks.push_back(lines.into());
        while self.bytes > KEPT_BYTES {
            let Some(oldest) = self.chunks.pop_front() else {
                break;
            };
            self.bytes -= cost(&oldest);
        }
    }

    /// Forgets everything, with its memory.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The chunks from the one that holds `seq` on; none when that is no longer remembered.
    pub fn from(&self, seq: u64) -> Vec<Chunk> {
        let start = self.chunks.partition_point(|chunk| last_seq(chunk) < seq);
        match self.chunks.get(start) {
            Some(chunk) if chunk[0].seq <= seq => self.chunks.range(start..).cloned().collect(),
            _ => Vec::new(),
        }
    }
}

fn last_seq(chunk: &Chunk) -> u64 {
    chunk.last().map_or(0, |line| line.seq)
}

fn cost(lines: &[LogLine]) -> usize {
    lines
        .iter()
        .map(|line| line.text.len() + LINE_OVERHEAD)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(seqs: std::ops::Range<u64>, len: usize) -> Vec<LogLine> {
        seqs.map(|seq| LogLine {
            seq,
            ts: 0,
            text: "x".repeat(len),
        })
        .collect()
    }

    #[test]
    fn it_serves_from_any_remembered_line_and_no_other() {
        let mut recent = Recent::default();
        recent.push(lines(5..8, 10));
        recent.push(lines(8..9, 10));
        assert!(recent.from(4).is_empty());
        assert_eq!(recent.from(5).len(), 2);
        assert_eq!(recent.from(7).len(), 2);
        assert_eq!(recent.from(8).len(), 1);
        assert!(recent.from(9).is_empty());
    }

    #[test]
    fn it_stays_small() {
        let mut recent = Recent::default();
        for i in 0..100 {
            recent.push(lines(i * 10..i * 10 + 10, 1000));
        }
        assert!(recent.bytes <= KEPT_BYTES);
        assert!(recent.from(0).is_empty());
        assert_eq!(recent.from(999).len(), 1);

        recent.push(lines(1000..1001, KEPT_BYTES));
        assert!(
            recent.chunks.is_empty(),
            "one huge append is left to the files"
        );
        recent.push(lines(1001..1002, 1));
        assert_eq!(recent.from(1001).len(), 1);
    }
}
