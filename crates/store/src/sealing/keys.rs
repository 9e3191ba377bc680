//! By which keys values may be sealed: noted before the first is, so that a server without one of
//! them stops at its start and not in the middle of a build.

use super::column::ALL;
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
    #[must_use]
    pub fn only(&self, key: &KeyId) -> bool {
        !self.plain && !self.others(key) && self.keys.contains(key)
    }

    /// Whether something may be sealed with other keys than this.
    pub(super) fn others(&self, key: &KeyId) -> bool {
        self.keys.iter().any(|other| other != key)
    }

    /// Refuses a vault that lacks one of the keys.
    fn open_to(&self, vault: &Vault) -> Result<(), StoreError> {
        let missing = self.keys.iter().find(|key| !vault.has(key));
        missing.map_or(Ok(()), |key| Err(StoreError::MissingKey(key.clone())))
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
        read(&mut self.db.read().await?, Hold::Nothing).await
    }

    /// The store with the keys to its secrets. A vault without keys is enough for what has none.
    ///
    /// # Errors
    /// [`StoreError::MissingKey`] when something is sealed with a key that the vault lacks.
    pub async fn unlock(mut self, vault: Vault) -> Result<Store, StoreError> {
        let with = self.sealed_with().await?;
        with.open_to(&vault)?;
        if let Some(current) = vault.current()
            && !with.keys.contains(current)
        {
            self.begin(&vault, current).await?;
        }
        self.vault = vault;
        Ok(self)
    }

    /// Notes that values may be sealed with this key from now on.
    async fn begin(&self, vault: &Vault, current: &KeyId) -> Result<(), StoreError> {
        let mut tx = self.db.write().await?;
        // Another process may have changed the keys since they were looked at.
        let mut with = read(&mut tx, Hold::Alone).await?;
        with.open_to(vault)?;
        if with.plain && !has_any(&mut tx).await? {
            with.plain = false;
        }
        with.keys.insert(current.clone());
        note(&mut tx, &with).await?;
        tx.commit().await
    }

    /// Makes sure that what this transaction seals opens afterwards, too. Whoever changes the key waits
    /// until the transaction has ended. For what writes beside a server, or without one: a server's own
    /// key does not change while it runs.
    pub(crate) async fn keep_key(&self, tx: &mut Session<'_>) -> Result<(), StoreError> {
        let with = read(tx, Hold::Shared).await?;
        let current = self.vault.current();
        let good = current.is_none_or(|key| with.keys.contains(key));
        if good {
            Ok(())
        } else {
            Err(StoreError::KeyChanged)
        }
    }

    /// Notes that everything is sealed with this key, older ones being needed no longer; `false` when it
    /// is not, and nothing is noted.
    pub(super) async fn settle(&self, key: &KeyId) -> Result<bool, StoreError> {
        let mut tx = self.db.write().await?;
        let with = SealedWith {
            plain: false,
            keys: [key.clone()].into(),
        };
        // First: it waits for who is about to seal with another key, and lets nobody begin to.
        note(&mut tx, &with).await?;
        let sealed = format!("{}%", vault::head(key));
        for column in ALL {
            let other = tx.row(column.other, params![&sealed], |_| Ok(())).await?;
            if other.is_some() {
                return Ok(false);
            }
        }
        tx.commit().await?;
        Ok(true)
    }
}

/// What a look at the keys keeps from changing until its transaction ends.
#[derive(Clone, Copy)]
enum Hold {
    Nothing,
    Shared,
    Alone,
}

async fn read(session: &mut Session<'_>, hold: Hold) -> Result<SealedWith, StoreError> {
    let sql = match hold {
        Hold::Shared if session.locks_rows() => "SELECT value FROM facts WHERE name = $1 FOR SHARE",
        Hold::Alone if session.locks_rows() => "SELECT value FROM facts WHERE name = $1 FOR UPDATE",
        _ => "SELECT value FROM facts WHERE name = $1",
    };
    let fact: Option<String> = session.row(sql, params![FACT], |row| row.get(0)).await?;
    SealedWith::parse(&fact.unwrap_or_default())
}

/// Whether the database holds anything that could have been stored before there were keys.
async fn has_any(tx: &mut Session<'_>) -> Result<bool, StoreError> {
    let any = tx.row("SELECT 1 FROM services LIMIT 1", [], |_| Ok(()));
    Ok(any.await?.is_some())
}

async fn note(tx: &mut Session<'_>, with: &SealedWith) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE facts SET value = $2 WHERE name = $1",
        params![FACT, with.fact()],
    )
    .await?;
    Ok(())
}
