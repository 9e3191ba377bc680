//! What a group has used so far.

use std::fs;
use std::path::Path;

use super::GroupDir;
use super::hierarchy::Version;

/// What the processes of a group, and of the groups below it, have used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Processor time in microseconds since the group was made; `None` where the machine does not
    /// count it by group.
    pub cpu_usec: Option<u64>,
    /// Memory in use now, in bytes, without file cache the kernel could drop at once; `None` where
    /// the machine does not count it by group.
    pub memory_bytes: Option<u64>,
    /// The most memory ever in use, in bytes, file cache included. Zero where the kernel does not
    /// keep it (version 2 before Linux 5.19).
    pub memory_peak_bytes: u64,
}

pub(super) fn read(dirs: &[GroupDir]) -> Stats {
    let mut stats = Stats::default();
    for dir in dirs {
        let has = |controller: &str| dir.controllers.iter().any(|name| name == controller);
        let path = &dir.path;
        match dir.version {
            Version::V1 if has("cpuacct") => {
                stats.cpu_usec = stats
                    .cpu_usec
                    .max(Some(number(path, "cpuacct.usage") / 1000));
            }
            Version::V2 => {
                let usage = field(path, "cpu.stat", "usage_usec");
                stats.cpu_usec = stats.cpu_usec.max(Some(usage));
            }
            Version::V1 => {}
        }
        if has("memory") {
            let (current, peak, idle_cache) = match dir.version {
                Version::V1 => (
                    number(path, "memory.usage_in_bytes"),
                    number(path, "memory.max_usage_in_bytes"),
                    field(path, "memory.stat", "total_inactive_file"),
                ),
                Version::V2 => (
                    number(path, "memory.current"),
                    number(path, "memory.peak"),
                    field(path, "memory.stat", "inactive_file"),
                ),
            };
            stats.memory_bytes = Some(current.saturating_sub(idle_cache));
            stats.memory_peak_bytes = peak;
        }
    }
    stats
}

fn number(dir: &Path, file: &str) -> u64 {
    let text = fs::read_to_string(dir.join(file)).unwrap_or_default();
    text.trim().parse().unwrap_or(0)
}

fn field(dir: &Path, file: &str, key: &str) -> u64 {
    let text = fs::read_to_string(dir.join(file)).unwrap_or_default();
    text.lines()
        .find_map(|line| {
            line.strip_prefix(key)?
                .strip_prefix(' ')?
                .trim()
                .parse()
                .ok()
        })
        .unwrap_or(0)
}
