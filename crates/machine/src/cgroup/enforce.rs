//! Setting a group's limits, and saying honestly which of them hold.

use std::fmt;
use std::fs;
use std::path::Path;

use super::GroupDir;
use super::hierarchy::{Version, available_controllers};
use crate::capacity::meminfo_kb;

/// The scheduler's accounting period in microseconds; the kernel's default.
const CPU_PERIOD_USEC: u64 = 100_000;
/// The smallest quota the kernel takes.
const CPU_QUOTA_MIN_USEC: u64 = 1_000;

/// What a build may use. `None` means no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Processor time in hundredths of a core.
    pub cpu_hundredths: Option<u32>,
    /// Memory in mebibytes, swap included.
    pub memory_mb: Option<u64>,
    /// Processes and threads.
    pub pids: Option<u64>,
}

/// One kind of limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Limit {
    /// Processor time.
    Cpu,
    /// Memory without swap.
    Memory,
    /// Swap space; only told of where the machine has any.
    Swap,
    /// Number of processes and threads.
    Pids,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cpu => "processor",
            Self::Memory => "memory",
            Self::Swap => "swap",
            Self::Pids => "processes",
        })
    }
}

/// Which of the limits asked for hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Enforcement {
    /// Limits that the kernel keeps.
    pub enforced: Vec<Limit>,
    /// Limits that it does not keep, each with the reason for a person.
    pub missing: Vec<(Limit, String)>,
}

impl Enforcement {
    fn note(&mut self, limit: Limit, outcome: Result<(), String>) {
        match outcome {
            Ok(()) => self.enforced.push(limit),
            Err(reason) => self.missing.push((limit, reason)),
        }
    }
}

/// Lets the groups on the way down to `name` use the controllers: in version 2 each level has to
/// pass them on. What fails shows when the limit is set, so only the first reason is kept.
pub(super) fn delegate_controllers(mount: &Path, name: &Path, refused: &mut Vec<String>) {
    let mut folder = mount.to_path_buf();
    for part in name.components() {
        let available = available_controllers(&folder);
        let file = folder.join("cgroup.subtree_control");
        for controller in ["cpu", "memory", "pids"] {
            if !available.iter().any(|name| name == controller) {
                continue;
            }
            if let Err(error) = fs::write(&file, format!("+{controller}")) {
                refused.push(format!(
                    "the {controller} controller cannot be passed on in {}: {error}",
                    folder.display()
                ));
            }
        }
        folder.push(part);
        if fs::create_dir_all(&folder).is_err() {
            return;
        }
    }
}

/// Sets the limits on the group's folders. `refused` are the troubles met when making them.
pub(super) fn apply(dirs: &[GroupDir], limits: Limits, refused: &[String]) -> Enforcement {
    let mut report = Enforcement::default();
    let find = |controller: &str| find_dir(dirs, controller, refused);
    if let Some(hundredths) = limits.cpu_hundredths {
        let outcome = find("cpu").and_then(|dir| set_cpu(dir, hundredths));
        report.note(Limit::Cpu, outcome);
    }
    if let Some(megabytes) = limits.memory_mb {
        let bytes = megabytes.saturating_mul(1 << 20).min(i64::MAX as u64);
        match find("memory") {
            Ok(dir) => set_memory(dir, bytes, &mut report),
            Err(reason) => report.note(Limit::Memory, Err(reason)),
        }
    }
    if let Some(pids) = limits.pids {
        let outcome = find("pids").and_then(|dir| write(&dir.path, "pids.max", &pids.to_string()));
        report.note(Limit::Pids, outcome);
    }
    report
}

fn find_dir<'a>(
    dirs: &'a [GroupDir],
    controller: &str,
    refused: &[String],
) -> Result<&'a GroupDir, String> {
    dirs.iter()
        .find(|dir| dir.controllers.iter().any(|name| name == controller))
        .ok_or_else(|| {
            let related: Vec<_> = refused
                .iter()
                .filter(|reason| reason.contains(controller))
                .map(String::as_str)
                .collect();
            if related.is_empty() {
                format!("this machine has no {controller} controller")
            } else {
                related.join("; ")
            }
        })
}

fn set_cpu(dir: &GroupDir, hundredths: u32) -> Result<(), String> {
    let quota = (u64::from(hundredths) * CPU_PERIOD_USEC / 100).max(CPU_QUOTA_MIN_USEC);
    match dir.version {
        Version::V1 => {
            write(&dir.path, "cpu.cfs_period_us", &CPU_PERIOD_USEC.to_string())?;
            write(&dir.path, "cpu.cfs_quota_us", &quota.to_string())
        }
        Version::V2 => write(&dir.path, "cpu.max", &format!("{quota} {CPU_PERIOD_USEC}")),
    }
}

fn set_memory(dir: &GroupDir, bytes: u64, report: &mut Enforcement) {
    let bytes = bytes.to_string();
    let (memory, swap) = match dir.version {
        Version::V1 => {
            // Memory and swap together must never be below memory alone, not even for a moment,
            // so a group taken over is opened first. Where there is no such file, nothing is lost.
            let _ = write(&dir.path, "memory.memsw.limit_in_bytes", "-1");
            let memory = write(&dir.path, "memory.limit_in_bytes", &bytes);
            let swap = write(&dir.path, "memory.memsw.limit_in_bytes", &bytes);
            (memory, swap)
        }
        Version::V2 => (
            write(&dir.path, "memory.max", &bytes),
            write(&dir.path, "memory.swap.max", "0"),
        ),
    };
    report.note(Limit::Memory, memory);
    if swap.is_ok() || meminfo_kb("SwapTotal").unwrap_or(0) > 0 {
        report.note(Limit::Swap, swap);
    }
}

fn write(dir: &Path, file: &str, value: &str) -> Result<(), String> {
    let path = dir.join(file);
    fs::write(&path, value).map_err(|error| format!("{}: {error}", path.display()))
}
