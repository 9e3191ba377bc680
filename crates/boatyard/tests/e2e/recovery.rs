//! Restarts and crashes: no build is lost, none is run twice, and the end is the truth.

use crate::harness::{Gate, Place, Repository, Server, until};
use serde_json::json;

testkit::for_each_store! {
    async fn a_build_survives_a_clean_stop_of_the_server(url: &str) {
        let mut server = Server::with().database(url).start().await;
        let gate = Gate::new();
        let repository = Repository::with_steps(&gate.step("true", "echo through"));
        let place = Place::new(&server, &repository).await;
        let id = place.build().await;
        gate.reached(&place, &id).await;
        let worker = server.workers();
        assert!(server.terminate(), "SIGTERM ends the server cleanly");
        assert_eq!(server.workers(), worker, "the worker builds on");
        gate.open();
        server.launch().await;
        let build = place.ends(&id).await;
        assert_eq!(build["status"], "SUCCESS", "{build:#} {:?}", place.lines(&id).await);
        let lines = place.lines(&id).await;
        let through = lines.iter().filter(|line| line.contains("through")).count();
        // Once in the step's own text, once printed.
        assert_eq!(through, 2, "{lines:?}");
    }

    async fn kill_9_of_the_server_loses_neither_running_nor_queued_builds(url: &str) {
        let mut server =
            Server::with().database(url).env("BOATYARD_MAX_CONCURRENT_BUILDS", 1).start().await;
        let gate = Gate::new();
        let repository = Repository::with_steps(&gate.step("true", "echo through"));
        let place = Place::new(&server, &repository).await;
        let running = place.build().await;
        gate.reached(&place, &running).await;
        let queued = place.build().await;
        server.kill();
        server.launch().await;
        gate.open();
        assert_eq!(place.ends(&running).await["status"], "SUCCESS");
        // The second build finds the layer in the cache: nothing waits a second time.
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

/// Neither a running build nor one whose end nobody takes keeps a worker that is told to go.
#[tokio::test]
async fn a_worker_without_a_server_ends_when_it_is_told_to() {
    let mut server = Server::start().await;
    let gate = Gate::new();
    let failing = format!("{}\nRUN false", gate.step("true", "true"));
    let repository = Repository::with_steps(&failing);
    let place = Place::new(&server, &repository).await;
    let waits = place.build().await;
    gate.reached(&place, &waits).await;
    server.kill();
    server.tell_workers_to_end();
    until("the worker to go", async || {
        server.leftovers().is_empty().then_some(())
    })
    .await;

    server.launch().await;
    let ends = place.build().await;
    gate.reached(&place, &ends).await;
    server.kill();
    assert!(server.engine_runs());
    gate.open();
    until("the engine to be done", async || {
        (!server.engine_runs()).then_some(())
    })
    .await;
    server.tell_workers_to_end();
    until("the worker to go", async || {
        server.leftovers().is_empty().then_some(())
    })
    .await;
}
