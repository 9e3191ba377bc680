//! Reads a log from a place to its present end, page by page.

use super::logs::{Direction, LogFilter, LogQuery};
use super::resume::Resume;
use super::{BuildPath, Client, ClientError, LogLine};
use jiff::{SignedDuration, Timestamp};

/// Lines per page: few calls for a long log, and no answer of many megabytes.
const PAGE: u32 = 5000;
/// The most lines that a server gives at once, for a moment that holds more than a page.
const LARGEST_PAGE: u32 = 10_000;

/// A walk forward through one build's log.
pub(super) struct CatchUp<'a> {
    pub(super) client: &'a Client,
    pub(super) path: &'a BuildPath,
    pub(super) filter: &'a LogFilter,
    /// Where to begin when nothing was seen yet.
    pub(super) from: Timestamp,
}

impl CatchUp<'_> {
    /// The next lines, or none when the present end is reached.
    pub(super) async fn next(&self, resume: &mut Resume) -> Result<Vec<LogLine>, ClientError> {
        let mut page = PAGE;
        let mut nudge = SignedDuration::ZERO;
        loop {
            let start = resume.ask_again().unwrap_or(self.from);
            let start = start.checked_add(nudge).unwrap_or(Timestamp::MAX);
            let lines = self.page(start, page).await?;
            let full = lines.len() >= page as usize;
            let fresh = resume.fresh(lines);
            if !fresh.is_empty() || !full {
                return Ok(fresh);
            }
            // A full page of one moment, all seen: ask for more of it, and at last go past it.
            if page < LARGEST_PAGE {
                page = LARGEST_PAGE;
            } else {
                nudge += SignedDuration::from_micros(1);
            }
        }
    }

    async fn page(&self, start: Timestamp, lines: u32) -> Result<Vec<LogLine>, ClientError> {
        let query = LogQuery {
            build: Some(self.path.build.clone()),
            start: Some(start),
            lines: Some(lines),
            direction: Some(Direction::Forward),
            filter: self.filter.clone(),
            ..LogQuery::default()
        };
        self.client
            .logs(&self.path.project, &self.path.service, &query)
            .await
    }
}

/// A build's log from a time to its present end, read in parts.
#[derive(Debug)]
pub struct WholeLog {
    client: Client,
    path: BuildPath,
    filter: LogFilter,
    from: Timestamp,
    resume: Resume,
}

impl WholeLog {
    /// The next lines; none at the end.
    pub async fn next(&mut self) -> Result<Vec<LogLine>, ClientError> {
        let Self {
            client,
            path,
            filter,
            from,
            resume,
        } = self;
        CatchUp {
            client,
            path,
            filter,
            from: *from,
        }
        .next(resume)
        .await
    }
}

impl Client {
    /// A build's log from `from` on, however long it is.
    pub fn whole_log(&self, path: BuildPath, filter: LogFilter, from: Timestamp) -> WholeLog {
        WholeLog {
            client: self.clone(),
            path,
            filter,
            from,
            resume: Resume::default(),
        }
    }
}
