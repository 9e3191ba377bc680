//! Keeping everything an engine starts inside one fence, and ending all of it at once.
//!
//! Two fences stand around each other. The control group holds the limits of the build's plan and
//! lets the server end a build whose worker was killed. The namespaces (mounts and process
//! numbers) make the engine's first process the last one too: when it or the worker ends, however
//! it ends, the kernel kills the rest and takes down every mount it made.
//!
//! No process is ever outside the fence: the program is started as a shell that waits at a gate
//! until it has been put into the group, and only then becomes the program.

mod leftovers;
mod program;
mod run;

use std::sync::Arc;

use domain::Plan;
use machine::{Cgroup, Limits};

pub(crate) use program::Program;
pub(crate) use run::{Ended, RunError};

use crate::server::Log;

/// Folder of all builds' control groups; the server looks for them under this name.
const GROUP: &str = "boatyard";
/// Processes and threads one build may have: enough for `make -j` on a large machine, far from
/// what a fork bomb needs.
const MAX_PIDS: u64 = 16_384;

/// The fence of one build.
#[derive(Debug)]
pub(crate) struct Fence {
    group: Option<Arc<Cgroup>>,
    namespaces: bool,
}

impl Fence {
    /// Puts up the fence for a build, and says in its log what holds and what does not.
    pub(crate) async fn put_up(build_uid: &str, plan: &Plan, log: &Log) -> Fence {
        let limits = Limits {
            cpu_hundredths: Some(plan.cpu_hundredths),
            memory_mb: Some(plan.memory_mb),
            pids: Some(MAX_PIDS),
        };
        let name = format!("{GROUP}/{build_uid}");
        let (group, namespaces) = tokio::join!(
            tokio::task::spawn_blocking(move || Cgroup::create(&name, limits)),
            program::namespaces_work()
        );
        let group = match group {
            Ok(Ok(group)) => {
                tell(&group, plan, log);
                Some(Arc::new(group))
            }
            Ok(Err(error)) => {
                log.say(format_args!("No limits are enforced: {error}"));
                None
            }
            Err(panicked) => {
                log.say(format_args!("No limits are enforced: {panicked}"));
                None
            }
        };
        if !namespaces {
            // Orphans of the engine come to us instead of to init.
            if let Err(error) = machine::become_subreaper() {
                tracing::warn!(%error, "orphans of the engine will go to init");
            }
        }
        Fence { group, namespaces }
    }

    /// What to give the engine as parent of the groups it makes.
    pub(crate) fn engine_parent(&self) -> Option<String> {
        self.group.as_ref().map(|group| group.engine_parent())
    }

    /// Whether the kernel killed one of the build's processes for want of memory.
    pub(crate) fn out_of_memory(&self) -> bool {
        self.group.as_ref().is_some_and(|group| group.oom_killed())
    }

    /// Ends every process inside.
    async fn empty(&self) {
        let Some(group) = self.group.clone() else {
            return;
        };
        match tokio::task::spawn_blocking(move || group.kill_all()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "processes of a build are left"),
            Err(error) => tracing::error!(%error, "processes of a build are left"),
        }
    }

    /// Ends every process inside and takes the fence down.
    pub(crate) async fn take_down(self) {
        self.empty().await;
        if let Some(group) = self.group.and_then(Arc::into_inner)
            && let Err(error) = group.remove()
        {
            tracing::error!(%error, "a build's control group is left");
        }
    }
}

fn tell(group: &Cgroup, plan: &Plan, log: &Log) {
    let enforcement = group.enforcement();
    let enforced: Vec<String> = enforcement
        .enforced
        .iter()
        .map(|limit| match limit {
            machine::Limit::Cpu => format!("{} vCPU", f64::from(plan.cpu_hundredths) / 100.0),
            machine::Limit::Memory => format!("{} MB memory", plan.memory_mb),
            machine::Limit::Pids => format!("{MAX_PIDS} processes"),
            other => other.to_string(),
        })
        .collect();
    if !enforced.is_empty() {
        log.say(format_args!(
            "Limits of plan {}: {}",
            plan.id,
            enforced.join(", ")
        ));
    }
    for (limit, reason) in &enforcement.missing {
        log.say(format_args!("The {limit} limit is not enforced: {reason}"));
    }
}
