//! Reading lines in order, from a live or a sealed log, also while it is cut, sealed or deleted.

use std::ops::Range;

use crate::block::Block;
use crate::blocking::BlockingLogStore;
use crate::error::Result;
use crate::filter::Filter;
use crate::key::Key;
use crate::line::LogLine;
use crate::query::{Direction, Window};
use crate::record::Records;
use crate::source::{Part, Source};

/// Which lines to read.
pub(crate) struct Scan<'a> {
    pub store: &'a BlockingLogStore,
    pub key: &'a Key,
    pub window: Window,
    pub filter: Option<&'a Filter>,
    pub limit: usize,
}

/// Lines, and where to go on.
pub(crate) struct Scanned {
    pub lines: Vec<LogLine>,
    pub next_seq: u64,
}

impl Scan<'_> {
    /// Reads from the line `from` on, oldest first, up to the last line there is now.
    pub fn forward(&self, from: u64) -> Result<Scanned> {
        let mut source = Source::open(self.store, self.key)?;
        let end = source.next_seq();
        let mut at = from;
        let mut lines = Vec::new();
        while lines.len() < self.limit && at < end {
            match source.part(Direction::Forward, at, &self.window)? {
                None => at = end,
                Some(Part::Cut(cut)) => {
                    self.offer(cut.line(cut.last_seq.min(end - 1)), &mut lines);
                    at = cut.last_seq + 1;
                }
                Some(Part::Records(block, bytes)) => {
                    at = self
                        .take(&block, &bytes, at..end, &mut lines)
                        .map_err(|what| source.damaged(what))?;
                }
            }
        }
        Ok(Scanned {
            lines,
            next_seq: at,
        })
    }

    /// Reads the lines before `below`, newest first.
    pub fn backward(&self, below: u64) -> Result<Vec<LogLine>> {
        let mut source = Source::open(self.store, self.key)?;
        let mut at = below.min(source.next_seq());
        let mut lines = Vec::new();
        while lines.len() < self.limit {
            match source.part(Direction::Backward, at, &self.window)? {
                None => break,
                Some(Part::Cut(cut)) => {
                    self.offer(cut.line(cut.last_seq.min(at - 1)), &mut lines);
                    at = cut.first_seq;
                }
                Some(Part::Records(block, bytes)) => {
                    let mut found = Vec::new();
                    let all = Scan {
                        limit: usize::MAX,
                        ..*self
                    };
                    all.take(&block, &bytes, 0..at, &mut found)
                        .map_err(|what| source.damaged(what))?;
                    lines.extend(found.into_iter().rev().take(self.limit - lines.len()));
                    at = block.first_seq;
                }
            }
        }
        Ok(lines)
    }

    /// Takes the wanted lines of a block, and says where to go on.
    fn take(
        &self,
        block: &Block,
        bytes: &[u8],
        seqs: Range<u64>,
        lines: &mut Vec<LogLine>,
    ) -> Result<u64, String> {
        let mut records = Records::new(bytes);
        for record in records.by_ref() {
            if seqs.contains(&record.seq)
                && self.window.contains(record.ts)
                && self.filter.is_none_or(|filter| filter.passes(&record.text))
            {
                let next = record.seq + 1;
                lines.push(record.into_line());
                if lines.len() >= self.limit {
                    return Ok(next);
                }
            }
        }
        if records.read() != bytes.len() {
            return Err(format!(
                "a record between lines {} and {} is torn",
                block.first_seq, block.last_seq
            ));
        }
        Ok(seqs.end.min(block.last_seq + 1))
    }

    /// Takes a line that is wanted.
    fn offer(&self, line: LogLine, lines: &mut Vec<LogLine>) {
        if self.window.contains(line.ts)
            && self.filter.is_none_or(|filter| filter.passes(&line.text))
        {
            lines.push(line);
        }
    }
}
