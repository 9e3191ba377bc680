//! Secrets at rest. A sealed value is text that can lie in any column: it says which format and
//! which key it has, and opens only where it belongs: in its own field of its own row.
//!
//! XChaCha20-Poly1305: its nonces are long enough to be drawn at random for as long as a server lives.

mod file;
mod key;

pub use file::KeyFile;
pub use key::{Key, KeyId};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use std::sync::Arc;

/// What a sealed value begins with: a word to search for, and the format's version.
const FORMAT: &str = "sealed:1";
const NONCE: usize = 24;

/// Why a value can be neither sealed nor opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// There is no key to seal with.
    #[error("there is no key for secrets")]
    NoKey,
    /// The value is sealed with a key that is not here.
    #[error("it is sealed with the key {0}, which is not here")]
    UnknownKey(KeyId),
    /// The value is not a sealed one of a format that this program knows.
    #[error("it is not a sealed value of a known format")]
    Format,
    /// The value was changed, or sealed for another place than this.
    #[error("it was changed, or belongs elsewhere")]
    Foreign,
    /// A key is not one.
    #[error("a key is 64 hexadecimal digits, as `openssl rand -hex 32` prints them")]
    BadKey,
    /// The file of keys cannot be read or written.
    #[error("{0}")]
    File(#[from] std::io::Error),
}

/// What every value begins with that is sealed with this key.
#[must_use]
pub fn head(key: &KeyId) -> String {
    format!("{FORMAT}:{key}:")
}

/// Seals with its first key, and opens with any of them. Cheap to clone.
#[derive(Clone, Default)]
pub struct Vault {
    ring: Arc<[(KeyId, XChaCha20Poly1305)]>,
}

impl Vault {
    /// A vault with these keys, the one that seals first. Without any it neither seals nor opens.
    pub fn new(keys: &[Key]) -> Vault {
        let cipher = |key: &Key| (key.id(), XChaCha20Poly1305::new(key.bytes().into()));
        Vault {
            ring: keys.iter().map(cipher).collect(),
        }
    }

    /// The id of the key that seals.
    pub fn current(&self) -> Option<&KeyId> {
        self.ring.first().map(|(id, _)| id)
    }

    /// Whether it has this key.
    pub fn has(&self, id: &KeyId) -> bool {
        self.ring.iter().any(|(known, _)| known == id)
    }

    /// Seals a value for one place: `context` names table, column and row. It opens there only.
    ///
    /// # Errors
    /// [`VaultError::NoKey`] in a vault without keys.
    pub fn seal(&self, context: &str, value: &str) -> Result<String, VaultError> {
        let (id, cipher) = self.ring.first().ok_or(VaultError::NoKey)?;
        let nonce: [u8; NONCE] = rand::random();
        let head = format!("{FORMAT}:{id}");
        let payload = Payload {
            msg: value.as_bytes(),
            aad: &bound(&head, context),
        };
        let sealed = cipher.encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| VaultError::Foreign)?;
        let body = URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat());
        Ok(format!("{head}:{body}"))
    }

    /// Opens a value that was sealed for this place.
    ///
    /// # Errors
    /// When its key is not here, it was changed, or it belongs elsewhere.
    pub fn open(&self, context: &str, sealed: &str) -> Result<String, VaultError> {
        let (id, body) = parts(sealed).ok_or(VaultError::Format)?;
        let known = self.ring.iter().find(|(known, _)| *known == id);
        let Some((_, cipher)) = known else {
            return Err(VaultError::UnknownKey(id));
        };
        let body = URL_SAFE_NO_PAD.decode(body);
        let body = body.map_err(|_| VaultError::Format)?;
        let (nonce, message) = body
            .split_first_chunk::<NONCE>()
            .ok_or(VaultError::Format)?;
        let head = format!("{FORMAT}:{id}");
        let payload = Payload {
            msg: message,
            aad: &bound(&head, context),
        };
        let opened = cipher.decrypt(&XNonce::from(*nonce), payload);
        let opened = opened.map_err(|_| VaultError::Foreign)?;
        String::from_utf8(opened).map_err(|_| VaultError::Format)
    }

    /// The value sealed with the present key; `None` when it is so already.
    ///
    /// # Errors
    /// When it cannot be opened or sealed.
    pub fn reseal(&self, context: &str, sealed: &str) -> Result<Option<String>, VaultError> {
        let with = parts(sealed).map(|(id, _)| id).ok_or(VaultError::Format)?;
        if self.current() == Some(&with) {
            return Ok(None);
        }
        let value = self.open(context, sealed)?;
        self.seal(context, &value).map(Some)
    }
}

/// Its keys are nobody's business.
impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids = self.ring.iter().map(|(id, _)| id);
        f.debug_list().entries(ids).finish()
    }
}

/// What a sealed value is bound to.
fn bound(head: &str, context: &str) -> Vec<u8> {
    format!("{head}:{context}").into_bytes()
}

fn parts(sealed: &str) -> Option<(KeyId, &str)> {
    let (id, body) = sealed
        .strip_prefix(FORMAT)?
        .strip_prefix(':')?
        .split_once(':')?;
    Some((id.parse().ok()?, body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(byte: &str) -> Key {
        byte.repeat(32).parse().unwrap()
    }

    #[test]
    fn a_value_opens_where_it_belongs_only() {
        let vault = Vault::new(&[key("0a")]);
        let sealed = vault.seal("services.secrets:1", "hush").unwrap();
        assert_eq!(vault.open("services.secrets:1", &sealed).unwrap(), "hush");
        let elsewhere = vault.open("services.secrets:2", &sealed);
        assert!(matches!(elsewhere, Err(VaultError::Foreign)));
        let again = vault.seal("services.secrets:1", "hush").unwrap();
        assert_ne!(sealed, again, "equal values do not look equal");
    }

    #[test]
    fn values_move_from_key_to_key() {
        let (old, new) = (key("0a"), key("0b"));
        let before = Vault::new(std::slice::from_ref(&old));
        let sealed = before.seal("here", "hush").unwrap();
        let between = Vault::new(&[new.clone(), old]);
        assert_eq!(between.open("here", &sealed).unwrap(), "hush");
        let moved = between.reseal("here", &sealed).unwrap().unwrap();
        assert!(moved.starts_with(&head(&new.id())));
        assert_eq!(between.reseal("here", &moved).unwrap(), None);
        let after = Vault::new(&[new]);
        assert_eq!(after.open("here", &moved).unwrap(), "hush");
        let lost = after.open("here", &sealed);
        assert!(matches!(lost, Err(VaultError::UnknownKey(id)) if Some(&id) == before.current()));
    }

    #[test]
    fn a_vault_without_keys_does_nothing() {
        let vault = Vault::default();
        assert!(matches!(vault.seal("here", "x"), Err(VaultError::NoKey)));
        assert!(matches!(vault.open("here", "x"), Err(VaultError::Format)));
    }

    proptest! {
        #[test]
        fn whatever_is_sealed_opens(value in ".*", context in ".*") {
            let vault = Vault::new(&[key("0a")]);
            let sealed = vault.seal(&context, &value).unwrap();
            prop_assert_eq!(vault.open(&context, &sealed).unwrap(), value);
        }

        #[test]
        fn whatever_was_changed_does_not(at in any::<prop::sample::Index>(), letter in "[A-Za-z0-9_:-]") {
            let vault = Vault::new(&[key("0a")]);
            let sealed = vault.seal("here", "hush").unwrap();
            let at = at.index(sealed.len());
            let mut changed = sealed.clone();
            changed.replace_range(at..=at, &letter);
            if let Ok(opened) = vault.open("here", &changed) {
                prop_assert_eq!((opened.as_str(), changed), ("hush", sealed));
            }
        }
    }
}
