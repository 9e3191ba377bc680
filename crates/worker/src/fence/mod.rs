//! Keeping everything an engine starts inside one fence, and ending all of it at once.
//!
//! Two fences stand around each other. The control group holds the limits of the build's plan and
//! lets the server end a build whose worker was killed. The room (namespaces of users, mounts,
//! processes and network) makes the build nobody on the machine: when its first process or the
//! worker ends, however it ends, the kernel kills the rest and takes down every mount it made.
//!
//! No process is ever outside the fence: the program is started as a shell that waits at a gate
//! until it has been put into the group, and only then becomes the program.

mod leftovers;
mod network;
mod program;
mod room;
mod run;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use domain::Plan;
use ipnet::IpNet;
use machine::{Cgroup, Limits};
use tokio::sync::Mutex;

use network::Uplink;
pub(crate) use program::Program;
use room::{Room, RoomPlan};
pub(crate) use run::{Ended, RunError};

use crate::config::StepNetwork;
use crate::server::Log;

/// Folder of all builds' control groups; the server looks for them under this name.
const GROUP: &str = "boatyard";
/// Processes and threads one build may have: enough for `make -j` on a large machine, far from
/// what a fork bomb needs.
const MAX_PIDS: u64 = 16_384;
/// How long a room may take to open.
const OPENING: Duration = Duration::from_secs(20);

/// What a fence is put up around.
#[derive(Debug)]
pub(crate) struct Site<'a> {
    /// The folders that the engine works in, absolute paths. They have to exist.
    pub(crate) folders: Vec<PathBuf>,
    /// A folder in one of these for the engine's large temporary files.
    pub(crate) tmp: PathBuf,
    /// What RUN steps may reach.
    pub(crate) network: StepNetwork,
    /// Addresses of the machine's that RUN steps may reach all the same.
    pub(crate) allow: &'a [IpNet],
}

/// What RUN steps reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The network at this path, with this name server where it leads anywhere.
    Own {
        /// The network namespace, as the engine sees it.
        path: &'static str,
        /// The name server in it.
        name_server: Option<&'static str>,
    },
    /// Whatever the machine reaches.
    Host,
    /// Nothing.
    Nothing,
}

/// The fence of one build.
#[derive(Debug)]
pub(crate) struct Fence {
    group: Option<Arc<Cgroup>>,
    /// How to open a room; `None` where the machine allows none.
    plan: Option<RoomPlan>,
    room: Mutex<Option<Room>>,
    reach: Reach,
}

impl Fence {
    /// Puts up the fence for a build around its control group, and says in the log what holds and
    /// what does not.
    pub(crate) async fn put_up(group: Option<Arc<Cgroup>>, site: Site<'_>, log: &Log) -> Fence {
        let plan = RoomPlan {
            folders: site.folders,
            tmp: site.tmp,
            own_network: site.network != StepNetwork::Host,
        };
        let mut fence = Fence {
            group,
            plan: Some(plan),
            room: Mutex::new(None),
            reach: Reach::Nothing,
        };
        match fence.open_room().await {
            Ok(Some(mut room)) => {
                fence.reach = fence
                    .connect(&mut room, site.network, site.allow, log)
                    .await;
                fence.room = Mutex::new(Some(room));
            }
            Ok(None) => {}
            Err(error) => fence.do_without_room(&error, site.network, log),
        }
        fence
    }

    /// Opens a room, where the machine allows one.
    async fn open_room(&self) -> io::Result<Option<Room>> {
        let Some(plan) = &self.plan else {
            return Ok(None);
        };
        let opened = Room::open(plan, |pid| self.enroll(pid));
        match tokio::time::timeout(OPENING, opened).await {
            Ok(room) => room.map(Some),
            Err(late) => Err(io::Error::other(format!("namespaces: {late}"))),
        }
    }

    async fn connect(
        &self,
        room: &mut Room,
        network: StepNetwork,
        allow: &[IpNet],
        log: &Log,
    ) -> Reach {
        let own = |name_server| Reach::Own {
            path: room::NETWORK,
            name_server,
        };
        if network == StepNetwork::Host {
            return Reach::Host;
        }
        if network == StepNetwork::None {
            return own(None);
        }
        let uplink = Uplink::connect(room.first(), allow, |pid| self.enroll(pid));
        let error = match tokio::time::timeout(OPENING, uplink).await {
            Ok(Ok(uplink)) => {
                room.connected(uplink);
                return own(Some(network::NAME_SERVER));
            }
            Ok(Err(error)) => error.to_string(),
            Err(late) => format!("slirp4netns: {late}"),
        };
        log.say(format_args!("RUN steps have no network: {error}"));
        own(None)
    }

    /// The weaker fence: the control group, and what the engine does by itself.
    fn do_without_room(&mut self, error: &io::Error, network: StepNetwork, log: &Log) {
        self.plan = None;
        self.reach = match network {
            StepNetwork::Host => Reach::Host,
            StepNetwork::Isolated | StepNetwork::None => Reach::Nothing,
        };
        log.say(format_args!(
            "The build has no namespaces of its own: {error}"
        ));
        if self.reach == Reach::Nothing && network == StepNetwork::Isolated {
            log.say("RUN steps have no network for want of them");
        }
        // Orphans of the engine come to us instead of to init.
        if let Err(error) = machine::become_subreaper() {
            tracing::warn!(%error, "orphans of the engine will go to init");
        }
    }

    /// Puts a process, with the children it will have, under the build's limits.
    fn enroll(&self, pid: u32) -> io::Result<()> {
        match &self.group {
            Some(group) => group.add(pid).map_err(io::Error::other),
            None => Ok(()),
        }
    }

    /// What to give the engine as parent of the groups it makes; `None` where its processes are in
    /// the right group by birth and may not make any.
    pub(crate) fn engine_parent(&self) -> Option<String> {
        let group = self.group.as_ref().filter(|_| self.plan.is_none());
        group.map(|group| group.engine_parent())
    }

    /// What RUN steps reach.
    pub(crate) fn reach(&self) -> Reach {
        self.reach
    }

    /// Gives a folder of the engine's, with all that is in it, to whom the engine runs as.
    ///
    /// # Errors
    /// When the folder is not there.
    pub(crate) fn hand_over(&self, folder: &Path) -> io::Result<()> {
        match self.plan {
            Some(_) => room::hand_over(folder),
            None => Ok(()),
        }
    }

    /// Whether the kernel killed one of the build's processes for want of memory.
    pub(crate) fn out_of_memory(&self) -> bool {
        self.group.as_ref().is_some_and(|group| group.oom_killed())
    }

    /// Ends every process inside.
    async fn empty(&self) {
        if let Some(room) = self.room.lock().await.take() {
            room.close().await;
        }
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

/// Opens a room with a way out and closes it again, to see whether the machine allows it.
///
/// # Errors
/// What a build would lack, in words for the machine's operator.
pub async fn probe_isolation() -> Result<(), String> {
    let plan = RoomPlan {
        folders: Vec::new(),
        tmp: PathBuf::from("/"),
        own_network: true,
    };
    let opened = tokio::time::timeout(OPENING, Room::open(&plan, |_| Ok(()))).await;
    let room = match opened {
        Ok(Ok(room)) => room,
        Ok(Err(error)) => return Err(format!("builds get no namespaces of their own: {error}")),
        Err(late) => return Err(format!("builds get no namespaces of their own: {late}")),
    };
    let connected = Uplink::connect(room.first(), &[], |_| Ok(())).await;
    room.close().await;
    match connected {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("RUN steps have no network: {error}")),
    }
}

/// Makes the build's control group, with the limits of its plan, where the machine has them.
pub(crate) async fn limits(build_uid: &str, plan: &Plan, log: &Log) -> Option<Arc<Cgroup>> {
    let limits = Limits {
        cpu_hundredths: Some(plan.cpu_hundredths),
        memory_mb: Some(plan.memory_mb),
        pids: Some(MAX_PIDS),
    };
    let name = format!("{GROUP}/{build_uid}");
    match tokio::task::spawn_blocking(move || Cgroup::create(&name, limits)).await {
        Ok(Ok(group)) => {
            tell(&group, plan, log);
            return Some(Arc::new(group));
        }
        Ok(Err(error)) => log.say(format_args!("No limits are enforced: {error}")),
        Err(panicked) => log.say(format_args!("No limits are enforced: {panicked}")),
    }
    None
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
