//! Questions to a build's log.

use super::{Client, ClientError, LogLine};
use jiff::Timestamp;

/// Which lines are wanted; the API takes one filter at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LogFilter {
    /// All of them.
    #[default]
    All,
    /// Those with this text.
    TextIncludes(String),
    /// Those without this text.
    TextNotIncludes(String),
    /// Those that match this pattern.
    RegexIncludes(String),
    /// Those that don't match this pattern.
    RegexNotIncludes(String),
}

/// In which order a range comes, and so from which end a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Oldest first.
    Forward,
    /// Newest first.
    Backward,
}

/// A range of a log.
#[derive(Clone, Debug, Default)]
pub struct LogQuery {
    /// Only this build; `None` is every build of the service.
    pub build: Option<String>,
    /// Not before.
    pub start: Option<Timestamp>,
    /// Not after.
    pub end: Option<Timestamp>,
    /// Length of the range in seconds, when `start` or `end` is open.
    pub duration: Option<u64>,
    /// At most so many lines.
    pub lines: Option<u32>,
    /// The order.
    pub direction: Option<Direction>,
    /// Which lines.
    pub filter: LogFilter,
}

impl LogQuery {
    pub(super) fn pairs(&self, kind: &str) -> Vec<(&'static str, String)> {
        let mut pairs = vec![("queryType", kind.to_owned())];
        let mut add = |key, value: Option<String>| pairs.extend(value.map(|v| (key, v)));
        add("buildId", self.build.clone());
        add("startTime", self.start.map(|t| t.to_string()));
        add("endTime", self.end.map(|t| t.to_string()));
        add("duration", self.duration.map(|s| s.to_string()));
        add("lineLimit", self.lines.map(|n| n.to_string()));
        add("direction", self.direction.map(|d| d.word().to_owned()));
        pairs.extend(self.filter.pair());
        pairs
    }
}

impl Direction {
    fn word(self) -> &'static str {
        match self {
            Direction::Forward => "forward",
            Direction::Backward => "backward",
        }
    }
}

impl LogFilter {
    fn pair(&self) -> Option<(&'static str, String)> {
        match self {
            LogFilter::All => None,
            LogFilter::TextIncludes(text) => Some(("textIncludes", text.clone())),
            LogFilter::TextNotIncludes(text) => Some(("textNotIncludes", text.clone())),
            LogFilter::RegexIncludes(regex) => Some(("regexIncludes", regex.clone())),
            LogFilter::RegexNotIncludes(regex) => Some(("regexNotIncludes", regex.clone())),
        }
    }
}

impl Client {
    /// A range of a service's build logs.
    pub async fn logs(
        &self,
        project: &str,
        service: &str,
        query: &LogQuery,
    ) -> Result<Vec<LogLine>, ClientError> {
        let path = ["projects", project, "services", service, "build-logs"];
        self.get(&path, &query.pairs("range")).await?.parse()
    }
}
