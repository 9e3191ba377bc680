//! Sealed cursors: the number of the last row shown, signed together with the list it belongs to,
//! so that a forged one, or one from another list, is told apart from a good one.
//!
//! 24 characters, as the published client's schema has it: 8 bytes number, 10 bytes of HMAC-SHA256.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const NUMBER: usize = 8;
const SEAL: usize = 10;

/// Seals and opens cursors under the store's key.
#[derive(Clone)]
pub(crate) struct Sealer(Hmac<Sha256>);

impl Sealer {
    pub(crate) fn new(key: &str) -> Sealer {
        #[allow(clippy::expect_used, reason = "HMAC takes a key of any length")]
        Sealer(Hmac::new_from_slice(key.as_bytes()).expect("a key of any length will do"))
    }

    /// A cursor after row `number` of `list`.
    pub(crate) fn seal(&self, list: &str, number: i64) -> String {
        let mut bytes = number.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.mac(list, number).finalize().into_bytes()[..SEAL]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The row number in a cursor of `list`; `None` when it is not one.
    pub(crate) fn open(&self, list: &str, cursor: &str) -> Option<i64> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        if bytes.len() != NUMBER + SEAL {
            return None;
        }
        let number = i64::from_be_bytes(bytes[..NUMBER].try_into().ok()?);
        self.mac(list, number)
            .verify_truncated_left(&bytes[NUMBER..])
            .ok()?;
        Some(number)
    }

    fn mac(&self, list: &str, number: i64) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(&number.to_be_bytes());
        mac.update(list.as_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::Sealer;

    #[test]
    fn a_cursor_opens_on_its_own_list_only() {
        let sealer = Sealer::new("key");
        let cursor = sealer.seal("builds:a", 42);
        assert_eq!(cursor.len(), 24);
        assert_eq!(sealer.open("builds:a", &cursor), Some(42));
        assert_eq!(sealer.open("builds:b", &cursor), None);
        assert_eq!(Sealer::new("other").open("builds:a", &cursor), None);
    }

    #[test]
    fn a_tampered_cursor_does_not_open() {
        let sealer = Sealer::new("key");
        let cursor = sealer.seal("builds:a", 42);
        for position in 0..cursor.len() {
            let mut forged: Vec<char> = cursor.chars().collect();
            forged[position] = if forged[position] == 'A' { 'B' } else { 'A' };
            let forged: String = forged.into_iter().collect();
            assert_eq!(sealer.open("builds:a", &forged), None, "{forged}");
        }
        assert_eq!(sealer.open("builds:a", ""), None);
        assert_eq!(sealer.open("builds:a", "not base64 at all!!"), None);
    }
}
