//! Log lines on their way to the server: numbered when they are written, kept until the server
//! has them, bounded in memory however long the server is away.

use std::collections::VecDeque;

use protocol::{Line, LogChunk};

/// How much text waits at most, in bytes, while the server is away.
const CAPACITY: usize = 64 << 20;
/// What a line costs besides its text.
const LINE_COST: usize = 48;
/// About how much text one call carries, in bytes.
const CHUNK: usize = 64 << 10;

/// Lines that the server does not have yet.
#[derive(Debug)]
pub(crate) struct Buffer {
    lines: VecDeque<Line>,
    /// Sequence number of the first line here.
    first_seq: u64,
    bytes: usize,
    capacity: usize,
    /// Lines lost for want of room since the last one that was kept.
    dropped: u64,
    last_ts: i64,
}

impl Buffer {
    pub(crate) fn new(first_seq: u64) -> Buffer {
        Buffer::with_capacity(first_seq, CAPACITY)
    }

    fn with_capacity(first_seq: u64, capacity: usize) -> Buffer {
        Buffer {
            lines: VecDeque::new(),
            first_seq,
            bytes: 0,
            capacity,
            dropped: 0,
            last_ts: 0,
        }
    }

    /// Adds a line written at `ts` (microseconds since 1970).
    pub(crate) fn push(&mut self, ts: i64, text: String) {
        if self.bytes + text.len() + LINE_COST > self.capacity {
            self.dropped += 1;
            return;
        }
        self.mark_gap(ts);
        self.keep(ts, text);
    }

    /// Says how many lines were lost, where they were lost.
    fn mark_gap(&mut self, ts: i64) {
        let dropped = std::mem::take(&mut self.dropped);
        if dropped > 0 {
            self.keep(
                ts,
                format!("==> {dropped} lines were dropped while the server could not be reached"),
            );
        }
    }

    fn keep(&mut self, ts: i64, text: String) {
        // A clock that is set back must not put a line before its predecessor.
        self.last_ts = self.last_ts.max(ts);
        self.bytes += text.len() + LINE_COST;
        self.lines.push_back(Line {
            ts: self.last_ts,
            text,
        });
    }

    /// The next lines to send; `None` when there are none.
    pub(crate) fn chunk(&mut self) -> Option<LogChunk> {
        if self.lines.is_empty() {
            self.mark_gap(self.last_ts);
        }
        let mut size = 0;
        let lines: Vec<Line> = self
            .lines
            .iter()
            .take_while(|line| {
                let before = size;
                size += line.text.len() + LINE_COST;
                before < CHUNK
            })
            .cloned()
            .collect();
        (!lines.is_empty()).then_some(LogChunk {
            first_seq: self.first_seq,
            lines,
        })
    }

    /// The server has every line before `next_seq`.
    ///
    /// A server that lost lines it had (it was restored from a backup) names a smaller number than
    /// we can start from; our lines are then renumbered, since a gap could never be filled.
    pub(crate) fn accepted(&mut self, next_seq: u64) {
        while self.first_seq < next_seq
            && let Some(line) = self.lines.pop_front()
        {
            self.bytes -= line.text.len() + LINE_COST;
            self.first_seq += 1;
        }
        self.first_seq = next_seq;
    }

    /// Whether a full call's worth of text waits.
    pub(crate) fn is_ripe(&self) -> bool {
        self.bytes >= CHUNK
    }

    /// Whether the server has every line.
    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.dropped == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(chunk: &LogChunk) -> Vec<&str> {
        chunk.lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn lines_stay_until_they_are_accepted() {
        let mut buffer = Buffer::new(5);
        for text in ["a", "b", "c"] {
            buffer.push(1, text.into());
        }
        assert_eq!(buffer.chunk().unwrap().first_seq, 5);
        buffer.accepted(7);
        let chunk = buffer.chunk().unwrap();
        assert_eq!((chunk.first_seq, texts(&chunk)), (7, vec!["c"]));
        buffer.accepted(8);
        assert!(buffer.is_empty() && buffer.chunk().is_none());
    }

    #[test]
    fn what_has_no_room_is_counted_where_it_is_missing() {
        let mut buffer = Buffer::with_capacity(0, 2 * (LINE_COST + 1));
        for text in ["a", "b", "c", "d"] {
            buffer.push(1, text.into());
        }
        buffer.accepted(2);
        buffer.push(2, String::new());
        let chunk = buffer.chunk().unwrap();
        assert!(texts(&chunk)[0].starts_with("==> 2 lines were dropped"));
        buffer.accepted(u64::MAX);
        assert!(buffer.is_empty());
    }

    #[test]
    fn time_never_runs_backwards() {
        let mut buffer = Buffer::new(0);
        buffer.push(9, "a".into());
        buffer.push(3, "b".into());
        assert_eq!(buffer.chunk().unwrap().lines[1].ts, 9);
    }

    #[test]
    fn a_server_that_forgot_lines_gets_the_rest_without_a_gap() {
        let mut buffer = Buffer::new(10);
        buffer.push(1, "a".into());
        buffer.accepted(4);
        assert_eq!(buffer.chunk().unwrap().first_seq, 4);
    }

    proptest! {
        /// Whatever the server acknowledges when, it gets each line once and in order.
        #[test]
        fn nothing_is_lost_or_doubled(steps in proptest::collection::vec((0usize..5, 0usize..9), 1..60)) {
            let mut buffer = Buffer::new(0);
            let (mut written, mut stored) = (0u64, Vec::new());
            for (write, take) in steps {
                for _ in 0..write {
                    buffer.push(0, written.to_string());
                    written += 1;
                }
                if let Some(chunk) = buffer.chunk() {
                    let known = stored.len() as u64 - chunk.first_seq;
                    let new = chunk.lines.into_iter().skip(usize::try_from(known).unwrap());
                    stored.extend(new.take(take).map(|line| line.text));
                    // An answer may get lost: then nothing is acknowledged.
                    if take % 3 != 0 {
                        buffer.accepted(stored.len() as u64);
                    }
                }
            }
            let expected: Vec<_> = (0..stored.len()).map(|n| n.to_string()).collect();
            prop_assert_eq!(stored, expected);
        }
    }
}
