//! By which keys values may be sealed: noted before the first is, so that a server without one of
//! them stops at its start and not in the middle of a build.

use crate::sql::{Session, params};
use crate::{Store, StoreError};
use std::collections::BTreeSet;
use vault::{KeyId, Vault};

const FACT: &str = "sealed-with";
const PLAIN: &str = "plain";

/// What the database's secrets may be sealed with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SealedWith {
    /// There may be some that are not sealed yet.
    pub(super) plain: bool,
    /// The keys.
    pub keys: BTreeSet<KeyId>,
}

impl SealedWith {
    fn parse(fact: &str) -> Result<SealedWith, StoreError> {
        let mut with = SealedWith::default();
        for word in fact.split_whitespace() {
            if word == PLAIN {
                with.plain = true;
            } else {
                with.keys.insert(word.parse()?);
            }
        }
        Ok(with)
    }

    /// Whether everything is sealed with this key.
    pub(super) fn only(&self, key: &KeyId) -> bool {
        !self.plain && self.keys.len() == 1 && self.keys.contains(key)
    }

    fn fact(&self) -> String {
        let plain = self.plain.then(|| PLAIN.to_owned());
        let keys = self.keys.iter().map(KeyId::to_string);
        keys.chain(plain).collect::<Vec<_>>().join(" ")
    }
}

impl Store {
    /// Which keys the database's secrets are sealed with.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sealed_with(&self) -> Result<SealedWith, StoreError> {
        read(&mut self.db.read().await?).await
    }

    /// The store with the keys to its secrets. A vault without keys is enough for what has none.
    ///
    /// # Errors
    /// [`StoreError::MissingKey`] when something is sealed with a key that the vault lacks.
    pub async fn unlock(mut self, vault: Vault) -> Result<Store, StoreError> {
        let mut with = self.sealed_with().await?;
        if let Some(missing) = with.keys.iter().find(|key| !vault.has(key)) {
            return Err(StoreError::MissingKey(missing.clone()));
        }
        if let Some(current) = vault.current()
            && with.keys.insert(current.clone())
        {
            self.note(&with).await?;
        }
        self.vault = vault;
        Ok(self)
    }

    pub(super) async fn note(&self, with: &SealedWith) -> Result<(), StoreError> {
        let mut tx = self.db.write().await?;
        tx.execute(
            "UPDATE facts SET value = $2 WHERE name = $1",
            params![FACT, with.fact()],
        )
        .await?;
        tx.commit().await
    }
}

async fn read(session: &mut Session<'_>) -> Result<SealedWith, StoreError> {
    let fact: Option<String> = session
        .row(
            "SELECT value FROM facts WHERE name = $1",
            params![FACT],
            |row| row.get(0),
        )
        .await?;
    SealedWith::parse(&fact.unwrap_or_default())
}
