//! Keys, and the names by which they are told apart.

use crate::VaultError;
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;
use zeroize::Zeroizing;

/// A key: 256 random bits, wiped from memory when dropped.
#[derive(Clone)]
pub struct Key(Zeroizing<[u8; 32]>);

impl Key {
    /// A new one.
    pub fn random() -> Key {
        Key(Zeroizing::new(rand::random()))
    }

    /// Its name. It derives from the key, so that a key is recognized wherever it is kept, and it
    /// gives nothing of 256 random bits away.
    pub fn id(&self) -> KeyId {
        let digest = Sha256::new()
            .chain_update(b"boatyard key id")
            .chain_update(self.bytes())
            .finalize();
        KeyId(hex::encode(&digest[..8]))
    }

    /// The key in hex, for the file that keeps it.
    pub(crate) fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.bytes()))
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads keys: separated by commas or white space, with comments from `#` to the line's end.
    ///
    /// # Errors
    /// [`VaultError::BadKey`] when one of them is none.
    pub fn parse_all(text: &str) -> Result<Vec<Key>, VaultError> {
        let plain = text
            .lines()
            .map(|line| line.split_once('#').map_or(line, |(before, _)| before));
        plain
            .flat_map(|line| line.split([',', ' ', '\t']))
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .map(str::parse)
            .collect()
    }
}

impl FromStr for Key {
    type Err = VaultError;

    fn from_str(text: &str) -> Result<Key, VaultError> {
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text, &mut *bytes).map_err(|_| VaultError::BadKey)?;
        Ok(Key(bytes))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}…)", self.id())
    }
}

/// A key's name: 16 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyId(String);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for KeyId {
    type Err = VaultError;

    fn from_str(text: &str) -> Result<KeyId, VaultError> {
        let is_id =
            text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        is_id
            .then(|| KeyId(text.to_owned()))
            .ok_or(VaultError::Format)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_from_lists_with_comments() {
        let (one, two) = ("0a".repeat(32), "0B".repeat(32));
        let text = format!("# the present one\n{one}\n{two} # the old one\n");
        let keys = Key::parse_all(&text).unwrap();
        let ids: Vec<KeyId> = keys.iter().map(Key::id).collect();
        let alike = Key::parse_all(&format!("{one},{two}")).unwrap();
        assert!(alike.iter().map(Key::id).eq(ids.clone()));
        assert_ne!(ids[0], ids[1]);
        assert_eq!(ids[0].to_string().parse::<KeyId>().unwrap(), ids[0]);
        for bad in ["0a", "hello", &"0g".repeat(32)] {
            assert!(Key::parse_all(bad).is_err(), "{bad}");
        }
        assert!(Key::parse_all("# nothing\n").unwrap().is_empty());
    }

    #[test]
    fn a_key_does_not_show_itself() {
        let key = Key::random();
        assert!(!format!("{key:?}").contains(key.to_hex().as_str()));
    }
}
