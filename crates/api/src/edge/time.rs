//! Times on the wire: ISO 8601 in UTC.

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;

const MILLIS: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
const MICROS: DateTimePrinter = DateTimePrinter::new().precision(Some(6));

/// `2021-07-28T15:55:38.296Z` from milliseconds since 1970.
pub(crate) fn iso_millis(millis: i64) -> String {
    MILLIS.timestamp_to_string(&Timestamp::from_millisecond(millis).unwrap_or_default())
}

/// `2021-07-28T15:55:38.296123Z` from microseconds since 1970.
pub(crate) fn iso_micros(micros: i64) -> String {
    MICROS.timestamp_to_string(&Timestamp::from_microsecond(micros).unwrap_or_default())
}

/// Microseconds since 1970 from any ISO 8601 time with an offset.
pub(crate) fn parse_iso(text: &str) -> Option<i64> {
    text.parse::<Timestamp>()
        .ok()
        .map(|time| time.as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_look_as_the_contract_says() {
        assert_eq!(iso_millis(1_627_487_738_296), "2021-07-28T15:55:38.296Z");
        assert_eq!(iso_millis(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(
            parse_iso("2021-07-28T15:55:38.296Z"),
            Some(1_627_487_738_296_000)
        );
        assert_eq!(parse_iso("yesterday"), None);
    }
}
