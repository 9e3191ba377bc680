//! Buildah: a distribution package, no daemon, builds as root in the build's own fence.

mod arguments;
mod explain;
mod files;
mod legible;
mod registry;
mod secret_mounts;
mod storage;
mod untrusted;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use async_trait::async_trait;
use domain::Reason;
use tokio_util::sync::CancellationToken;

use super::{BuildOrder, Engine, EngineError, EngineFolders, ImageRef, PushOrder, Registries};
use crate::failure::Failure;
use crate::fence::{Ended, Fence, Program, Reach, RunError};
use crate::server::Log;
use explain::Listener;
use files::Files;
use secret_mounts::SecretMounts;
use storage::{Driver, Storage};

/// Buildah for one build.
pub(crate) struct Buildah {
    program: PathBuf,
    files: Files,
    storage: Storage,
    driver: OnceLock<Driver>,
}

impl Buildah {
    /// Prepares Buildah's folders and files.
    ///
    /// # Errors
    /// When the program is not installed or the folders cannot be written.
    pub(crate) fn prepare(folders: &EngineFolders) -> io::Result<Buildah> {
        let program = machine::find_program("buildah")
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "buildah is not installed"))?;
        let storage = Storage::open(folders)?;
        let driver = OnceLock::new();
        if storage.has(Driver::Vfs) {
            let _ = driver.set(Driver::Vfs);
        }
        let files = Files::write(&folders.scratch)?;
        storage.keep_cache_mounts(&files.tmp)?;
        Ok(Buildah {
            program,
            files,
            storage,
            driver,
        })
    }

    fn driver(&self) -> Driver {
        self.driver.get().copied().unwrap_or(Driver::Overlay)
    }

    /// Buildah with everything that it would else take from the host.
    fn program(&self) -> Program {
        let driver = self.driver();
        let mut program = Program::new(&self.program);
        program
            .arg("--root")
            .arg(self.storage.root(driver))
            .arg("--runroot")
            .arg(self.storage.run_root())
            .args(["--storage-driver", driver.name()])
            .arg("--registries-conf")
            .arg(&self.files.registries)
            .arg("--registries-conf-dir")
            .arg(&self.files.registries_dir)
            .arg("--short-name-alias-conf")
            .arg(&self.files.short_names)
            .env("HOME", &self.files.home)
            .env("TMPDIR", &self.files.tmp)
            .env("CONTAINERS_CONF", &self.files.containers)
            .env("CONTAINERS_STORAGE_CONF", &self.files.storage)
            .env("CONTAINERS_REGISTRIES_CONF", &self.files.registries)
            .env("REGISTRY_AUTH_FILE", &self.files.auth);
        program
    }

    fn bud(
        &self,
        order: &BuildOrder<'_>,
        secrets: &SecretMounts,
        fence: &Fence,
    ) -> Result<Program, Failure> {
        let mut program = self.program();
        program.args(["bud", "--isolation", "oci", "--runtime", "runc"]);
        if let Some(parent) = fence.engine_parent() {
            program.args(["--cgroup-parent", &parent]);
        }
        match fence.reach() {
            Reach::Room { path, name_server } => {
                program.arg("--network").arg(format!("ns:{path}"));
                program.args(["--dns", name_server]);
            }
            Reach::Host => drop(program.args(["--network", "host"])),
            Reach::Nothing => drop(program.args(["--network", "none"])),
        }
        program
            .arg("--force-rm")
            .args(if self.storage.is_kept() {
                ["--layers=true", "--no-cache=false"]
            } else {
                ["--layers=false", "--no-cache=true"]
            })
            .arg("--signature-policy")
            .arg(&self.files.policy)
            .arg("--authfile")
            .arg(&self.files.auth)
            .arg("--iidfile")
            .arg(&self.files.image_id)
            .args(["--format", arguments::image_format(&order.dockerfile)]);
        if let Some(target) = order.target {
            program.args(["--target", target]);
        }
        if let Some(architecture) = order.architecture {
            program.args(["--arch", architecture.image_name()]);
        }
        for (name, value) in &order.labels {
            program.arg("--label").arg(format!("{name}={value}"));
        }
        arguments::give(&mut program, order.arguments)?;
        secrets.give(&mut program);
        program.arg("-f").arg(&order.dockerfile).arg(&order.context);
        Ok(program)
    }

    async fn try_build(
        &self,
        order: &BuildOrder<'_>,
        secrets: &SecretMounts,
        fence: &Fence,
        log: &Log,
        stop: &CancellationToken,
    ) -> Result<(Listener, Ended), EngineError> {
        let program = self
            .bud(order, secrets, fence)
            .map_err(EngineError::Failed)?;
        listen(&program, &order.registries, fence, log, stop).await
    }
}

/// Runs the engine and hears what it says, with registries by their names.
async fn listen(
    program: &Program,
    registries: &Registries<'_>,
    fence: &Fence,
    log: &Log,
    stop: &CancellationToken,
) -> Result<(Listener, Ended), EngineError> {
    let mut listener = Listener::default();
    let each = |line: String| {
        let line = registries.gateway.named(&line, registries.own_public);
        listener.hear(&line);
        if let Some(line) = legible::legible(line) {
            log.line(line);
        }
    };
    let ended = fence.run(program, stop, each).await.map_err(engine_error)?;
    Ok((listener, ended))
}

#[async_trait]
impl Engine for Buildah {
    fn meet(&self, registries: &Registries<'_>) -> io::Result<()> {
        self.files.write_registries(registries)
    }

    async fn build(
        &self,
        order: &BuildOrder<'_>,
        fence: &Fence,
        log: &Log,
        stop: &CancellationToken,
    ) -> Result<ImageRef, EngineError> {
        let secrets = self.files.secrets(order.secret_mounts);
        let secrets = secrets.map_err(EngineError::Failed)?;
        for file in secrets.files() {
            fence
                .hand_over(file)
                .map_err(|error| engine_error(error.into()))?;
        }
        let (mut listener, mut ended) = self.try_build(order, &secrets, fence, log, stop).await?;
        if !ended.success()
            && storage::overlay_refused(&listener)
            && self.driver.set(Driver::Vfs).is_ok()
        {
            log.say("Overlay mounts do not work here; using plain folders, which is slower");
            (listener, ended) = self.try_build(order, &secrets, fence, log, stop).await?;
        }
        if !ended.success() {
            return Err(EngineError::Failed(listener.explain(&ended.to_string())));
        }
        let id = written(&self.files, &self.files.image_id)?;
        let id = id.trim_start_matches("sha256:").to_owned();
        Ok(ImageRef { id })
    }

    async fn push(
        &self,
        image: &ImageRef,
        order: &PushOrder<'_>,
        fence: &Fence,
        log: &Log,
        stop: &CancellationToken,
    ) -> Result<String, EngineError> {
        let gate = order.gate;
        let mut program = self.program();
        program
            .args(["push", "--signature-policy"])
            .arg(&self.files.policy)
            .arg("--authfile")
            .arg(&self.files.auth)
            .arg("--digestfile")
            .arg(&self.files.digest)
            // From here to the gate: the machine's own memory.
            .arg("--tls-verify=false")
            // Trying again is the caller's, who can tell a refusal from an absence.
            .args(["--retry", "0", &image.id])
            .arg(format!(
                "docker://{gate}/{}:{}",
                order.repository, order.tag
            ));
        let (listener, ended) = listen(&program, &order.registries, fence, log, stop).await?;
        if ended.success() {
            return written(&self.files, &self.files.digest);
        }
        let error = listener.error().unwrap_or("the engine ended unexpectedly");
        Err(explain::push(error))
    }

    fn layer_folders(&self) -> Vec<PathBuf> {
        self.storage.layer_folders()
    }

    fn cache_mounts(&self) -> Option<PathBuf> {
        self.storage.cache_mounts()
    }

    async fn clear_leftovers(&self, fence: &Fence) {
        let (storage, driver) = (self.storage.clone(), self.driver());
        let has = tokio::task::spawn_blocking(move || storage.has_containers(driver)).await;
        if !has.unwrap_or_default() {
            return;
        }
        let mut program = self.program();
        program.args(["rm", "--all"]);
        let never = CancellationToken::new();
        match fence
            .run(&program, &never, |line| tracing::debug!(line))
            .await
        {
            Ok(ended) if ended.success() => {}
            Ok(ended) => tracing::warn!(%ended, "containers of a stopped build are left"),
            Err(error) => tracing::warn!(%error, "containers of a stopped build are left"),
        }
    }
}

/// The digest in one of the engine's files.
fn written(files: &Files, file: &Path) -> Result<String, EngineError> {
    files
        .digest(file)
        .map_err(|error| engine_error(error.into()))
}

fn engine_error(error: RunError) -> EngineError {
    match error {
        RunError::Stopped => EngineError::Stopped,
        RunError::Io(error) if error.kind() == io::ErrorKind::StorageFull => {
            EngineError::Failed(Failure::new(Reason::DiskFull, "The machine's disk is full"))
        }
        other => EngineError::Failed(Failure::new(
            Reason::EngineFailed,
            format!("The engine could not be run: {other}"),
        )),
    }
}
