//! What a build sends and receives: over its room's way out, and through the gates to registries,
//! which lie on the room's loopback and so do not count there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::add;

/// What passed the gates. Clones count together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traffic {
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    ingress: AtomicU64,
    egress: AtomicU64,
}

impl Traffic {
    /// So much came for the build.
    pub(crate) fn came(&self, bytes: usize) {
        add(&self.counts.ingress, bytes);
    }

    /// So much went from the build.
    pub(crate) fn went(&self, bytes: usize) {
        add(&self.counts.egress, bytes);
    }

    /// What came and what went so far.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (read(&self.counts.ingress), read(&self.counts.egress))
    }
}

/// Bytes that a process's network has received from outside, and sent there; `None` when the process
/// is gone.
pub(super) fn outside(pid: u32) -> Option<(u64, u64)> {
    let table = std::fs::read_to_string(format!("/proc/{pid}/net/dev")).ok()?;
    Some(sum(&table))
}

/// Adds up the table of `/proc/PID/net/dev` but for loopback: after an interface's name come eight
/// columns of what it received and eight of what it sent, bytes first.
fn sum(table: &str) -> (u64, u64) {
    let interface = |line: &str| {
        let (name, columns) = line.split_once(':')?;
        let mut columns = columns.split_whitespace().map(|text| text.parse().ok());
        let (received, sent): (u64, u64) = (columns.next()??, columns.nth(7)??);
        (name.trim() != "lo").then_some((received, sent))
    };
    table
        .lines()
        .filter_map(interface)
        .fold((0, 0), |(r, s), (received, sent)| (r + received, s + sent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_not_outside() {
        let table = "Inter-|   Receive                            |  Transmit\n \
             face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs\n    \
             lo: 999 9 0 0 0 0 0 0 999 9 0 0 0 0 0 0\n  \
             tap0: 1200 3 0 0 0 0 0 0 340 2 0 0 0 0 0 0\n  \
             eth1:5 1 0 0 0 0 0 0 7 1 0 0 0 0 0 0\n";
        assert_eq!(sum(table), (1205, 347));
        assert_eq!(sum(""), (0, 0));
    }
}
