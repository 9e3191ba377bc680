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
mod listeners;
mod network;
mod program;
mod room;
mod run;
mod veil;

use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use domain::Plan;
use ipnet::IpNet;
use machine::{Cgroup, Limits};
use tokio::sync::Mutex;

pub use listeners::hand_over_listeners;
use network::Uplink;
pub(crate) use program::Program;
use room::{Room, RoomPlan};
pub(crate) use run::{Ended, RunError};
pub use veil::become_veiled;

use crate::config::StepNetwork;
use crate::mask::Mask;
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
    /// Addresses of the machine's that the build may reach all the same.
    pub(crate) allow: &'a [IpNet],
    /// What the kernel is told of programs of another architecture, if anything.
    pub(crate) emulator: Option<String>,
}

/// What RUN steps reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// What the room reaches.
    Room {
        /// The room's network namespace, as the engine sees it.
        path: &'static str,
        /// The name server in it.
        name_server: &'static str,
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
    /// What no line may be cut in the middle of.
    mask: Arc<Mask>,
}

impl Fence {
    /// Puts up the fence for a build around its control group, and says in the log what holds and
    /// what does not.
    pub(crate) async fn put_up(group: Option<Arc<Cgroup>>, site: Site<'_>, log: &Log) -> Fence {
        let plan = RoomPlan {
            folders: site.folders,
            tmp: site.tmp,
            network: site.network,
            emulator: site.emulator,
        };
        let mut fence = Fence {
            group,
            plan: Some(plan),
            room: Mutex::new(None),
            reach: Reach::Nothing,
            mask: log.mask(),
        };
        match fence.open_room().await {
            Ok(Some(mut room)) => {
                fence.connect(&mut room, site.allow, log).await;
                fence.reach = reach(site.network);
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

    /// Gives the room its way out, where it has a network of its own: the engine has to pull, whatever
    /// RUN steps may reach. The machine's network is no substitute for either.
    async fn connect(&self, room: &mut Room, allow: &[IpNet], log: &Log) {
        if !room.entrance().network.takes_own() {
            return;
        }
        let uplink = Uplink::connect(room.first(), allow, |pid| self.enroll(pid));
        match tokio::time::timeout(OPENING, uplink).await {
            Ok(Ok(uplink)) => room.connected(uplink),
            Ok(Err(error)) => log.say(format_args!("The build has no network: {error}")),
            Err(late) => log.say(format_args!(
                "The build has no network: slirp4netns: {late}"
            )),
        }
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

    /// The first process of a room that has a network of its own.
    pub(crate) async fn own_network(&self) -> Option<u32> {
        let room = self.room.lock().await;
        let room = room
            .as_ref()
            .filter(|room| room.entrance().network.takes_own());
        room.map(Room::first)
    }

    /// Sockets of the worker's that programs inside reach on loopback.
    ///
    /// # Errors
    /// When they cannot be bound there.
    pub(crate) async fn listeners(&self, count: usize) -> io::Result<Vec<TcpListener>> {
        let room = self.room.lock().await.as_ref().map(Room::entrance);
        let opened = listeners::open(room, count);
        match tokio::time::timeout(OPENING, opened).await {
            Ok(opened) => opened,
            Err(late) => Err(io::Error::other(late)),
        }
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

/// What RUN steps reach from within a room.
fn reach(network: StepNetwork) -> Reach {
    match network {
        StepNetwork::Isolated => Reach::Room {
            path: room::NETWORK,
            name_server: network::NAME_SERVER,
        },
        StepNetwork::None => Reach::Nothing,
        StepNetwork::Host => Reach::Host,
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
        network: StepNetwork::Isolated,
        emulator: None,
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
        Err(error) => Err(format!(
            "builds have no network, and pull no base images: {error}"
        )),
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
