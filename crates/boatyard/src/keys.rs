//! The keys to the secrets in the database: in a file of the data folder, made when there is nothing
//! sealed yet, or given by the operator.

use crate::config::Options;
use anyhow::{Context, anyhow, bail};
use std::path::Path;
use store::{Store, StoreError};
use vault::{Key, KeyFile, Vault};

/// The file of the data folder.
const FILE: &str = "secret.key";
/// The variable that holds keys themselves. There is no flag for it: everybody sees those.
const VARIABLE: &str = "BOATYARD_SECRET_KEY";

/// Where the keys are.
pub enum Source {
    /// In the environment.
    Environment(Vec<Key>),
    /// In a file that the operator names.
    Named(KeyFile),
    /// In the data folder.
    Own(KeyFile),
}

impl Source {
    /// Where these options say.
    pub fn of(options: &Options) -> anyhow::Result<Source> {
        if let Some(keys) = std::env::var(VARIABLE).ok().filter(|text| !text.is_empty()) {
            let keys = Key::parse_all(&keys).context(VARIABLE)?;
            return Ok(Source::Environment(keys));
        }
        Ok(match &options.secret_key_file {
            Some(path) => Source::Named(KeyFile::new(path)),
            None => Source::Own(KeyFile::new(options.data_dir().join(FILE))),
        })
    }

    /// The keys, the one that seals first.
    pub fn keys(&self) -> anyhow::Result<Vec<Key>> {
        match self {
            Source::Environment(keys) => Ok(keys.clone()),
            Source::Own(file) => read(file),
            Source::Named(file) => {
                let keys = read(file)?;
                if keys.is_empty() {
                    bail!(
                        "secret_key_file: there is no key in {}; `openssl rand -hex 32` makes one",
                        file.path().display()
                    );
                }
                Ok(keys)
            }
        }
    }

    /// The file, where there is one.
    pub fn file(&self) -> Option<&KeyFile> {
        match self {
            Source::Environment(_) => None,
            Source::Named(file) | Source::Own(file) => Some(file),
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::Environment(_) => f.write_str(VARIABLE),
            Source::Named(file) | Source::Own(file) => file.path().display().fmt(f),
        }
    }
}

fn read(file: &KeyFile) -> anyhow::Result<Vec<Key>> {
    file.read().with_context(|| at(file.path()))
}

fn at(path: &Path) -> String {
    format!("the keys in {} cannot be read", path.display())
}

/// Unlocks the store with the keys that these options name. Where there are none yet, `make` has the
/// data folder get one, unless something is sealed already.
pub async fn unlock(store: Store, options: &Options, make: bool) -> anyhow::Result<Store> {
    let source = Source::of(options)?;
    let mut keys = source.keys()?;
    let nothing_sealed = store.sealed_with().await?.keys.is_empty();
    if let Source::Own(file) = &source
        && keys.is_empty()
        && nothing_sealed
        && make
    {
        keys.push(Key::random());
        let written = file.write(&keys);
        written.with_context(|| format!("cannot write {}", file.path().display()))?;
    }
    unlock_with(store, &source, &keys).await
}

/// Unlocks the store with these keys, which are from that source.
pub async fn unlock_with(store: Store, source: &Source, keys: &[Key]) -> anyhow::Result<Store> {
    store
        .unlock(Vault::new(keys))
        .await
        .map_err(|error| match error {
            StoreError::MissingKey(id) => anyhow!(
                "the secrets in the database are sealed with the key {id}, which is not in {source}: put \
                 the file back from where it was kept, or name the key with secret_key_file or {VARIABLE}"
            ),
            other => other.into(),
        })
}
