//! Workers as processes of this machine. Each leads a process group of its own and has no tie to
//! the server's terminal or life: when the server goes, they build on.

use super::{Executor, ExecutorError, Exit, Launch, leftovers};
use async_trait::async_trait;
use domain::service::Architecture;
use domain::{Plan, Reason};
use machine::{ProcessId, Signal};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::sync::mpsc::UnboundedSender;

/// How long a worker whose build is over may take to clean up.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where things are.
#[derive(Clone, Debug)]
pub struct LocalSettings {
    /// The program to start; its `worker` command is called.
    pub program: PathBuf,
    /// The environment of a worker beside its token: server, folders, what git may do.
    pub environment: Vec<(String, String)>,
    /// Folder for what workers say on their standard error.
    pub output_dir: PathBuf,
    /// Folder whose subfolders, named by build, are workers' scratch space.
    pub work_dir: PathBuf,
}

/// Starts workers on this machine.
pub struct LocalExecutor {
    settings: LocalSettings,
    exits: UnboundedSender<Exit>,
    alive: Arc<Mutex<HashMap<String, ProcessId>>>,
}

impl LocalExecutor {
    /// An executor that reports exits to `exits`.
    pub fn new(settings: LocalSettings, exits: UnboundedSender<Exit>) -> Self {
        LocalExecutor {
            settings,
            exits,
            alive: Arc::default(),
        }
    }

    fn spawn(&self, launch: &Launch) -> Result<Child, ExecutorError> {
        let output = self.output_file(&launch.build_uid);
        let file = std::fs::File::create(&output).map_err(|error| {
            ExecutorError(format!("{} cannot be written: {error}", output.display()))
        })?;
        let mut command = Command::new(&self.settings.program);
        command
            .arg("worker")
            .env_clear()
            .envs(
                self.settings
                    .environment
                    .iter()
                    .map(|(name, value)| (name, value)),
            )
            .env("BOATYARD_WORKER_TOKEN", launch.token.expose())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .process_group(0);
        command.spawn().map_err(|error| {
            let program = self.settings.program.display();
            ExecutorError(format!("{program} cannot be started: {error}"))
        })
    }

    fn output_file(&self, build_uid: &str) -> PathBuf {
        self.settings.output_dir.join(format!("{build_uid}.log"))
    }

    fn remember(&self, build_uid: &str, process: ProcessId) {
        let mut alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner);
        alive.insert(build_uid.to_owned(), process);
    }

    fn remembered(&self, build_uid: &str) -> Option<ProcessId> {
        let alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner);
        alive.get(build_uid).copied()
    }

    /// Forgets a process, unless another attempt has taken its place.
    fn forget(alive: &Mutex<HashMap<String, ProcessId>>, build_uid: &str, process: ProcessId) {
        let mut alive = alive.lock().unwrap_or_else(PoisonError::into_inner);
        if alive.get(build_uid) == Some(&process) {
            alive.remove(build_uid);
        }
    }
}

#[async_trait]
impl Executor for LocalExecutor {
    fn obstacle(
        &self,
        plan: &Plan,
        architecture: Option<Architecture>,
    ) -> Option<(Reason, String)> {
        if let Some(missing) = architecture.and_then(cannot_run) {
            return Some((Reason::ArchitectureUnavailable, missing));
        }
        let has = machine::capacity();
        if plan.fits(has.cpu_hundredths, has.memory_mb) {
            return None;
        }
        let message = format!(
            "The plan {} needs {} vCPU and {} MB; this machine has {} vCPU and {} MB",
            plan.id,
            f64::from(plan.cpu_hundredths) / 100.0,
            plan.memory_mb,
            f64::from(has.cpu_hundredths) / 100.0,
            has.memory_mb
        );
        Some((Reason::PlanTooLarge, message))
    }

    async fn launch(&self, launch: Launch, attempt: i64) -> Result<(), ExecutorError> {
        let mut child = self.spawn(&launch)?;
        let process = child.id().and_then(|pid| ProcessId::of(pid).ok());
        if let Some(process) = process {
            self.remember(&launch.build_uid, process);
        }
        let exits = self.exits.clone();
        let alive = Arc::clone(&self.alive);
        let output = self.output_file(&launch.build_uid);
        tokio::spawn(async move {
            let status = child.wait().await;
            if let Some(process) = process {
                Self::forget(&alive, &launch.build_uid, process);
            }
            let how = describe(status, &output);
            // The dispatcher is gone only when the server ends.
            let _ = exits.send(Exit {
                build_uid: launch.build_uid,
                attempt: Some(attempt),
                how,
            });
        });
        Ok(())
    }

    async fn adopt(&self, build_uid: &str, process: &str) -> bool {
        let Ok(process) = process.parse::<ProcessId>() else {
            return false;
        };
        if !process.is_alive() {
            return false;
        }
        self.remember(build_uid, process);
        let exits = self.exits.clone();
        let alive = Arc::clone(&self.alive);
        let build_uid = build_uid.to_owned();
        tokio::spawn(async move {
            if let Err(error) = process.wait_exit().await {
                tracing::warn!(%error, "an adopted worker cannot be watched; its lease will tell");
                return;
            }
            Self::forget(&alive, &build_uid, process);
            let how = "ended without a conclusion".to_owned();
            let _ = exits.send(Exit {
                build_uid,
                attempt: None,
                how,
            });
        });
        true
    }

    async fn clear(&self, build_uid: &str, patiently: bool) {
        if let Some(process) = self.remembered(build_uid) {
            if patiently {
                // Not being watchable means it is gone already, or about to be killed below.
                let _ = tokio::time::timeout(PATIENCE, process.wait_exit()).await;
            }
            if process.is_alive()
                && let Err(error) = process.kill(Signal::KILL)
            {
                tracing::warn!(%error, build_uid, "a worker could not be killed");
            }
        }
        let work_dir = self.settings.work_dir.clone();
        let output = self.output_file(build_uid);
        let uid = build_uid.to_owned();
        let clear = move || leftovers::clear(&work_dir, &uid, &output);
        if let Err(error) = tokio::task::spawn_blocking(clear).await {
            tracing::error!(%error, build_uid, "a build's leftovers stay for now");
        }
    }

    async fn sweep(&self, open: &HashSet<String>) {
        let names = leftovers::names(&self.settings.work_dir).unwrap_or_else(|error| {
            tracing::error!(%error, "leftovers of ended builds stay for now");
            Vec::new()
        });
        for name in names.into_iter().filter(|name| !open.contains(name)) {
            if leftovers::is_doomed(&name) {
                leftovers::remove_later(self.settings.work_dir.join(name));
            } else {
                self.clear(&name, false).await;
            }
        }
    }
}

/// What this machine lacks to build for the architecture.
fn cannot_run(architecture: Architecture) -> Option<String> {
    if Architecture::native() == Some(architecture) {
        return None;
    }
    let missing = machine::emulation(architecture.machine_name()).err()?;
    Some(format!(
        "This machine is {} and cannot build for {}: {missing}",
        std::env::consts::ARCH,
        architecture.machine_name()
    ))
}

/// A phrase for how a worker ended, with the last thing it said where it said something.
fn describe(status: std::io::Result<ExitStatus>, output: &std::path::Path) -> String {
    use std::os::unix::process::ExitStatusExt;
    let how = match status {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => format!("ended with exit code {code}"),
            (None, Some(signal)) => format!("was killed by signal {signal}"),
            (None, None) => "ended".to_owned(),
        },
        Err(error) => format!("could not be waited for ({error})"),
    };
    let said = std::fs::read_to_string(output).unwrap_or_default();
    match said.lines().rev().find(|line| !line.trim().is_empty()) {
        Some(last) => format!(
            "{how}: {}",
            last.trim().chars().take(300).collect::<String>()
        ),
        None => how,
    }
}
