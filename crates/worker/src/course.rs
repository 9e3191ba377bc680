//! The course of a build: claim, clone, build, upload, conclude, clear away.

use std::time::{Duration, Instant};

use domain::{Reason, Status};
use machine::ProcessId;
use protocol::{Claim, Conclusion, Job};
use rustix::fs::Mode;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

use crate::config::{EngineChoice, WorkerConfig};
use crate::engine::buildah::{Buildah, Registries};
use crate::engine::{BuildOrder, Engine, EngineError, EngineFolders, ImageRef};
use crate::failure::Failure;
use crate::fence::{Fence, Site};
use crate::halt::{Cause, Halt};
use crate::meter::Meter;
use crate::outcome::Outcome;
use crate::registry::Registry;
use crate::server::{CallError, Client, Session, until_answered};
use crate::source::{self, Source};
use crate::upload::Upload;
use crate::workspace::Workspace;

/// How long a worker tries to claim its build: about as long as a server takes to start.
const CLAIM_FOR: Duration = Duration::from_secs(120);

/// How long a worker that was told to end offers the end of its build to a server that is away.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Runs the one build that the configuration's token is for, from its claim to its end.
pub async fn run(config: WorkerConfig) -> Outcome {
    // What is checked out has the same modes everywhere, and the engine, who is somebody else, may
    // read it. The folders that strangers must not read are closed by their own modes.
    rustix::process::umask(Mode::from_raw_mode(0o022));
    let (client, job) = match claim(&config).await {
        Ok(claimed) => claimed,
        Err(CallError::Fenced) => return Outcome::Stopped,
        Err(error) => return Outcome::Lost(error.to_string()),
    };
    tracing::info!(
        build = job.build_uid,
        attempt = job.attempt,
        "build claimed"
    );
    let halt = Halt::default();
    let session = Session::start(client, config.token.clone(), &job, &halt);
    let clock = keep_clock(&job, &halt);
    // Heard until the server knows how the build ended, which it may be long in doing.
    let _signals = hear_signals(&halt);
    let prepared = tokio::select! {
        prepared = Workspace::prepare(&config, &job) => prepared,
        () = halt.token().cancelled() => return conclude(session, &halt, Err(Stop::Halted)).await,
    };
    match prepared {
        Ok(workspace) => {
            session.log().watch_disks(workspace.disks());
            Course {
                config,
                job,
                session,
                halt,
                workspace,
            }
            .run(clock)
            .await
        }
        Err(error) => {
            let failure = by_machine("The build's folders cannot be prepared", &error);
            conclude(session, &halt, Err(Stop::Failed(failure))).await
        }
    }
}

async fn claim(config: &WorkerConfig) -> Result<(Client, Job), CallError> {
    let client = Client::new(&config.server, config.token.clone())?;
    let process = ProcessId::current().map_err(|error| {
        CallError::Unreachable(format!("this process has no identity: {error}"))
    })?;
    let claim = Claim {
        process: process.to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let deadline = Some(tokio::time::Instant::now() + CLAIM_FOR);
    let job = until_answered(deadline, || client.claim(&claim)).await?;
    Ok((client, job))
}

/// Watches the clock for as long as the answer is kept.
fn keep_clock(job: &Job, halt: &Halt) -> JoinSet<()> {
    let mut clock = JoinSet::new();
    let seconds = job.request.time_limit_seconds;
    let halt = halt.clone();
    clock.spawn(async move {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        halt.raise(Cause::Limit(Failure::new(
            Reason::TimeLimitExceeded,
            format!("The build took longer than its time limit of {seconds} seconds"),
        )));
    });
    clock
}

/// Listens to the signals to this process for as long as the answer is kept.
fn hear_signals(halt: &Halt) -> JoinSet<()> {
    let mut listeners = JoinSet::new();
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let halt = halt.clone();
        match signal(kind) {
            Ok(mut signals) => drop(listeners.spawn(async move {
                signals.recv().await;
                halt.terminate();
            })),
            Err(error) => tracing::warn!(%error, "a signal cannot be listened to"),
        }
    }
    listeners
}

/// Why a build does not go on.
enum Stop {
    /// The switch was thrown; it knows why.
    Halted,
    /// It failed.
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Stop {
        Stop::Failed(failure)
    }
}

/// An engine with its folders.
struct ReadyEngine {
    door: Box<dyn Engine>,
    folders: EngineFolders,
}

/// A build under way.
struct Course {
    config: WorkerConfig,
    job: Job,
    session: Session,
    halt: Halt,
    workspace: Workspace,
}

impl Course {
    async fn run(self, mut clock: JoinSet<()>) -> Outcome {
        let log = self.session.log();
        log.say(format_args!(
            "Build {} (attempt {})",
            self.job.build_id, self.job.attempt
        ));
        let engine = self.engine();
        // Ends with the build, whatever way that takes.
        let metering = self.measure(engine.as_ref().ok());
        let source = async {
            match &engine {
                Ok(_) => self.clone_source().await,
                Err(failure) => Err(Stop::Failed(failure.clone())),
            }
        };
        // Git and the fence's coming up do not need each other.
        let (fence, source) = tokio::join!(self.put_up_fence(engine.as_ref().ok()), source);
        let result = match (&engine, source) {
            (Ok(engine), Ok(source)) => self.build(engine, &fence, &source).await,
            (Err(failure), _) => Err(Stop::Failed(failure.clone())),
            (Ok(_), Err(stop)) => Err(stop),
        };
        drop(metering);
        clock.shutdown().await;
        let outcome = conclude(self.session, &self.halt, result).await;
        let mut workspace = self.workspace;
        let alone = workspace.cache.take().and_then(|cache| cache.leave());
        if alone.is_some()
            && let Ok(engine) = &engine
        {
            engine.door.clear_leftovers(&fence).await;
        }
        fence.take_down().await;
        workspace
            .clear(alone, self.job.request.cache_storage_mb)
            .await;
        outcome
    }

    fn engine(&self) -> Result<ReadyEngine, Failure> {
        let prepare = || {
            let folders = self.workspace.engine_folders()?;
            let registries = Registries {
                own: &self.job.registry,
                own_public: &self.job.registry_public,
                mirrors: &self.config.registry_mirrors,
                token: &self.config.token,
            };
            let door: Box<dyn Engine> = match self.config.engine {
                EngineChoice::Auto | EngineChoice::Buildah => {
                    Box::new(Buildah::prepare(&folders, &registries)?)
                }
            };
            Ok(ReadyEngine { door, folders })
        };
        prepare().map_err(|error| unprepared(&error))
    }

    async fn put_up_fence(&self, engine: Option<&ReadyEngine>) -> Fence {
        let log = self.session.log();
        let allow = source::address_ranges(&self.config.git.outbound_allow).unwrap_or_default();
        let mut inside = vec![self.workspace.scratch.clone()];
        inside.extend(engine.and_then(|engine| engine.folders.cache.clone()));
        let site = Site {
            build_uid: &self.job.build_uid,
            plan: &self.job.request.plan,
            tmp: self.workspace.scratch.join("engine/tmp"),
            folders: inside,
            network: self.config.step_network,
            allow: &allow,
        };
        Fence::put_up(site, log).await
    }

    /// Measures the build's storage, and halts the build when that is more than it may have.
    fn measure(&self, engine: Option<&ReadyEngine>) -> JoinSet<()> {
        let meter = Meter::start(
            self.workspace.scratch.clone(),
            engine.map_or_else(Vec::new, |engine| engine.door.layer_folders()),
            self.job.request.ephemeral_storage_mb,
        );
        let halt = self.halt.clone();
        let mut metering = JoinSet::new();
        metering.spawn(async move { halt.raise(Cause::Limit(meter.exceeded().await)) });
        metering
    }

    /// Builds and uploads; tells the digest of the image's manifest.
    async fn build(
        &self,
        engine: &ReadyEngine,
        fence: &Fence,
        source: &Source,
    ) -> Result<String, Stop> {
        for folder in engine.folders.all() {
            fence
                .hand_over(folder)
                .map_err(|error| unprepared(&error))?;
        }
        let image = self
            .build_image(engine.door.as_ref(), fence, source)
            .await?;
        self.upload(engine.door.as_ref(), fence, &image, source)
            .await
    }

    async fn clone_source(&self) -> Result<Source, Stop> {
        let log = self.session.log();
        let began = Instant::now();
        self.session.phase(Status::Cloning, None);
        log.say(format_args!(
            "Cloning {}",
            source::shown_url(&self.job.request.project_url)
        ));
        let fetch = source::fetch(
            &self.config,
            &self.job.request,
            &self.job.service_uid,
            &self.workspace,
            log,
        );
        let source = tokio::select! {
            source = fetch => source.map_err(|failure| log.explain(failure))?,
            () = self.halt.token().cancelled() => return Err(Stop::Halted),
        };
        self.session
            .phase(Status::Cloning, Some(source.sha.clone()));
        log.say(format_args!(
            "Commit {} by {}: {}",
            source.sha, source.author, source.subject
        ));
        log.say(format_args!("Cloned in {}", seconds(began)));
        Ok(source)
    }

    async fn build_image(
        &self,
        engine: &dyn Engine,
        fence: &Fence,
        source: &Source,
    ) -> Result<ImageRef, Stop> {
        let log = self.session.log();
        let began = Instant::now();
        self.session
            .phase(Status::Building, Some(source.sha.clone()));
        log.say(format_args!(
            "Building {}",
            self.job.request.docker_file_path
        ));
        let order = BuildOrder {
            context: source.context.clone(),
            dockerfile: source.dockerfile.clone(),
            target: self.job.request.target.as_deref(),
            arguments: &self.job.request.build_arguments,
        };
        let image = engine
            .build(&order, fence, log, self.halt.token())
            .await
            .map_err(|error| self.stop(error, fence))?;
        log.say(format_args!(
            "Built image {} in {}",
            image.id,
            seconds(began)
        ));
        Ok(image)
    }

    async fn upload(
        &self,
        engine: &dyn Engine,
        fence: &Fence,
        image: &ImageRef,
        source: &Source,
    ) -> Result<String, Stop> {
        let log = self.session.log();
        let began = Instant::now();
        self.session
            .phase(Status::Uploading, Some(source.sha.clone()));
        let (host, repository) = (&self.job.registry, &self.job.repository);
        log.say(format_args!(
            "Uploading {}/{repository}:{}",
            self.job.registry_public, self.job.build_id
        ));
        let registry = Registry::new(host, repository, &self.config.token).map_err(|error| {
            Failure::new(
                Reason::PushFailed,
                format!("The registry cannot be called: {error}"),
            )
        })?;
        let upload = Upload {
            engine,
            fence,
            log,
            stop: self.halt.token(),
            registry,
            host,
            repository,
            memory: self.workspace.cache_folder(),
        };
        let tags = domain::build::tags(
            &self.job.build_id,
            &source.sha,
            self.job.request.branch.as_deref(),
        );
        let digest = upload
            .run(image, &tags)
            .await
            .map_err(|error| self.stop(error, fence))?;
        log.say(format_args!("Uploaded {digest} in {}", seconds(began)));
        log.say(format_args!("Tags: {}", tags.join(", ")));
        Ok(digest)
    }
}

impl Course {
    /// What an engine's error means, with what the machine knows of it.
    fn stop(&self, error: EngineError, fence: &Fence) -> Stop {
        let failure = match error {
            EngineError::Stopped => return Stop::Halted,
            EngineError::Unreachable(away) => Failure::new(Reason::PushFailed, away),
            EngineError::Failed(failure) => failure,
        };
        if fence.out_of_memory() {
            let plan = &self.job.request.plan;
            return Stop::Failed(Failure::new(
                Reason::OutOfMemory,
                format!(
                    "The build used more memory than the {} MB of plan {}: {}",
                    plan.memory_mb, plan.id, failure.message
                ),
            ));
        }
        Stop::Failed(self.session.log().explain(failure))
    }
}

/// Tells the server how the build ended, once everything else was told.
async fn conclude(session: Session, halt: &Halt, result: Result<String, Stop>) -> Outcome {
    let failed = match (result, halt.cause()) {
        (Ok(digest), _) => Ok(digest),
        // Whatever failed after the switch was thrown failed because of it.
        (Err(_), Some(cause)) => match (cause.failure(), cause) {
            (Some(failure), _) => Err(failure),
            (None, Cause::Refused(why)) => return Outcome::Lost(why.clone()),
            (None, _) => return Outcome::Stopped,
        },
        (Err(Stop::Failed(failure)), None) => Err(failure),
        (Err(Stop::Halted), None) => return Outcome::Stopped,
    };
    let conclusion = match failed {
        Ok(digest) => Conclusion {
            status: Status::Success,
            reason: None,
            message: "Image successfully built".to_owned(),
            digest: Some(digest),
        },
        Err(failure) => failure.conclusion(),
    };
    session.log().say(&conclusion.message);
    let stopped = halt.cause() == Some(&Cause::Asked);
    let told_to_end = async {
        halt.terminated().await;
        tokio::time::sleep(LAST_WORDS).await;
    };
    let told = tokio::select! {
        told = session.conclude(&conclusion, stopped) => told,
        () = told_to_end => {
            let why = "told to end before the server knew how the build ended";
            return Outcome::Lost(why.to_owned());
        }
    };
    match told {
        Ok(()) => Outcome::Concluded(conclusion.status),
        Err(CallError::Fenced) => Outcome::Stopped,
        Err(_) if stopped => Outcome::Stopped,
        Err(error) => Outcome::Lost(error.to_string()),
    }
}

fn unprepared(error: &std::io::Error) -> Failure {
    by_machine("The engine cannot be prepared", error)
}

/// What the machine did not let us do.
fn by_machine(what: &str, error: &std::io::Error) -> Failure {
    let reason = match error.kind() {
        std::io::ErrorKind::StorageFull => Reason::DiskFull,
        _ => Reason::EngineFailed,
    };
    Failure::new(reason, format!("{what}: {error}"))
}

fn seconds(since: Instant) -> String {
    format!("{:.1} s", since.elapsed().as_secs_f64())
}
