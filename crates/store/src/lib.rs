//! Persistence behind one door: teams, projects, services, builds with their queue and leases, tokens,
//! the registry's catalogue. SQLite and PostgreSQL, the same statements and the same suite.
//!
//! What is secret is sealed with the keys of a [`Vault`] before it is stored (`sealing`). A build's
//! status has one writer: [`Store::advance`] and its siblings in `transition`.

mod account_secrets;
mod alone;
mod builds;
mod catalog;
mod changes;
mod deletions;
mod details;
mod error;
mod facts;
mod filter;
mod layer_caches;
mod members;
mod migrate;
mod notifications;
mod numbers;
mod outlook;
mod projects;
mod queue;
mod registry_credentials;
mod request;
mod restrictions;
mod revision;
mod roles;
mod sealing;
mod secret_groups;
mod seed;
mod service_secrets;
mod service_tags;
mod services;
mod sql;
mod teams;
mod telemetry;
mod tokens;
mod transition;
mod unreadable;
mod vcs;
mod version;
mod watches;

pub use alone::Alone;
pub use builds::{NewBuild, Page};
pub use catalog::{
    BlobRemoval, Catalog, ManifestEntry, Missing, NewManifest, Referrer, RepositoryDigest, Swept,
};
pub use changes::{Change, Changes};
pub use details::Details;
pub use error::StoreError;
pub use filter::{BuildFilter, Commit};
pub use members::MemberRange;
pub use notifications::{Delivery, DeliveryEntry, DeliveryState};
pub use outlook::Outlook;
pub use projects::ProjectChanges;
pub use queue::{OpenBuild, QueueHead};
pub use registry_credentials::{CredentialChanges, CredentialDeletion};
pub use roles::RoleChanges;
pub use sealing::SealedWith;
pub use service_tags::{TagChanges, TagRemoval};
pub use services::ServiceChanges;
pub use tokens::{NewToken, Token, random_key};
pub use transition::{Advanced, Claimed, Ending};
pub use version::{Remembered, Version};
pub use watches::{HeadMove, Seen};

use sql::{Database, Postgres, Sqlite};
use std::path::Path;
use std::sync::Arc;
use vault::Vault;

/// The store. Cheap to clone; all clones share the same connections.
#[derive(Clone)]
pub struct Store {
    db: Arc<Database>,
    changes: Arc<changes::Teller>,
    deletions: Arc<tokio::sync::Notify>,
    outbox: Arc<tokio::sync::Notify>,
    cache_resets: Arc<tokio::sync::Notify>,
    known_tokens: Arc<Remembered<Arc<Token>>>,
    vault: Vault,
}

impl Store {
    /// Opens (and migrates) the database at `url`, with the keys to its secrets.
    ///
    /// # Errors
    /// When the database cannot be reached, its migrations differ from this program's, or a key that
    /// secrets are sealed with is missing.
    pub async fn open(url: &str, vault: Vault) -> Result<Store, StoreError> {
        Store::open_locked(url).await?.unlock(vault).await
    }

    /// Opens (and migrates) the database at `url`: `postgres://…`, or `sqlite:PATH` or a bare path.
    /// Until it is unlocked, secrets can be neither stored nor read.
    ///
    /// # Errors
    /// When the database cannot be reached or its migrations differ from this program's.
    pub async fn open_locked(url: &str) -> Result<Store, StoreError> {
        let (db, report) = if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let (db, report) = Postgres::open(url).await?;
            (Database::Postgres(db), report)
        } else {
            let path = url.strip_prefix("sqlite:").unwrap_or(url);
            let (db, report) = Sqlite::open(Path::new(path))?;
            (Database::Sqlite(db), report)
        };
        for migration in report.applied_migrations() {
            tracing::info!(%migration, "migrated the database");
        }
        let store = Store {
            db: Arc::new(db),
            changes: Arc::default(),
            deletions: Arc::default(),
            outbox: Arc::default(),
            cache_resets: Arc::default(),
            known_tokens: Arc::new(tokens::remembered()),
            vault: Vault::default(),
        };
        if !report.applied_migrations().is_empty() {
            store.date_first_team().await?;
            store.take_no_samples().await?;
        }
        Ok(store)
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.db
            .read()
            .await?
            .row("SELECT 1", [], |_| Ok(()))
            .await?;
        Ok(())
    }
}

/// Now, in the store's unit of time.
fn now() -> domain::Millis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |d| d.as_millis() as i64)
}
