//! How a build fails: one typed reason and one sentence for a person.

use domain::Reason;
use protocol::Conclusion;

/// Longest sentence that is told; a hostile Dockerfile can put a megabyte into one step.
const MESSAGE_CHARS: usize = 500;

/// A build's honest end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Why, as a typed word.
    pub reason: Reason,
    /// Why, as one sentence, with the failing step where there is one.
    pub message: String,
}

impl Failure {
    /// A failure; the sentence is put on one line and cut to a sensible length.
    pub fn new(reason: Reason, message: impl AsRef<str>) -> Failure {
        Failure {
            reason,
            message: shorten(message.as_ref(), MESSAGE_CHARS),
        }
    }

    /// The failure as the server is told it.
    pub(crate) fn conclusion(self) -> Conclusion {
        Conclusion {
            status: self.reason.status(),
            reason: Some(self.reason),
            message: self.message,
            digest: None,
            size: None,
        }
    }
}

/// The text on one line, with at most `limit` characters.
pub(crate) fn shorten(text: &str, limit: usize) -> String {
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((cut, _)) = line.char_indices().nth(limit) {
        line.truncate(cut);
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_short_line() {
        let failure = Failure::new(Reason::StepFailed, format!("a\n\tb {}", "ü".repeat(900)));
        assert!(failure.message.starts_with("a b ü"));
        assert!(failure.message.chars().count() <= MESSAGE_CHARS + 1);
        assert_eq!(failure.conclusion().status, domain::Status::Failure);
    }
}
