//! How much of the machine builds may use.
//!
//! `nproc` and `MemTotal` are not the answer inside a container: the affinity mask and the cgroup
//! this process sits in may allow less, and a dispatcher that overbooks gets builds killed.

use std::path::Path;

use crate::cgroup::hierarchy::{Hierarchies, Version};

/// What this process may use of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Processor time in hundredths of a core: 250 is two and a half cores. At least 1.
    pub cpu_hundredths: u32,
    /// Memory in mebibytes.
    pub memory_mb: u64,
}

/// Measures what this process may use: the smallest of the hardware, the processor affinity and
/// the limits of the cgroups it lives in.
#[must_use]
pub fn capacity() -> Capacity {
    let hierarchies = Hierarchies::detect();
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mut cpu = affinity_hundredths();
    let mut memory = memory_total_mb();
    for hierarchy in &hierarchies.all {
        let Some(own) = hierarchy.own_group(&groups) else {
            continue;
        };
        for dir in own.ancestors() {
            if !dir.starts_with(&hierarchy.mount) {
                break;
            }
            if let Some(quota) = cpu_quota_hundredths(dir, hierarchy.version) {
                cpu = cpu.min(quota);
            }
            if let Some(limit) = memory_limit_mb(dir, hierarchy.version) {
                memory = memory.min(limit);
            }
        }
    }
    Capacity {
        cpu_hundredths: cpu.max(1),
        memory_mb: memory,
    }
}

fn affinity_hundredths() -> u32 {
    rustix::thread::sched_getaffinity(None)
        .map(|set| set.count().max(1) * 100)
        .unwrap_or_else(|_| {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            u32::try_from(cores).unwrap_or(u32::MAX).saturating_mul(100)
        })
}

fn memory_total_mb() -> u64 {
    meminfo_kb("MemTotal").unwrap_or(0) / 1024
}

/// One line of `/proc/meminfo`, in kibibytes.
pub(crate) fn meminfo_kb(key: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    text.lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
}

fn cpu_quota_hundredths(dir: &Path, version: Version) -> Option<u32> {
    let (quota, period) = match version {
        Version::V1 => (
            std::fs::read_to_string(dir.join("cpu.cfs_quota_us")).ok()?,
            std::fs::read_to_string(dir.join("cpu.cfs_period_us")).ok()?,
        ),
        Version::V2 => {
            let text = std::fs::read_to_string(dir.join("cpu.max")).ok()?;
            let (quota, period) = text.split_once(' ')?;
            (quota.to_owned(), period.to_owned())
        }
    };
    quota_to_hundredths(&quota, &period)
}

/// `None` for no quota (`-1` or `max`).
fn quota_to_hundredths(quota: &str, period: &str) -> Option<u32> {
    let quota: u64 = quota.trim().parse().ok()?;
    let period: u64 = period.trim().parse().ok().filter(|period| *period > 0)?;
    u32::try_from(quota.saturating_mul(100) / period).ok()
}

fn memory_limit_mb(dir: &Path, version: Version) -> Option<u64> {
    let file = match version {
        Version::V1 => "memory.limit_in_bytes",
        Version::V2 => "memory.max",
    };
    let text = std::fs::read_to_string(dir.join(file)).ok()?;
    text.trim().parse::<u64>().ok().map(|bytes| bytes >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_something() {
        let capacity = capacity();
        assert!(capacity.cpu_hundredths >= 1);
        assert!(capacity.memory_mb > 16);
    }

    #[test]
    fn quotas_become_hundredths_of_a_core() {
        assert_eq!(quota_to_hundredths("150000", "100000\n"), Some(150));
        assert_eq!(quota_to_hundredths("-1", "100000"), None);
        assert_eq!(quota_to_hundredths("max", "100000"), None);
        assert_eq!(quota_to_hundredths("5", "0"), None);
    }
}
