//! One file of a live log, and its index.

use std::fs;
use std::path::{Path, PathBuf};

use crate::block::{Block, Mark};
use crate::error::{At, Result};
use crate::record::Records;

/// A segment that holds at least one record.
#[derive(Debug)]
pub(crate) struct Segment {
    pub name: Name,
    pub bytes: u64,
    pub text_bytes: u64,
    pub blocks: Vec<Block>,
    pub last_seq: u64,
}

/// What a segment's file name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    pub first_seq: u64,
    /// How many bytes of text the log had before this segment.
    pub text_offset: u64,
}

impl Name {
    /// The segment's file.
    pub fn path(&self, dir: &Path) -> PathBuf {
        dir.join(format!(
            "{:020}-{:020}.log",
            self.first_seq, self.text_offset
        ))
    }

    /// Reads a file name; `None` for one that isn't a segment's.
    pub fn parse(name: &str) -> Option<Self> {
        let (first_seq, text_offset) = name.strip_suffix(".log")?.split_once('-')?;
        Some(Self {
            first_seq: first_seq.parse().ok()?,
            text_offset: text_offset.parse().ok()?,
        })
    }
}

impl Segment {
    /// A segment with nothing in it yet.
    pub fn new(name: Name) -> Self {
        Self {
            name,
            bytes: 0,
            text_bytes: 0,
            blocks: Vec::new(),
            last_seq: name.first_seq,
        }
    }

    /// Reads a segment's file up to the first torn record; `None` when there is no whole record.
    pub fn recover(dir: &Path, name: Name, block_bytes: u64) -> Result<Option<Self>> {
        let path = name.path(dir);
        let bytes = fs::read(&path).at(&path)?;
        let mut segment = Self::new(name);
        let mut records = Records::new(&bytes);
        while let Some(record) = records.next() {
            if record.seq != segment.next_seq() {
                break;
            }
            let bytes = records.read() as u64 - segment.bytes;
            let mark = Mark {
                seq: record.seq,
                ts: record.ts,
                bytes,
                text_bytes: record.text.len() as u64,
            };
            segment.push(&mark, block_bytes);
        }
        Ok((segment.bytes > 0).then_some(segment))
    }

    /// Takes in a record that has been written.
    pub fn push(&mut self, mark: &Mark, block_bytes: u64) {
        let record = Block::new(self.bytes, mark);
        match self.blocks.last_mut() {
            Some(last) if last.bytes + mark.bytes <= block_bytes => last.join(&record),
            _ => self.blocks.push(record),
        }
        self.bytes += mark.bytes;
        self.text_bytes += mark.text_bytes;
        self.last_seq = mark.seq;
    }

    /// The seq of the record that comes next.
    pub fn next_seq(&self) -> u64 {
        if self.bytes == 0 {
            self.name.first_seq
        } else {
            self.last_seq + 1
        }
    }

    /// The text of the log up to the end of this segment, in bytes.
    pub fn text_end(&self) -> u64 {
        self.name.text_offset + self.text_bytes
    }
}
