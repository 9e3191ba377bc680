//! From an image in the engine's storage to tags in a registry: ours, or the project's own.
//!
//! The image that a service pushed last is remembered with its manifest: when a build comes out as
//! the very same image, which it does when nothing changed, putting the manifest under the new tags
//! is all there is to do.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::Reason;
use domain::build::Tags;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::engine::{Engine, EngineError, ImageRef, PushOrder, Registries};
use crate::failure::Failure;
use crate::fence::Fence;
use crate::gateway::UpstreamError;
use crate::registry::{Manifest, Registry, RegistryError};
use crate::server::Log;

/// How long a registry that is away is waited for.
const REGISTRY_AWAY_FOR: Duration = Duration::from_secs(15 * 60);
/// How long to wait before the next try, at first and at most.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(3));
/// The HTTP status by which our registry says that its disk is full.
const INSUFFICIENT_STORAGE: u16 = 507;
/// The HTTP status by which our registry keeps a branch's tag with a newer build.
const FORBIDDEN: u16 = 403;
const MEMORY: &str = "pushed.json";

/// One image on its way to the registry.
pub(crate) struct Upload<'a> {
    pub(crate) engine: &'a dyn Engine,
    pub(crate) fence: &'a Fence,
    pub(crate) log: &'a Log,
    pub(crate) stop: &'a CancellationToken,
    pub(crate) registry: Registry<'a>,
    pub(crate) registries: Registries<'a>,
    /// Where the engine reaches the registry.
    pub(crate) gate: SocketAddr,
    pub(crate) repository: &'a str,
    /// Whether a newer build of the branch may have its tag already.
    pub(crate) overtaken: bool,
    /// Where it is remembered what was pushed last; `None` remembers nothing.
    pub(crate) memory: Option<&'a Path>,
}

/// An image in the registry.
pub(crate) struct Uploaded {
    pub(crate) digest: String,
    /// Compressed, in bytes.
    pub(crate) size: i64,
    /// The tags that it was given.
    pub(crate) tags: Tags,
}

/// What a service pushed last.
#[derive(Debug, Serialize, Deserialize)]
struct Pushed {
    host: String,
    repository: String,
    image: String,
    digest: String,
    manifest: Manifest,
}

impl Upload<'_> {
    /// Puts the image under all of the tags, the build's first. A registry that is away for some
    /// time is waited for.
    pub(crate) async fn run(&self, image: &ImageRef, tags: &Tags) -> Result<Uploaded, EngineError> {
        let give_up = Instant::now() + REGISTRY_AWAY_FOR;
        let mut pause = BACK_OFF.0;
        loop {
            let away = match self.attempt(image, tags).await {
                Err(EngineError::Unreachable(away)) => away,
                done => return done,
            };
            if Instant::now() > give_up {
                return Err(EngineError::Failed(Failure::new(
                    Reason::RegistryUnreachable,
                    format!("The registry could not be reached: {away}"),
                )));
            }
            self.log.say(format_args!(
                "The registry cannot be reached; trying again: {away}"
            ));
            self.unless_stopped(tokio::time::sleep(pause)).await?;
            pause = (pause * 2).min(BACK_OFF.1);
        }
    }

    async fn attempt(&self, image: &ImageRef, tags: &Tags) -> Result<Uploaded, EngineError> {
        let pushed = match self.again(image, &tags.build).await? {
            Some(pushed) => pushed,
            None => self.push(image, &tags.build).await?,
        };
        if let Some(tag) = &tags.commit {
            let put = self.registry.put(tag, &pushed.manifest);
            self.unless_stopped(put).await?.map_err(refused)?;
        }
        let mut tags = tags.clone();
        if let Some(tag) = &tags.branch
            && (self.overtaken || !self.moves_branch(tag, &pushed.manifest).await?)
        {
            self.log
                .say(format_args!("The tag `{tag}` stays with a newer build"));
            tags.branch = None;
        }
        self.remember(&pushed);
        Ok(Uploaded {
            size: pushed.manifest.image_size(),
            digest: pushed.digest,
            tags,
        })
    }

    /// Moves the branch's tag here; `false` when a newer build of the branch has it.
    async fn moves_branch(&self, tag: &str, manifest: &Manifest) -> Result<bool, EngineError> {
        let put = self.registry.put(tag, manifest);
        match self.unless_stopped(put).await? {
            Err(RegistryError::Refused {
                status: FORBIDDEN, ..
            }) => Ok(false),
            put => put.map(|()| true).map_err(refused),
        }
    }

    /// Puts the remembered manifest under the tag, if it is this image's and the registry still
    /// has its layers.
    async fn again(&self, image: &ImageRef, tag: &str) -> Result<Option<Pushed>, EngineError> {
        let remembered = self
            .memory_file()
            .and_then(|file| std::fs::read(file).ok())
            .and_then(|bytes| serde_json::from_slice::<Pushed>(&bytes).ok())
            .filter(|pushed| {
                pushed.image == image.id
                    && pushed.host == self.registry.host()
                    && pushed.repository == self.repository
            });
        let Some(pushed) = remembered else {
            return Ok(None);
        };
        let put = self.registry.put(tag, &pushed.manifest);
        match self.unless_stopped(put).await? {
            Ok(()) => {
                self.log
                    .say("The image is the one pushed before: only its tags are new");
                Ok(Some(pushed))
            }
            // Its layers may have been deleted: then it is pushed in full.
            Err(RegistryError::Refused { .. }) => Ok(None),
            Err(error) => Err(refused(error)),
        }
    }

    async fn push(&self, image: &ImageRef, tag: &str) -> Result<Pushed, EngineError> {
        let order = PushOrder {
            registries: self.registries,
            gate: self.gate,
            repository: self.repository,
            tag,
        };
        let digest = self
            .engine
            .push(image, &order, self.fence, self.log, self.stop)
            .await?;
        let get = self.registry.manifest(&digest);
        let manifest = self.unless_stopped(get).await?.map_err(refused)?;
        Ok(Pushed {
            host: self.registry.host().to_owned(),
            repository: self.repository.to_owned(),
            image: image.id.clone(),
            digest,
            manifest,
        })
    }

    async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Result<T, EngineError> {
        tokio::select! {
            done = work => Ok(done),
            () = self.stop.cancelled() => Err(EngineError::Stopped),
        }
    }

    fn memory_file(&self) -> Option<PathBuf> {
        self.memory.map(|folder| folder.join(MEMORY))
    }

    /// Without the memory the next build is slower, no more.
    fn remember(&self, pushed: &Pushed) {
        let Some(file) = self.memory_file() else {
            return;
        };
        // Written beside and moved into place: builds of the service may run side by side.
        let draft = file.with_extension(format!("{}", std::process::id()));
        let written = serde_json::to_vec(pushed)
            .map_err(std::io::Error::from)
            .and_then(|bytes| std::fs::write(&draft, bytes))
            .and_then(|()| std::fs::rename(&draft, &file));
        if let Err(error) = written {
            tracing::warn!(%error, "what was pushed cannot be remembered");
        }
    }
}

fn refused(error: RegistryError) -> EngineError {
    match error {
        RegistryError::Unreachable(away) => EngineError::Unreachable(away),
        RegistryError::Closed(error) => EngineError::Failed(closed(&error)),
        RegistryError::Refused { status, .. } => EngineError::Failed(Failure::new(
            if status == INSUFFICIENT_STORAGE {
                Reason::DiskFull
            } else {
                Reason::PushFailed
            },
            format!("The registry did not take the image: {error}"),
        )),
    }
}

/// What it means that a registry lets nobody of ours in.
fn closed(error: &UpstreamError) -> Failure {
    let reason = match error {
        UpstreamError::LoginRefused { .. } => Reason::RegistryAuthFailed,
        UpstreamError::NotAllowed { .. } => Reason::RegistryAddressNotAllowed,
        UpstreamError::Unreachable { .. } => Reason::RegistryUnreachable,
    };
    Failure::new(reason, format!("The image cannot be pushed: {error}"))
}
