//! Killing a whole group, also one that forks as fast as it is killed.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::hierarchy::Version;
use super::{Cgroup, CgroupError, GroupDir};

/// How long the processes get to end. A killed process ends at once unless the kernel holds it.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one round waits for the processes it saw, before looking for new ones.
const ROUND: Duration = Duration::from_millis(500);

pub(super) fn kill_all(group: &Cgroup) -> Result<(), CgroupError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let frozen = freeze(&group.dirs);
        let doomed: Vec<OwnedFd> = group.pids().into_iter().filter_map(open_handle).collect();
        for dir in &group.dirs {
            if dir.version == Version::V2 {
                // Takes children of children and forks under way too. Absent before Linux 5.14.
                let _ = fs::write(dir.path.join("cgroup.kill"), "1");
            }
        }
        for process in &doomed {
            // Fails only for a process that has ended, which is what we are after.
            let _ = pidfd_send_signal(process, Signal::KILL);
        }
        if frozen {
            // A frozen process of version 1 dies only when it is let go.
            thaw(&group.dirs);
        }
        wait_for_all(&doomed, deadline.min(Instant::now() + ROUND));
        let left = group.pids().len();
        if left == 0 {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(CgroupError::NotEmpty(left));
        }
    }
}

fn open_handle(pid: u32) -> Option<OwnedFd> {
    let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
    pidfd_open(pid, PidfdFlags::empty()).ok()
}

/// Stops the group, so that nothing forks between listing and killing. Only version 1 needs it.
fn freeze(dirs: &[GroupDir]) -> bool {
    set_freezer(dirs, "FROZEN")
}

fn thaw(dirs: &[GroupDir]) {
    set_freezer(dirs, "THAWED");
}

fn set_freezer(dirs: &[GroupDir], state: &str) -> bool {
    dirs.iter()
        .filter(|dir| dir.version == Version::V1)
        .filter(|dir| dir.controllers.iter().any(|name| name == "freezer"))
        .any(|dir| fs::write(dir.path.join("freezer.state"), state).is_ok())
}

/// A process handle polls as readable once its process has ended.
fn wait_for_all(processes: &[OwnedFd], until: Instant) {
    for process in processes {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(left.subsec_nanos()),
        };
        let mut handle = [PollFd::from_borrowed_fd(process.as_fd(), PollFlags::IN)];
        // An interrupted wait is no harm: the caller looks again.
        let _ = poll(&mut handle, Some(&timeout));
    }
}
