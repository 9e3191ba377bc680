//! The build's key: a uuid that is safe to use as a folder name.

use std::fmt;

use crate::error::LogError;

/// A checked build uuid: lower case hex digits and dashes in their places, nothing else.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key(String);

impl Key {
    /// Checks the key.
    ///
    /// # Errors
    /// [`LogError::BadBuildKey`] for anything that isn't a uuid in lower case.
    pub fn parse(text: &str) -> Result<Self, LogError> {
        let well_formed = text.len() == 36
            && text.bytes().enumerate().all(|(i, b)| match i {
                8 | 13 | 18 | 23 => b == b'-',
                _ => matches!(b, b'0'..=b'9' | b'a'..=b'f'),
            });
        if well_formed {
            Ok(Self(text.to_owned()))
        } else {
            Err(LogError::BadBuildKey)
        }
    }

    /// The uuid.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last two hex digits.
    pub fn shard(&self) -> &str {
        &self.0[34..]
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_uuid_names_a_folder() {
        assert_eq!(
            Key::parse("0199c3a1-7b2c-7d3e-8f40-0123456789ab")
                .unwrap()
                .shard(),
            "ab"
        );
        for bad in [
            "",
            ".",
            "..",
            "0199c3a1-7b2c-7d3e-8f40-0123456789aB",
            "0199c3a1-7b2c-7d3e-8f40-0123456789a",
            "0199c3a1-7b2c-7d3e-8f40-0123456789ab0",
            "0199c3a1-7b2c-7d3e-8f40-0123456789a/",
            "../../../../../../../../../etc/passw",
            "0199c3a17b2c-7d3e-8f40-0123456789abc",
            "------------------------------------",
            "0199c3a1-7b2c-7d3e-8f40-0123456789é",
        ] {
            assert!(
                matches!(Key::parse(bad), Err(LogError::BadBuildKey)),
                "{bad:?}"
            );
        }
    }
}
