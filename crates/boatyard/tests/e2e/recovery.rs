//! Restarts and crashes: no build is lost, none is run twice, and the end is the truth.

use crate::harness::{Place, Repository, Server, until};
use serde_json::json;
use std::path::Path;

/// A step that waits until the test lets it go on, through a file that the host can see.
fn waits_for(gate: &Path) -> String {
    // With the machine's network and no shared folder, a step sees only the network: a listening
    // socket is the gate.
    let port = gate.display();
    format!("RUN echo waiting; until nc 127.0.0.1 {port} -e true; do sleep 0.1; done; echo through")
}

struct Gate {
    port: u16,
}

impl Gate {
    fn new() -> Gate {
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        Gate { port }
    }

    fn step(&self) -> String {
        waits_for(Path::new(&self.port.to_string()))
    }

    fn open(&self) -> std::net::TcpListener {
        std::net::TcpListener::bind(("127.0.0.1", self.port)).unwrap()
    }
}

testkit::for_each_store! {
    async fn a_build_survives_a_clean_stop_of_the_server(url: &str) {
        let mut server =
            Server::with().database(url).env("BOATYARD_STEP_NETWORK", "host").start().await;
        let gate = Gate::new();
        let repository = Repository::with_steps(&gate.step());
        let place = Place::new(&server, &repository).await;
        let id = place.build().await;
        place.logs(&id, "waiting").await;
        let worker = server.workers();
        assert!(server.terminate(), "SIGTERM ends the server cleanly");
        assert_eq!(server.workers(), worker, "the worker builds on");
        let _open = gate.open();
        server.launch().await;
        let build = place.ends(&id).await;
        assert_eq!(build["status"], "SUCCESS", "{build:#} {:?}", place.lines(&id).await);
        let lines = place.lines(&id).await;
        let through = lines.iter().filter(|line| line.contains("through")).count();
        // Once in the step's own text, once printed.
        assert_eq!(through, 2, "{lines:?}");
    }

    async fn kill_9_of_the_server_loses_neither_running_nor_queued_builds(url: &str) {
        let mut server = Server::with()
            .database(url)
            .env("BOATYARD_MAX_CONCURRENT_BUILDS", 1)
            .env("BOATYARD_STEP_NETWORK", "host")
            .start()
            .await;
        let gate = Gate::new();
        let repository = Repository::with_steps(&gate.step());
        let place = Place::new(&server, &repository).await;
        let running = place.build().await;
        place.logs(&running, "waiting").await;
        let queued = place.build().await;
        server.kill();
        server.launch().await;
        let _open = gate.open();
        assert_eq!(place.ends(&running).await["status"], "SUCCESS");
        assert_eq!(place.ends(&queued).await["status"], "SUCCESS");
        let list = place.api.get(&format!("{}/build", place.path())).await;
        assert_eq!(list.data()["builds"].as_array().unwrap().len(), 2);
    }

    async fn kill_9_of_server_and_worker_ends_in_a_crash_that_says_so(url: &str) {
        let mut server = Server::with().database(url).start().await;
        let repository = Repository::with_steps("RUN echo waiting && sleep 1000000");
        let place = Place::new(&server, &repository).await;
        let id = place.build().await;
        place.logs(&id, "waiting").await;
        let workers = server.workers();
        server.kill();
        for pid in workers {
            let pid = rustix::process::Pid::from_raw(pid as i32).unwrap();
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        server.launch().await;
        let build = place.ends(&id).await;
        assert_eq!((&build["status"], &build["reason"]), (&json!("CRASHED"), &json!("worker_lost")));
        until("nothing of it to run", async || server.leftovers().is_empty().then_some(())).await;
        let lines = place.lines(&id).await;
        assert!(lines.iter().any(|line| line.contains("waiting")), "{lines:?}");
        let again = place.build().await;
        place.logs(&again, "waiting").await;
        place.abort(&again).await.data();
    }
}

#[tokio::test]
async fn an_abort_while_the_worker_cannot_be_reached_counts_all_the_same() {
    let mut server = Server::start().await;
    let repository = Repository::with_steps("RUN echo waiting && sleep 1000000");
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    place.logs(&id, "waiting").await;
    server.kill();
    server.launch().await;
    place.abort(&id).await.data();
    assert_eq!(place.get(&id).await["status"], "ABORTED");
    until("the worker to notice", async || {
        server.leftovers().is_empty().then_some(())
    })
    .await;
}
