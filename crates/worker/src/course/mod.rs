//! The course of a build: claim, clone, build, upload, conclude, clear away.

mod conclude;
mod phases;
mod prepare;

use std::time::Duration;

use domain::Reason;
use machine::ProcessId;
use protocol::{Claim, Job};
use rustix::fs::Mode;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

use crate::config::WorkerConfig;
use crate::failure::Failure;
use crate::growth::Growth;
use crate::halt::{Cause, Halt};
use crate::measures::{Measures, Sampler};
use crate::outcome::Outcome;
use crate::server::{CallError, Client, Session, until_answered};
use crate::source::Source;
use crate::workspace::Workspace;
use conclude::conclude;
use prepare::Building;

/// What the log of such a build says.
const FORK: &str = "This is a pull request from a fork: its build gets no arguments, files, mounts or \
                    secrets but the call's own, no logins, no cache, and no images of this server";
/// How long a worker tries to claim its build: about as long as a server takes to start.
const CLAIM_FOR: Duration = Duration::from_secs(120);

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
    let session = Session::start(client, &config.token, &job, &halt);
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
                measures: Measures::default(),
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

/// An image where it belongs.
struct Pushed {
    /// The digest of its manifest.
    digest: String,
    /// Its compressed size in bytes, where only we can say: in a registry that is not the server's.
    size: Option<i64>,
}

/// A build under way.
struct Course {
    config: WorkerConfig,
    job: Job,
    session: Session,
    halt: Halt,
    workspace: Workspace,
    measures: Measures,
}

impl Course {
    async fn run(self, mut clock: JoinSet<()>) -> Outcome {
        let log = self.session.log();
        log.say(format_args!(
            "Build {} (attempt {})",
            self.job.build_id, self.job.attempt
        ));
        if self.job.request.is_from_fork() {
            log.say(FORK);
        }
        let engine = self.engine();
        let fetched = Growth::default();
        // Ends with the build, whatever way that takes.
        let metering = self.measure(engine.as_ref().ok(), fetched.clone()).await;
        let sampler = Sampler::start(self.measures.clone(), self.session.samples().clone());
        let (fence, gateway, source) = self.prepare(engine.as_ref(), fetched).await;
        let result = match (&engine, &gateway, source) {
            (Ok(engine), Ok(gateway), Ok(source)) => {
                let site = Building {
                    engine,
                    fence: &fence,
                    registries: self.registries(gateway),
                };
                self.build(&site, &source).await
            }
            (Err(failure), ..) => Err(Stop::Failed(failure.clone())),
            (Ok(_), _, Err(stop)) => Err(stop),
            (Ok(_), Err(failure), _) => Err(Stop::Failed(failure.clone())),
        };
        sampler.finish().await;
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

    /// Builds and uploads.
    async fn build(&self, site: &Building<'_>, source: &Source) -> Result<Pushed, Stop> {
        let ready = || {
            site.engine.door.meet(&site.registries)?;
            let mut folders = site.engine.folders.all();
            folders.try_for_each(|folder| site.fence.hand_over(folder))
        };
        ready().map_err(|error| unprepared(&error))?;
        let image = self.build_image(site, source).await?;
        self.upload(site, &image, source).await
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
