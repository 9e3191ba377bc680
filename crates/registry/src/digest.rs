//! Digests: `sha256:` and 64 lower-case hex digits.

use sha2::Sha256;

/// A checked digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Digest(String);

impl Digest {
    pub(crate) fn parse(text: &str) -> Option<Digest> {
        let hex = text.strip_prefix("sha256:")?;
        let good = hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        good.then(|| Digest(text.to_owned()))
    }

    pub(crate) fn of(hasher: Sha256) -> Digest {
        Digest(format!(
            "sha256:{}",
            hex::encode(sha2::Digest::finalize(hasher))
        ))
    }

    pub(crate) fn of_bytes(bytes: &[u8]) -> Digest {
        Digest(format!(
            "sha256:{}",
            hex::encode(<Sha256 as sha2::Digest>::digest(bytes))
        ))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The hex digits.
    pub(crate) fn hex(&self) -> &str {
        &self.0["sha256:".len()..]
    }
}
