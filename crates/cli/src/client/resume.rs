//! Remembers where a reader of a log stands, so that it can ask again from there without seeing
//! a line twice or missing one: the range starts at the last time seen, that time included, and
//! the lines of that moment which were seen already are skipped. A moment is a millisecond, since
//! a server may read a range's start no finer.

use super::LogLine;
use jiff::Timestamp;

/// A reader's place in a log.
#[derive(Debug, Default)]
pub(super) struct Resume {
    last: Option<Timestamp>,
    /// The lines seen in the moment of `last`.
    seen: Vec<LogLine>,
    /// Those of them that the present answer may repeat.
    repeats: Vec<LogLine>,
}

impl Resume {
    /// From when to ask; from here on repeats are expected.
    pub(super) fn ask_again(&mut self) -> Option<Timestamp> {
        self.repeats.clone_from(&self.seen);
        self.last
    }

    /// The lines that were not seen yet.
    pub(super) fn fresh(&mut self, lines: Vec<LogLine>) -> Vec<LogLine> {
        lines
            .into_iter()
            .filter(|line| self.is_fresh(line))
            .collect()
    }

    fn is_fresh(&mut self, line: &LogLine) -> bool {
        if let Some(at) = self.repeats.iter().position(|seen| seen == line) {
            self.repeats.swap_remove(at);
            return false;
        }
        let moment = Some(line.ts.as_millisecond());
        if self.moment() < moment {
            self.seen.clear();
        }
        self.last = self.last.max(Some(line.ts));
        if self.moment() == moment {
            self.seen.push(line.clone());
        }
        true
    }

    fn moment(&self) -> Option<i64> {
        self.last.map(Timestamp::as_millisecond)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(second: i64, text: &str) -> LogLine {
        LogLine {
            container_id: "c".into(),
            log: text.into(),
            ts: Timestamp::from_second(second).unwrap(),
        }
    }

    #[test]
    fn equal_lines_of_one_moment_are_told_apart_by_their_number() {
        let mut resume = Resume::default();
        let seen = resume.fresh(vec![line(1, "a"), line(2, "dot"), line(2, "dot")]);
        assert_eq!(seen.len(), 3);
        assert_eq!(resume.ask_again(), Some(Timestamp::from_second(2).unwrap()));
        let again = vec![line(2, "dot"), line(2, "dot"), line(2, "dot"), line(3, "b")];
        assert_eq!(resume.fresh(again), vec![line(2, "dot"), line(3, "b")]);
    }

    #[test]
    fn a_second_break_before_anything_new_repeats_nothing() {
        let mut resume = Resume::default();
        resume.fresh(vec![line(1, "a")]);
        for _ in 0..2 {
            resume.ask_again();
            assert_eq!(resume.fresh(vec![line(1, "a")]), vec![]);
        }
    }
}
