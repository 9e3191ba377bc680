//! Whether the kernel killed something in the group for want of memory.
//!
//! In version 2 the group counts it for all groups below. In version 1 the count is kept only by
//! the very group the victim was in, and the OCI runtime removes that one before anyone can look.
//! But the kernel also notifies an event descriptor of the group whose limit was hit, which is
//! ours; so we register one when the group is made.

use std::fs::{self, File};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{EventfdFlags, eventfd};

use super::hierarchy::Version;
use super::{GroupDir, tree};

#[derive(Debug)]
pub(super) struct OomWatch {
    /// The notification, where the machine needs one.
    event: Option<Notification>,
    /// Kills counted before the watch began, of a group that was opened or taken over.
    before: u64,
    seen: AtomicBool,
}

#[derive(Debug)]
struct Notification {
    event: OwnedFd,
    /// Registered together with the event descriptor.
    _control: File,
}

impl OomWatch {
    pub(super) fn start(dirs: &[GroupDir]) -> Self {
        let event = memory_dir(dirs)
            .filter(|dir| dir.version == Version::V1)
            .and_then(|dir| Notification::register(&dir.path));
        Self {
            event,
            before: count_kills(dirs),
            seen: AtomicBool::new(false),
        }
    }

    pub(super) fn seen(&self, dirs: &[GroupDir]) -> bool {
        let notified = self.event.as_ref().is_some_and(Notification::fired);
        if notified || count_kills(dirs) > self.before {
            self.seen.store(true, Ordering::Relaxed);
        }
        self.seen.load(Ordering::Relaxed)
    }
}

impl Notification {
    fn register(dir: &Path) -> Option<Self> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let event = eventfd(0, flags).ok()?;
        let control = File::open(dir.join("memory.oom_control")).ok()?;
        let line = format!("{} {}", event.as_raw_fd(), control.as_raw_fd());
        fs::write(dir.join("cgroup.event_control"), line).ok()?;
        Some(Self {
            event,
            _control: control,
        })
    }

    fn fired(&self) -> bool {
        let mut count = [0; 8];
        rustix::io::read(&self.event, &mut count).is_ok()
    }
}

fn memory_dir(dirs: &[GroupDir]) -> Option<&GroupDir> {
    dirs.iter()
        .find(|dir| dir.controllers.iter().any(|name| name == "memory"))
}

/// Kills in the group and the groups below that are still there.
fn count_kills(dirs: &[GroupDir]) -> u64 {
    let Some(dir) = memory_dir(dirs) else {
        return 0;
    };
    match dir.version {
        Version::V2 => read_count(&dir.path.join("memory.events")),
        Version::V1 => tree(&dir.path)
            .iter()
            .map(|folder| read_count(&folder.join("memory.oom_control")))
            .sum(),
    }
}

fn read_count(file: &Path) -> u64 {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
        .unwrap_or(0)
}
