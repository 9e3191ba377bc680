//! `boatyard get service build-logs`

use super::{BuildArg, Common};
use crate::client::{Direction, LogFilter};
use clap::{Args, ValueEnum};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

/// `get service build-logs`
#[derive(Debug, Args)]
#[command(after_help = "\
Without --build, the newest build's log is shown.

Examples:
  boatyard get service build-logs --project shop --service web
  boatyard get service build-logs -p shop -s web --build joyous-view-6290 --tail
  boatyard get service build-logs -p shop -s web --since 10m --text-includes ERROR
  boatyard get service build-logs -p shop -s web --start 2026-11-24T08:00:00Z --lines 200")]
pub struct BuildLogs {
    /// Which build.
    #[command(flatten)]
    pub of: BuildArg,
    /// Follow the log until the build concludes
    #[arg(short = 'f', long, visible_alias = "follow", conflicts_with_all = ["end", "duration", "direction"])]
    pub tail: bool,
    /// At most so many lines: the last ones, or with --direction forward the first
    #[arg(short, long, alias = "lineLimit", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub lines: Option<u32>,
    /// Lines not older than this, like 90s, 10m, 2h or 1d
    #[arg(long, value_name = "AGO", value_parser = ago, conflicts_with = "start")]
    pub since: Option<SignedDuration>,
    /// Lines from this time on (ISO 8601, or seconds since 1970)
    #[arg(long, alias = "startTime", value_name = "TIME", value_parser = time)]
    pub start: Option<Timestamp>,
    /// Lines up to this time
    #[arg(long, alias = "endTime", value_name = "TIME", value_parser = time)]
    pub end: Option<Timestamp>,
    /// Length of the range in seconds, beside --start or --end
    #[arg(long, value_name = "SECONDS")]
    pub duration: Option<u64>,
    /// In which order to show the lines: forward (oldest first) or backward
    #[arg(
        short,
        long,
        value_enum,
        value_name = "ORDER",
        hide_possible_values = true
    )]
    pub direction: Option<LogOrder>,
    /// Show when each line was written
    #[arg(short, long)]
    pub timestamps: bool,
    /// Which lines.
    #[command(flatten)]
    pub filter: Filter,
    /// What every verb takes.
    #[command(flatten)]
    pub common: Common,
}

/// An order of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogOrder {
    /// Oldest first
    Forward,
    /// Newest first
    Backward,
}

/// Which lines; one at a time.
#[derive(Debug, Default, Args)]
#[group(multiple = false)]
pub struct Filter {
    /// Only lines with this text
    #[arg(
        long,
        alias = "textIncludes",
        value_name = "TEXT",
        help_heading = "Filters"
    )]
    pub text_includes: Option<String>,
    /// Only lines without this text
    #[arg(
        long,
        alias = "textNotIncludes",
        value_name = "TEXT",
        help_heading = "Filters"
    )]
    pub text_not_includes: Option<String>,
    /// Only lines that match this pattern
    #[arg(
        long,
        alias = "regexIncludes",
        value_name = "REGEX",
        help_heading = "Filters"
    )]
    pub regex_includes: Option<String>,
    /// Only lines that don't match this pattern
    #[arg(
        long,
        alias = "regexNotIncludes",
        value_name = "REGEX",
        help_heading = "Filters"
    )]
    pub regex_not_includes: Option<String>,
}

impl Filter {
    pub(crate) fn chosen(&self) -> LogFilter {
        let text = |is: fn(String) -> LogFilter, value: &Option<String>| value.clone().map(is);
        text(LogFilter::TextIncludes, &self.text_includes)
            .or_else(|| text(LogFilter::TextNotIncludes, &self.text_not_includes))
            .or_else(|| text(LogFilter::RegexIncludes, &self.regex_includes))
            .or_else(|| text(LogFilter::RegexNotIncludes, &self.regex_not_includes))
            .unwrap_or_default()
    }
}

impl From<LogOrder> for Direction {
    fn from(order: LogOrder) -> Direction {
        match order {
            LogOrder::Forward => Direction::Forward,
            LogOrder::Backward => Direction::Backward,
        }
    }
}

fn ago(text: &str) -> Result<SignedDuration, String> {
    let wrong = || "write it like 90s, 10m, 2h or 1d".to_owned();
    let span: Span = text.parse().map_err(|_| wrong())?;
    let length = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| wrong())?;
    if length.is_negative() {
        Err(wrong())
    } else {
        Ok(length)
    }
}

pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    let wrong = || "write it like 2026-11-24T08:00:00Z, or as seconds since 1970".to_owned();
    if let Ok(seconds) = text.parse::<i64>() {
        return Timestamp::from_second(seconds).map_err(|_| wrong());
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    // A time without an offset is read as UTC, as everything here is.
    let civil: DateTime = text.parse().map_err(|_| wrong())?;
    TimeZone::UTC.to_timestamp(civil).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_and_the_published_cli_write_them() {
        let second = |text: &str| time(text).map(Timestamp::as_second).ok();
        assert_eq!(second("2020-02-02T02:02:02Z"), Some(1_580_608_922));
        assert_eq!(second("1580608922"), Some(1_580_608_922));
        assert_eq!(second("2020-02-02T02:02:02"), Some(1_580_608_922));
        assert_eq!(second("2020-02-02"), Some(1_580_601_600));
        assert_eq!(second("tomorrow"), None);
        assert_eq!(ago("10m").unwrap().as_secs(), 600);
        assert_eq!(ago("1d 1h").unwrap().as_secs(), 90_000);
        assert!(ago("ten").is_err() && ago("-5m").is_err() && ago("1mo").is_err());
    }
}
