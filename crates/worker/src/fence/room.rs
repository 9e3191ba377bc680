//! The namespaces of one build: users, mounts, processes, network.
//!
//! Everything an engine starts runs here as nobody the machine knows: root of the room is an
//! ordinary number outside it. The room's first process does nothing but hold it; when it ends,
//! however it ends, the kernel ends every process inside and takes down every mount. It dies with
//! the worker.
//!
//! Programs enter the room one by one, and reach what its network reaches. The engine's RUN steps
//! join that network by the path [`NETWORK`].

use std::ffi::OsString;
use std::io;
use std::os::unix::fs::{MetadataExt, lchown};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use machine::{ProcessId, Signal};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use super::network::{NAME_SERVER, Uplink};
use super::program::{Entrance, PATH, given_up};
use super::veil::Veil;
use crate::config::StepNetwork;

/// The room's network, as processes in the room see it.
pub(super) const NETWORK: &str = "/proc/1/ns/net";
/// Whom root of a room is on the machine when the worker is root: the first of 65,536 numbers
/// above those that distributions and systemd give out.
const FIRST_ID: u32 = 0x7000_0000;
const IDS: u32 = 65_536;

/// Says that the user namespace is there, and goes on once its numbers are set.
const GATE: &str = "echo users; read -r _ && exec \"$@\"";
/// Called with its parent's number and a command: becomes the command, unless the parent died before
/// its death would have been told.
const STAY: &str = "[ \"$PPID\" = \"$1\" ] && shift && exec \"$@\"";
/// Called with a command that takes capabilities away: tells the kernel who runs programs of another
/// architecture, if that is to be told for this room alone, opens the room's network, gives up what is to
/// be given up, then holds the room, and reaps whoever lost his parent in it.
const HOLD: &str = "set -e; [ -z \"$EMULATOR\" ] || { \
    mount -t binfmt_misc binfmt_misc \"$BINFMT\"; printf %s \"$EMULATOR\" > \"$BINFMT/register\"; }; \
    unset EMULATOR BINFMT; set +e; ip link set lo up 2>/dev/null; \
    exec \"$@\" /bin/sh -c 'echo open; sleep infinity; :'";

/// What a room is made with.
#[derive(Clone, Debug)]
pub(super) struct RoomPlan {
    /// Folders that programs in the room work in, absolute paths.
    pub(super) folders: Vec<PathBuf>,
    /// A folder in one of these for large temporary files: the engine looks for it at `/var/tmp`.
    pub(super) tmp: PathBuf,
    /// What RUN steps in it reach.
    pub(super) network: StepNetwork,
    /// What the kernel is told of programs of another architecture, if anything.
    pub(super) emulator: Option<String>,
}

/// An open room.
#[derive(Debug)]
pub(super) struct Room {
    /// Waits for the first process; a child of ours.
    outer: Child,
    first: ProcessId,
    network: StepNetwork,
    uplink: Option<Uplink>,
}

impl Room {
    /// Opens a room. `enroll` gets the number of its outermost process before that starts others.
    ///
    /// # Errors
    /// When the machine does not allow one, in its words.
    pub(super) async fn open(
        plan: &RoomPlan,
        enroll: impl FnOnce(u32) -> io::Result<()>,
    ) -> io::Result<Room> {
        let mut outer = command(plan)?.kill_on_drop(true).spawn()?;
        match attend(&mut outer, enroll).await {
            Ok(first) => Ok(Room {
                outer,
                first,
                network: plan.network,
                uplink: None,
            }),
            Err(error) => {
                // It may have ended by itself.
                let _ = outer.start_kill();
                Err(said(&mut outer).await.unwrap_or(error))
            }
        }
    }

    /// The number of the room's first process, as the machine counts.
    pub(super) fn first(&self) -> u32 {
        self.first.pid
    }

    /// Where programs enter.
    pub(super) fn entrance(&self) -> Entrance {
        Entrance {
            first: self.first.pid,
            network: self.network,
        }
    }

    /// Keeps the room's way out for as long as the room is open.
    pub(super) fn connected(&mut self, uplink: Uplink) {
        self.uplink = Some(uplink);
    }

    /// Ends everything in the room. On return nothing of it runs.
    pub(super) async fn close(mut self) {
        // Fails only for a process that has ended, and with it the room.
        let _ = self.first.kill(Signal::KILL);
        if let Err(error) = self.first.wait_exit().await {
            tracing::warn!(%error, "the end of a build's processes could not be seen");
        }
        if let Err(error) = self.outer.kill().await {
            tracing::debug!(%error, "a room's outer process had ended");
        }
    }
}

/// Gives a folder with all that is in it to root of the rooms. A folder that is his already is not
/// looked into.
pub(super) fn hand_over(path: &Path) -> io::Result<()> {
    let meta = path.symlink_metadata()?;
    if !rustix::process::geteuid().is_root() || meta.uid() == FIRST_ID {
        return Ok(());
    }
    lchown(path, Some(FIRST_ID), Some(FIRST_ID))?;
    if meta.is_dir() {
        for entry in std::fs::read_dir(path)? {
            hand_over(&entry?.path())?;
        }
    }
    Ok(())
}

/// Waits for the room's stages and sets its numbers; the first process at the end.
async fn attend(
    outer: &mut Child,
    enroll: impl FnOnce(u32) -> io::Result<()>,
) -> io::Result<ProcessId> {
    let gone = || io::Error::other("the namespaces' first process ended");
    let pid = outer.id().ok_or_else(gone)?;
    let (Some(mut gate), Some(out)) = (outer.stdin.take(), outer.stdout.take()) else {
        return Err(gone());
    };
    let mut words = BufReader::new(out);
    expect(&mut words, "users").await?;
    if rustix::process::geteuid().is_root() {
        let numbers = format!("0 {FIRST_ID} {IDS}\n");
        std::fs::write(format!("/proc/{pid}/uid_map"), &numbers)?;
        std::fs::write(format!("/proc/{pid}/gid_map"), &numbers)?;
    }
    enroll(pid)?;
    gate.write_all(b"\n").await?;
    expect(&mut words, "open").await?;
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
    let first = children.trim().parse().map_err(|_| gone())?;
    ProcessId::of(first).map_err(io::Error::other)
}

async fn expect(words: &mut BufReader<ChildStdout>, word: &str) -> io::Result<()> {
    let mut line = String::new();
    words.read_line(&mut line).await?;
    if line.trim_end() == word {
        return Ok(());
    }
    Err(io::Error::other("namespaces cannot be made here"))
}

/// What it said on its way out.
async fn said(outer: &mut Child) -> Option<io::Error> {
    let mut text = String::new();
    let mut errors = outer.stderr.take()?.take(4096);
    errors.read_to_string(&mut text).await.ok()?;
    let line = text.lines().find(|line| !line.trim().is_empty())?;
    Some(io::Error::other(line.trim().to_owned()))
}

fn command(plan: &RoomPlan) -> io::Result<Command> {
    let mut words: Vec<OsString> = Vec::new();
    let mut say = |more: &[&str]| words.extend(more.iter().map(Into::into));
    let root = rustix::process::geteuid().is_root();
    say(&["unshare", "--user", "--keep-caps"]);
    if !root {
        // The numbers that /etc/subuid gives to this user.
        say(&["--map-root-user", "--map-auto"]);
    }
    say(&["/bin/sh", "-c", GATE, "gate"]);
    say(&["setpriv", "--reuid", "0", "--regid", "0", "--clear-groups"]);
    say(&["--pdeathsig", "KILL"]);
    let worker = std::process::id().to_string();
    say(&["/bin/sh", "-c", STAY, "stay", &worker]);
    say(&["unshare", "--mount", "--propagation", "private", "--pid"]);
    if plan.network.takes_own() {
        say(&["--net"]);
    }
    say(&["--fork", "--kill-child", "--mount-proc"]);
    let mut hold = ["/bin/sh", "-c", HOLD, "hold"].map(Into::into).to_vec();
    hold.extend(given_up(plan.network).map(Into::into));
    let name_server = plan.network.takes_own().then_some(NAME_SERVER);
    let veil = Veil::over_others(&plan.folders, &plan.tmp, name_server);
    if root {
        // From outside: root of the room may not pass the data folder, nor lift the veil.
        words.extend(hold);
        let mut outside = ["unshare", "--mount", "--propagation", "private"]
            .map(Into::into)
            .to_vec();
        outside.extend(veil.around(words)?);
        words = outside;
    } else {
        // Others may mount only inside.
        words.extend(veil.around(hold)?);
    }
    let mut command = Command::new(&words[0]);
    command
        .args(&words[1..])
        .env_clear()
        .env("PATH", PATH)
        .env("BINFMT", machine::BINFMT)
        .env("EMULATOR", plan.emulator.as_deref().unwrap_or_default())
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    Ok(command)
}
