//! What a build uses while it runs, measured from its own control group, network and folders.
//!
//! The sources come one by one while the build is prepared; what has no source has no value. Git
//! fetches in the machine's network, where nobody can tell a build's traffic from others'.

mod network;
mod sampler;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use machine::Cgroup;

pub(crate) use network::Traffic;
pub(crate) use sampler::Sampler;

/// What is measured of one build. Clones are one and the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measures {
    sources: Arc<Sources>,
}

#[derive(Debug, Default)]
struct Sources {
    /// Where processor time and memory are counted, once that is decided. Who takes the group down
    /// has to be its only owner.
    processes: OnceLock<Option<Weak<Cgroup>>>,
    /// The first process of the room, where the room has a network of its own.
    network: OnceLock<u32>,
    /// What passes the gates to registries.
    traffic: Traffic,
    /// Bytes on disk, when they were counted last.
    disk: Mutex<Option<u64>>,
}

/// What the sources say. Processor time and traffic count up from the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Reading {
    cpu_usec: Option<u64>,
    memory: Option<u64>,
    ingress: Option<u64>,
    egress: Option<u64>,
    disk: Option<u64>,
}

impl Measures {
    /// From now on processes are counted by this group, or where there is none by who descends from
    /// this process.
    pub(crate) fn processes(&self, group: Option<&Arc<Cgroup>>) {
        let _ = self.sources.processes.set(group.map(Arc::downgrade));
    }

    /// From now on the network of this process counts, and what passes the gates.
    pub(crate) fn network(&self, first: u32) {
        let _ = self.sources.network.set(first);
    }

    /// What passes the gates to registries.
    pub(crate) fn traffic(&self) -> &Traffic {
        &self.sources.traffic
    }

    /// The build has so many bytes on disk.
    pub(crate) fn disk(&self, bytes: u64) {
        *self
            .sources
            .disk
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(bytes);
    }

    /// Reads all of them. Belongs on a blocking thread.
    fn read(&self) -> Reading {
        let (cpu_usec, memory) = self.used();
        let network = self.sources.network.get().and_then(|first| {
            let (received, sent) = network::outside(*first)?;
            let (ingress, egress) = self.sources.traffic.bytes();
            Some((received + ingress, sent + egress))
        });
        Reading {
            cpu_usec,
            memory,
            ingress: network.map(|(ingress, _)| ingress),
            egress: network.map(|(_, egress)| egress),
            disk: *self
                .sources
                .disk
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        }
    }

    fn used(&self) -> (Option<u64>, Option<u64>) {
        let Some(group) = self.sources.processes.get() else {
            return (None, None);
        };
        let by_group = match group {
            None => machine::Stats::default(),
            Some(group) => match group.upgrade() {
                Some(group) => group.stats(),
                // Taken down: nothing is left to be measured.
                None => return (None, None),
            },
        };
        if by_group.cpu_usec.is_some() && by_group.memory_bytes.is_some() {
            return (by_group.cpu_usec, by_group.memory_bytes);
        }
        let by_descent = machine::used_by_descendants(std::process::id());
        (
            by_group.cpu_usec.or(by_descent.cpu_usec),
            by_group.memory_bytes.or(by_descent.memory_bytes),
        )
    }
}

/// Adds to a counter that only ever grows.
fn add(counter: &AtomicU64, bytes: usize) {
    counter.fetch_add(bytes as u64, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_source_has_no_value() {
        assert_eq!(Measures::default().read(), Reading::default());
    }

    #[test]
    fn without_a_group_descendants_are_measured() {
        let mut child = std::process::Command::new("sleep");
        let mut child = child.arg("1000").spawn().unwrap();
        let measures = Measures::default();
        measures.processes(None);
        measures.disk(4096);
        let reading = measures.read();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(
            reading.cpu_usec.is_some() && reading.memory > Some(0),
            "{reading:?}"
        );
        assert_eq!((reading.ingress, reading.disk), (None, Some(4096)));
    }

    #[test]
    fn a_network_counts_from_outside_and_through_the_gates() {
        let measures = Measures::default();
        measures.traffic().came(5);
        assert_eq!(measures.read().ingress, None);
        measures.network(std::process::id());
        let (outside, _) = network::outside(std::process::id()).unwrap();
        assert!(measures.read().ingress >= Some(outside + 5));
    }
}
