//! The phases a build went through, and when each began.

use crate::{Millis, Status};
use std::fmt;

/// A status that a build has or had, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phase {
    /// The status.
    pub status: Status,
    /// When the build entered it.
    pub since: Millis,
}

/// How a phase is noted: `STATUS:MILLIS;`, so that one is appended to those before.
impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{};", self.status, self.since)
    }
}

/// Reads notes of phases, one behind the other.
pub fn phases(notes: &str) -> Vec<Phase> {
    let read = |note: &str| {
        let (status, since) = note.split_once(':')?;
        Some(Phase {
            status: Status::parse(status)?,
            since: since.parse().ok()?,
        })
    };
    notes.split(';').filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_read_in_order() {
        let way: Vec<_> = (0..)
            .zip(Status::ALL)
            .map(|(since, status)| Phase { status, since })
            .collect();
        let notes: String = way.iter().map(Phase::to_string).collect();
        assert_eq!(phases(&notes), way);
        assert_eq!(phases(""), []);
    }
}
