//! Keeping only the lines that say, or don't say, something.

use regex::{Regex, RegexBuilder};

use crate::error::LogError;

/// The most memory a compiled pattern, and its cache while matching, may take: it comes from whoever may read logs.
const PATTERN_MEMORY: usize = 1 << 20;

/// A condition on a line's text.
#[derive(Debug, Clone)]
pub enum Filter {
    /// The text holds this text, letter for letter.
    TextIncludes(String),
    /// The text doesn't hold this text.
    TextNotIncludes(String),
    /// The pattern matches somewhere in the text.
    RegexIncludes(Pattern),
    /// The pattern matches nowhere in the text.
    RegexNotIncludes(Pattern),
}

/// A compiled regular expression of bounded size, matched in time linear in the text.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

impl Pattern {
    /// Compiles the pattern.
    ///
    /// # Errors
    /// [`LogError::BadPattern`] when it isn't a regular expression or takes too much memory.
    pub fn new(pattern: &str) -> Result<Self, LogError> {
        RegexBuilder::new(pattern)
            .size_limit(PATTERN_MEMORY)
            .dfa_size_limit(PATTERN_MEMORY)
            .build()
            .map(Self)
            .map_err(|error| LogError::BadPattern(Box::new(error)))
    }
}

impl Filter {
    /// Lines that match the pattern.
    ///
    /// # Errors
    /// [`LogError::BadPattern`] when it isn't a regular expression or takes too much memory.
    pub fn regex_includes(pattern: &str) -> Result<Self, LogError> {
        Pattern::new(pattern).map(Self::RegexIncludes)
    }

    /// Lines that don't match the pattern.
    ///
    /// # Errors
    /// [`LogError::BadPattern`] when it isn't a regular expression or takes too much memory.
    pub fn regex_not_includes(pattern: &str) -> Result<Self, LogError> {
        Pattern::new(pattern).map(Self::RegexNotIncludes)
    }

    /// Whether a line with this text passes.
    pub fn passes(&self, text: &str) -> bool {
        match self {
            Self::TextIncludes(needle) => text.contains(needle.as_str()),
            Self::TextNotIncludes(needle) => !text.contains(needle.as_str()),
            Self::RegexIncludes(pattern) => pattern.0.is_match(text),
            Self::RegexNotIncludes(pattern) => !pattern.0.is_match(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_or_huge_pattern_is_refused_before_anything_is_read() {
        for bad in [
            "(",
            "a{100000}{100000}",
            r"(\w{1000}){1000}",
            &"(".repeat(10_000),
        ] {
            assert!(matches!(
                Filter::regex_includes(bad),
                Err(LogError::BadPattern(_))
            ));
        }
    }

    #[test]
    fn the_four_filters() {
        let text = "Step 3/7 : RUN make";
        assert!(Filter::TextIncludes("RUN".into()).passes(text));
        assert!(!Filter::TextIncludes("run".into()).passes(text));
        assert!(!Filter::TextNotIncludes("RUN".into()).passes(text));
        assert!(Filter::regex_includes(r"^Step \d/\d").unwrap().passes(text));
        assert!(!Filter::regex_not_includes(r"(?i)run").unwrap().passes(text));
    }
}
