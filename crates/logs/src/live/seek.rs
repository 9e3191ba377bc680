//! Finding a place in a live log.

use std::path::PathBuf;

use super::LiveLog;
use crate::block::{self, Block, Cut};
use crate::query::Window;

/// A part of a live log.
#[derive(Debug)]
pub(crate) enum Piece {
    /// Records in a segment's file.
    Block(Block, PathBuf),
    /// Lines that are missing.
    Cut(Cut),
}

impl LiveLog {
    /// The first part with a line at `seq` or after it that may lie in the window.
    pub fn at_or_after(&self, seq: u64, window: &Window) -> Option<Piece> {
        let start = self
            .segments
            .partition_point(|segment| segment.last_seq < seq);
        (start..self.segments.len()).find_map(|i| {
            let cut = self
                .cut_before(i)
                .filter(|cut| cut.last_seq >= seq && window.contains(cut.ts));
            cut.map(Piece::Cut).or_else(|| {
                let blocks = &self.segments[i].blocks;
                Some(self.piece(i, blocks[block::at_or_after(blocks, seq, window)?]))
            })
        })
    }

    /// The last part with a line before `seq` that may lie in the window.
    pub fn before(&self, seq: u64, window: &Window) -> Option<Piece> {
        // A hole before the segment that follows may reach back past `seq`.
        let end = self
            .segments
            .partition_point(|segment| segment.name.first_seq < seq);
        let last = end.min(self.segments.len().saturating_sub(1));
        (0..self.segments.len()).take(last + 1).rev().find_map(|i| {
            let blocks = &self.segments[i].blocks;
            let found = block::before(blocks, seq, window).map(|at| self.piece(i, blocks[at]));
            let cut = || {
                self.cut_before(i)
                    .filter(|cut| cut.first_seq < seq && window.contains(cut.ts))
            };
            found.or_else(|| cut().map(Piece::Cut))
        })
    }

    /// All parts, in order.
    pub fn pieces(&self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for (i, segment) in self.segments.iter().enumerate() {
            pieces.extend(self.cut_before(i).map(Piece::Cut));
            pieces.extend(segment.blocks.iter().map(|block| self.piece(i, *block)));
        }
        pieces
    }

    fn piece(&self, segment: usize, block: Block) -> Piece {
        Piece::Block(block, self.segments[segment].name.path(&self.dir))
    }

    /// The hole before a segment.
    fn cut_before(&self, i: usize) -> Option<Cut> {
        let segment = &self.segments[i];
        let (first_seq, text_end) = match i.checked_sub(1) {
            Some(previous) => (
                self.segments[previous].next_seq(),
                self.segments[previous].text_end(),
            ),
            None => (0, 0),
        };
        (first_seq < segment.name.first_seq).then(|| Cut {
            first_seq,
            last_seq: segment.name.first_seq - 1,
            text_bytes: segment.name.text_offset.saturating_sub(text_end),
            ts: segment.blocks[0].min_ts,
        })
    }
}
