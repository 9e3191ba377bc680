//! The phases of a build, each announced before it begins.

use std::time::Instant;

use domain::build::Tags;
use domain::{Reason, Status};

use super::prepare::Building;
use super::{Course, Pushed, Stop, by_machine};
use crate::build_files;
use crate::engine::{BuildOrder, EngineError, ImageRef, host_and_path};
use crate::failure::Failure;
use crate::fence::Fence;
use crate::git_limits::GitLimits;
use crate::registry::Registry;
use crate::server::CallError;
use crate::source::{self, Source};
use crate::upload::{Upload, Uploaded};

/// Source: OCI image specification, pre-defined annotation keys.
const LABEL_SOURCE: &str = "org.opencontainers.image.source";
const LABEL_REVISION: &str = "org.opencontainers.image.revision";

impl Course {
    pub(super) async fn clone_source(&self, limits: GitLimits) -> Result<Source, Stop> {
        let log = self.session.log();
        let began = Instant::now();
        self.session.phase(Status::Cloning, None);
        let verb = match self.job.request.bundle_url {
            Some(_) => "Downloading",
            None => "Cloning",
        };
        log.say(format_args!("{verb} {}", source::origin(&self.job.request)));
        let fetch = source::fetch(&self.config, &self.job, &self.workspace, limits, log);
        let source = tokio::select! {
            source = fetch => source.map_err(|failure| log.explain(failure))?,
            () = self.halt.token().cancelled() => return Err(Stop::Halted),
        };
        self.session.phase(Status::Cloning, source.sha.clone());
        log.say(format_args!("Source fetched in {}", seconds(began)));
        self.lay_build_files(&source).await?;
        Ok(source)
    }

    /// Puts the build's files into the context, in place of what the repository has there.
    async fn lay_build_files(&self, source: &Source) -> Result<(), Failure> {
        let log = self.session.log();
        let files = self.job.request.build_files.clone();
        for path in files.keys() {
            log.say(format_args!("Build file {path}"));
        }
        let context = source.context.clone();
        let laid = tokio::task::spawn_blocking(move || build_files::lay(&context, &files)).await;
        laid.unwrap_or_else(|error| Err(by_machine("Build files", &error.into())))
            .map_err(|failure| log.explain(failure))
    }

    pub(super) async fn build_image(
        &self,
        site: &Building<'_>,
        source: &Source,
    ) -> Result<ImageRef, Stop> {
        let log = self.session.log();
        let began = Instant::now();
        self.session.phase(Status::Building, source.sha.clone());
        log.say(format_args!(
            "Building {}",
            self.job.request.docker_file_path
        ));
        let order = BuildOrder {
            context: source.context.clone(),
            dockerfile: source.dockerfile.clone(),
            target: self.job.request.target.as_deref(),
            arguments: &self.job.request.build_arguments,
            secret_mounts: &self.job.request.docker_secret_mounts,
            labels: labels(source),
            architecture: self.job.request.architecture,
            registries: site.registries,
        };
        let engine = site.engine.door.as_ref();
        let image = engine
            .build(&order, site.fence, log, self.halt.token())
            .await
            .map_err(|error| self.stop(error, site.fence))?;
        log.say(format_args!(
            "Built image {} in {}",
            image.id,
            seconds(began)
        ));
        Ok(image)
    }

    pub(super) async fn upload(
        &self,
        site: &Building<'_>,
        image: &ImageRef,
        source: &Source,
    ) -> Result<Pushed, Stop> {
        let log = self.session.log();
        let began = Instant::now();
        self.session.phase(Status::Uploading, source.sha.clone());
        // The registry takes nothing from a build that is not at its upload.
        tokio::select! {
            () = self.session.phase_known() => {}
            () = self.halt.token().cancelled() => return Err(Stop::Halted),
        }
        let (shown, repository) = self.destination();
        log.say(format_args!("Uploading {shown}:{}", self.job.build_id));
        let (upstream, gate) = site.registries.gateway.destination();
        site.registries.gateway.allow_pushes();
        let tags = self.tags(source);
        let upload = Upload {
            engine: site.engine.door.as_ref(),
            fence: site.fence,
            log,
            stop: self.halt.token(),
            registry: Registry::new(upstream, repository),
            registries: site.registries,
            gate,
            repository,
            overtaken: self.is_overtaken(&tags).await?,
            memory: self.workspace.cache_folder(),
        };
        let Uploaded { digest, size, tags } = upload
            .run(image, &tags)
            .await
            .map_err(|error| self.stop(error, site.fence))?;
        log.say(format_args!("Uploaded {digest} in {}", seconds(began)));
        let tags: Vec<_> = tags.iter().collect();
        log.say(format_args!("Tags: {}", tags.join(", ")));
        let elsewhere = self.job.request.push_to.is_some();
        Ok(Pushed {
            digest,
            size: elsewhere.then_some(size),
        })
    }

    /// What the image is tagged with. One of a fork's gets no tag that another build could have given.
    fn tags(&self, source: &Source) -> Tags {
        let (id, request) = (&self.job.build_id, &self.job.request);
        if request.is_from_fork() {
            return Tags::of(id, None, None);
        }
        Tags::of(id, source.sha.as_deref(), request.branch.as_deref())
    }

    /// The repository that the image goes to: as people name it, and as its registry does.
    fn destination(&self) -> (String, &str) {
        match &self.job.request.push_to {
            Some(to) => {
                let (_, path) = host_and_path(&to.repository);
                (to.repository.clone(), path.unwrap_or_default())
            }
            None => {
                let (host, repository) = (&self.job.registry_public, &self.job.repository);
                (format!("{host}/{repository}"), repository)
            }
        }
    }

    /// Whether the branch's tag belongs to a newer build. Our own registry sees to that by itself.
    async fn is_overtaken(&self, tags: &Tags) -> Result<bool, Stop> {
        if self.job.request.push_to.is_none() || tags.branch.is_none() {
            return Ok(false);
        }
        tokio::select! {
            answer = self.session.is_overtaken() => answer.map_err(|error| match error {
                CallError::Fenced => Stop::Halted,
                error => Failure::new(Reason::PushFailed, error.to_string()).into(),
            }),
            () = self.halt.token().cancelled() => Err(Stop::Halted),
        }
    }

    /// What an engine's error means, with what the machine knows of it.
    fn stop(&self, error: EngineError, fence: &Fence) -> Stop {
        let failure = match error {
            EngineError::Stopped => return Stop::Halted,
            EngineError::Unreachable(away) => Failure::new(Reason::RegistryUnreachable, away),
            EngineError::Failed(failure) => failure,
        };
        let memory = self.want_of_memory(&failure, fence);
        Stop::Failed(memory.unwrap_or_else(|| self.session.log().explain(failure)))
    }

    /// What failed for want of memory, said so.
    pub(super) fn want_of_memory(&self, failure: &Failure, fence: &Fence) -> Option<Failure> {
        let plan = &self.job.request.plan;
        let failed = || {
            let more = format!(
                "The build used more memory than the {} MB of plan {}: {}",
                plan.memory_mb, plan.id, failure.message
            );
            Failure::new(Reason::OutOfMemory, more)
        };
        fence.out_of_memory().then(failed)
    }
}

/// What the image says of itself. Not which build it is from: the same source makes the same image, to
/// the last bit, and is then not pushed again.
fn labels(source: &Source) -> Vec<(&'static str, String)> {
    let revision = source.sha.clone();
    std::iter::once((LABEL_SOURCE, source.origin.clone()))
        .chain(revision.map(|sha| (LABEL_REVISION, sha)))
        .collect()
}

fn seconds(since: Instant) -> String {
    format!("{:.1} s", since.elapsed().as_secs_f64())
}
