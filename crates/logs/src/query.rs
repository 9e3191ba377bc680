//! Which lines of a log to read.

use crate::filter::Filter;

/// A read of some lines of one log.
#[derive(Debug, Clone)]
pub struct Query {
    /// Only lines printed at or after this time, in microseconds since 1970.
    pub start_ts: Option<i64>,
    /// Only lines printed at or before this time, in microseconds since 1970.
    pub end_ts: Option<i64>,
    /// At most this many lines, counted after the filter.
    pub limit: usize,
    /// Which end to begin at, and the order of the answer.
    pub direction: Direction,
    /// Only lines that pass this filter.
    pub filter: Option<Filter>,
}

/// Which end of the log a read begins at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// From the oldest line on, oldest first.
    #[default]
    Forward,
    /// From the newest line back, newest first.
    Backward,
}

impl Default for Query {
    /// The first thousand lines.
    fn default() -> Self {
        Self {
            start_ts: None,
            end_ts: None,
            limit: 1000,
            direction: Direction::Forward,
            filter: None,
        }
    }
}

/// A span of time, both ends included.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub start: i64,
    pub end: i64,
}

impl Window {
    /// All of time.
    pub const ALL: Self = Self {
        start: i64::MIN,
        end: i64::MAX,
    };

    /// Whether the time lies in the window.
    pub fn contains(&self, ts: i64) -> bool {
        self.start <= ts && ts <= self.end
    }

    /// Whether any of `earliest..=latest` lies in the window.
    pub fn overlaps(&self, earliest: i64, latest: i64) -> bool {
        self.start <= latest && earliest <= self.end
    }
}

impl From<&Query> for Window {
    fn from(query: &Query) -> Self {
        Self {
            start: query.start_ts.unwrap_or(i64::MIN),
            end: query.end_ts.unwrap_or(i64::MAX),
        }
    }
}
