//! Ending a family of processes where the machine offers neither control groups nor namespaces.
//! The last resort: it knows only descendants, wherever they moved their session.

use machine::{ProcessId, Signal};

/// A process and its descendants as they are now.
pub(super) fn family(pid: u32) -> Vec<ProcessId> {
    let mut pids = vec![pid];
    let mut next = 0;
    while let Some(&pid) = pids.get(next) {
        next += 1;
        pids.extend(children(pid));
    }
    pids.into_iter()
        .filter_map(|pid| ProcessId::of(pid).ok())
        .collect()
}

/// Kills each of them, parents first, with the children they had meanwhile.
pub(super) fn kill(family: Vec<ProcessId>) {
    for process in family {
        // Stopped first, so that it has no child between the look and the kill.
        if process.kill(Signal::STOP).is_err() {
            continue;
        }
        let young = children(process.pid);
        // Fails only for a process that ended by itself.
        let _ = process.kill(Signal::KILL);
        for child in young {
            kill(self::family(child));
        }
    }
}

fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    threads
        .flatten()
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|text| {
            text.split_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect::<Vec<u32>>()
        })
        .collect()
}
