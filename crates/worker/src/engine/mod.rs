//! What turns a folder and a Dockerfile into a pushed image. The build's course knows engines by
//! this door only.

pub(crate) mod buildah;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use domain::FileContent;
pub(crate) use domain::registry_address::{base_url, host_and_path, is_loopback};
use domain::service::Architecture;
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::fence::Fence;
use crate::gateway::Gateway;
use crate::server::Log;

/// What to build.
#[derive(Debug)]
pub(crate) struct BuildOrder<'a> {
    /// The context, an absolute path.
    pub(crate) context: PathBuf,
    /// The Dockerfile, an absolute path.
    pub(crate) dockerfile: PathBuf,
    /// The stage to build; `None` means the last.
    pub(crate) target: Option<&'a str>,
    /// Build arguments.
    pub(crate) arguments: &'a BTreeMap<String, String>,
    /// What `RUN --mount=type=secret` finds, by the mount's id.
    pub(crate) secret_mounts: &'a BTreeMap<String, FileContent>,
    /// Labels of the image, beside those of the Dockerfile.
    pub(crate) labels: Vec<(&'static str, String)>,
    /// For which architecture; `None` means the machine's own.
    pub(crate) architecture: Option<Architecture>,
    /// Where base images come from.
    pub(crate) registries: Registries<'a>,
}

/// An image in the engine's storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ImageRef {
    /// The image's id: the digest of its configuration.
    pub(crate) id: String,
}

/// Where an image goes.
#[derive(Debug)]
pub(crate) struct PushOrder<'a> {
    /// What registries are called.
    pub(crate) registries: Registries<'a>,
    /// The gate before the registry.
    pub(crate) gate: SocketAddr,
    /// The repository in it.
    pub(crate) repository: &'a str,
    /// The tag.
    pub(crate) tag: &'a str,
}

/// Why an engine did not do it.
#[derive(Debug)]
pub(crate) enum EngineError {
    /// It was told to stop.
    Stopped,
    /// The registry is away for now.
    Unreachable(String),
    /// It will not work, and why.
    Failed(Failure),
}

/// The registries an engine meets, and where it reaches them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Registries<'a> {
    /// Host and port of our own registry, as this machine reaches it.
    pub(crate) own: &'a str,
    /// Host and port of our own registry, as Dockerfiles and people name it.
    pub(crate) own_public: &'a str,
    /// Upstream host and its mirror.
    pub(crate) mirrors: &'a [(String, String)],
    /// Where ours, and the mirrors of this machine, are reached.
    pub(crate) gateway: &'a Gateway,
}

/// A container build engine. One value serves one build.
#[async_trait]
pub(crate) trait Engine: Send + Sync {
    /// Tells the engine where registries are. Belongs before anything is built.
    ///
    /// # Errors
    /// When it cannot be written down.
    fn meet(&self, registries: &Registries<'_>) -> io::Result<()>;

    /// Builds an image. When told to stop, nothing of it runs any more on return.
    async fn build(
        &self,
        order: &BuildOrder<'_>,
        fence: &Fence,
        log: &Log,
        stop: &CancellationToken,
    ) -> Result<ImageRef, EngineError>;

    /// Pushes an image and tells its manifest's digest. Stops like [`Engine::build`].
    async fn push(
        &self,
        image: &ImageRef,
        order: &PushOrder<'_>,
        fence: &Fence,
        log: &Log,
        stop: &CancellationToken,
    ) -> Result<String, EngineError>;

    /// The folders in which a build's layers grow, each layer a folder in them.
    fn layer_folders(&self) -> Vec<PathBuf>;

    /// The folder in which cache mounts grow, where they outlive the build.
    fn cache_mounts(&self) -> Option<PathBuf>;

    /// Removes what stopped builds left in the storage. Nobody else may be using it.
    async fn clear_leftovers(&self, fence: &Fence);
}

/// The working folders an engine gets.
#[derive(Debug)]
pub(crate) struct EngineFolders {
    /// Scratch for this build alone, an absolute path.
    pub(crate) scratch: PathBuf,
    /// What is kept for the next build of the service, an absolute path; `None` keeps nothing.
    pub(crate) cache: Option<PathBuf>,
}

impl EngineFolders {
    /// Each of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(&self.scratch)
            .chain(&self.cache)
            .map(PathBuf::as_path)
    }
}
