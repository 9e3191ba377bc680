//! The embedded OCI registry (distribution specification 1.1) under `/v2/`: layers stream to disk
//! while they are hashed, what exists is in the store's catalogue, who may is asked of the
//! [`Authorizer`]. Knows nothing of builds.

mod access;
mod digest;
mod error;
mod files;
mod garbage;
mod http;
mod manifest;
mod names;
mod telemetry;
mod uploads;

pub use access::{Action, Authorizer, Credentials, Verdict};
pub use error::RegistryError;
pub use garbage::GcReport;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use store::Store;

/// The registry's settings.
#[derive(Clone, Debug)]
pub struct RegistryConfig {
    /// How long what nothing refers to is left alone: a push may be about to refer to it.
    pub grace: Duration,
    /// How long an upload may lie untouched.
    pub upload_age: Duration,
    /// How clients reach the server, where that is not plain HTTP on the address they use.
    pub public_url: Option<String>,
}

impl Default for RegistryConfig {
    fn default() -> Self {
        RegistryConfig {
            grace: Duration::from_secs(2 * 3600),
            upload_age: Duration::from_secs(24 * 3600),
            public_url: None,
        }
    }
}

/// What a manifest is, and what its image takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestInfo {
    /// Digest, `sha256:…`.
    pub digest: String,
    /// Media type.
    pub media_type: String,
    /// Bytes of the manifest and of everything it consists of, each counted once.
    pub size_total: u64,
}

/// The registry. Cheap to clone.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) files: files::Files,
    pub(crate) uploads: uploads::Uploads,
    pub(crate) config: RegistryConfig,
    pub(crate) authorizer: Arc<dyn Authorizer>,
    /// Held for reading from a file's rename to its row, for writing while a row and its file go,
    /// or whole repositories.
    pub(crate) placing: tokio::sync::RwLock<()>,
}

impl Registry {
    /// Opens the registry whose files are in `dir`.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub async fn new(
        store: Store,
        dir: PathBuf,
        config: RegistryConfig,
        authorizer: Arc<dyn Authorizer>,
    ) -> Result<Registry, RegistryError> {
        let files = files::Files::open(dir).await?;
        let uploads = uploads::Uploads::default();
        Ok(Registry(Arc::new(Inner {
            store,
            files,
            uploads,
            config,
            authorizer,
            placing: tokio::sync::RwLock::new(()),
        })))
    }

    /// The routes under `/v2/`.
    pub fn router(&self) -> axum::Router {
        http::router(Arc::clone(&self.0))
    }

    /// The manifest behind a tag or digest.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub async fn manifest(
        &self,
        repository: &str,
        reference: &str,
    ) -> Result<Option<ManifestInfo>, RegistryError> {
        let Some(found) = self.0.find_manifest(repository, reference).await? else {
            return Ok(None);
        };
        let parts = self
            .0
            .store
            .catalog()
            .manifest_parts(repository, &found.digest)
            .await?;
        Ok(Some(ManifestInfo {
            size_total: parts.iter().map(|(_, size)| size).sum(),
            digest: found.digest,
            media_type: found.media_type,
        }))
    }

    /// Lets no push write anything until the answer is dropped. Held while repositories are taken
    /// away: a push that was under way is refused then, unless it is still allowed.
    pub async fn hold_pushes(&self) -> impl Drop + '_ {
        self.0.placing.write().await
    }

    /// Frees what nothing refers to, while pushes and pulls go on.
    ///
    /// # Errors
    /// When the catalogue or a file cannot be changed; what was freed until then stays freed.
    pub async fn collect_garbage(&self) -> Result<GcReport, RegistryError> {
        garbage::collect(&self.0).await
    }
}

impl Inner {
    /// Before this, something touched counts as untouched for half its grace: rows are touched
    /// again only then, so that asking often costs no writes.
    pub(crate) fn stale_before(&self) -> i64 {
        now_ms() - millis(self.config.grace / 2)
    }

    pub(crate) async fn find_manifest(
        &self,
        repository: &str,
        reference: &str,
    ) -> Result<Option<store::ManifestEntry>, RegistryError> {
        let catalog = self.store.catalog();
        Ok(if digest::Digest::parse(reference).is_some() {
            catalog
                .keep_manifest(repository, reference, self.stale_before())
                .await?
        } else {
            catalog.tagged_manifest(repository, reference).await?
        })
    }
}

pub(crate) fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, millis)
}

pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The digest of some content, as the registry names it.
pub fn digest_of(bytes: &[u8]) -> String {
    digest::Digest::of_bytes(bytes).as_str().to_owned()
}
