//! A crash leaves nothing of what the processes with secrets know.

use crate::harness::{Gate, Place, Repository, Server};

/// How large a core dump of the process may be, in bytes.
fn core_limit(pid: u32) -> u64 {
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let mut lines = limits.lines();
    let line = lines.find_map(|line| line.strip_prefix("Max core file size"));
    let soft = line.unwrap().split_whitespace().next().unwrap();
    soft.parse().unwrap_or(u64::MAX)
}

#[tokio::test]
async fn neither_server_nor_worker_leaves_one() {
    let server = Server::start().await;
    let gate = Gate::new();
    let repository = Repository::with_steps(&gate.step("true", "true"));
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    gate.reached(&place, &id).await;
    let workers = server.workers();
    assert!(!workers.is_empty());
    for pid in workers.into_iter().chain([server.pid()]) {
        assert!(core_limit(pid) <= 1, "{pid}");
    }
}
