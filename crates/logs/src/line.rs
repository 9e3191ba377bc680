//! One line of a log, and what happens to one that is too long.

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LogLine {
    /// The line's place in its log, from 0, dense as the worker numbered it. Where lines were cut, the one marker
    /// line has the number of the last of them.
    pub seq: u64,
    /// When it was printed, in microseconds since 1970.
    pub ts: i64,
    /// What was printed, without its line end; may hold any character.
    pub text: String,
}

/// A line to append; its seq follows from its place in the append.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NewLine {
    /// When it was printed, in microseconds since 1970.
    pub ts: i64,
    /// What was printed, without its line end; may hold any character.
    pub text: String,
}

/// Room for the note that a line was cut, and a little of the line.
pub(crate) const LEAST_LINE_BYTES: usize = 64;

/// Cuts the text so that it takes at most `limit` bytes, with a note of how much is missing.
pub(crate) fn clip(text: &mut String, limit: usize) {
    let len = text.len();
    if len <= limit {
        return;
    }
    // The note's length depends on the number in it; the whole length has at least as many digits.
    let room = format!(" … [{len} bytes cut]").len();
    let keep = (0..=limit.saturating_sub(room))
        .rev()
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or(0);
    text.truncate(keep);
    text.push_str(&format!(" … [{} bytes cut]", len - keep));
    // A line of many megabytes must not keep its memory.
    text.shrink_to_fit();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_keeps_its_beginning_and_says_what_is_missing() {
        let mut text = "é".repeat(100);
        clip(&mut text, 65);
        assert_eq!(text, format!("{} … [156 bytes cut]", "é".repeat(22)));
        assert!(text.len() <= 65);

        let mut fits = "x".repeat(65);
        clip(&mut fits, 65);
        assert_eq!(fits, "x".repeat(65));
    }
}
