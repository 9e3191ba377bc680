//! The registry's catalogue: which content exists, where it may be seen, what it is called and
//! what still needs it. Files themselves are the registry's business.
//!
//! Two promises hold this together. Whatever a push relies on is *touched* in the transaction
//! that checks it, which also locks its row; and garbage collection decides again, on a locked row,
//! inside the transaction that deletes. So nothing vanishes between a check and its use.

mod blobs;
mod manifests;
mod removal;
mod sweep;
mod tags;

pub use blobs::BlobRemoval;
pub(crate) use removal::remove_repositories;

pub use manifests::{ManifestEntry, Missing, NewManifest, Referrer};
pub use sweep::{RepositoryDigest, Swept};

use crate::Store;
use crate::sql::Database;

/// The registry's part of the store.
#[derive(Clone, Copy)]
pub struct Catalog<'a> {
    db: &'a Database,
}

impl Store {
    /// The registry's catalogue.
    pub fn catalog(&self) -> Catalog<'_> {
        Catalog { db: &self.db }
    }
}

/// Sizes are unsigned on the outside; the databases know signed numbers only.
fn to_size(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or_default()
}

fn from_size(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
