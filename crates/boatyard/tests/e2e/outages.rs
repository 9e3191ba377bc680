//! Server, database or disk away for a while: builds go on, every line arrives once, and what a
//! build ends with is the truth.

use crate::harness::{Gate, HandWorker, Place, Proxy, Repository, Server, until};
use http::Method;
use serde_json::json;
use std::time::{Duration, Instant};
use testkit::OwnPostgres;

/// The lease of these tests' servers, in seconds.
const LEASE: u64 = 2;
/// Lines that a step prints before its gate, and after it.
const LINES: usize = 1500;

#[derive(Clone, Copy)]
enum Stop {
    Term,
    Kill,
}

fn stop(server: &mut Server, how: Stop) {
    match how {
        Stop::Term => assert!(server.terminate(), "SIGTERM ends the server cleanly"),
        Stop::Kill => server.kill(),
    }
}

/// Waits until a worker that nobody heard of would have lost its lease.
async fn a_lease_runs_out() {
    let began = Instant::now();
    until("a lease to run out", async || {
        (began.elapsed() > Duration::from_secs(2 * LEASE)).then_some(())
    })
    .await;
}

fn prints(from: usize) -> String {
    let to = from + LINES - 1;
    format!("for i in $(seq {from} {to}); do echo \"line $i\"; done")
}

/// A step that prints lines, waits at the first gate, and prints more; another waits at the second.
fn talkative(first: &Gate, second: &Gate) -> Repository {
    let one = first.step(&prints(0), &prints(LINES));
    let two = second.step("true", "true");
    Repository::with_steps(&format!("{one}\n{two}"))
}

/// Every line is there, once, in its place.
async fn tells_every_line_once(place: &Place, id: &str) {
    let lines = place.lines(id).await;
    let numbers: Vec<usize> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("line ")?.parse().ok())
        .collect();
    assert!(numbers.iter().copied().eq(0..2 * LINES), "{numbers:?}");
}

async fn survives_while_building(how: Stop, longer_than_the_lease: bool) {
    let mut server = Server::with().env("BOATYARD_LEASE", LEASE).start().await;
    let (first, second) = (Gate::new(), Gate::new());
    let repository = talkative(&first, &second);
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    first.reached(&place, &id).await;
    stop(&mut server, how);
    first.open();
    // Everything of the first step is printed, to a server that is not there.
    second.holds().await;
    if longer_than_the_lease {
        a_lease_runs_out().await;
    }
    server.launch().await;
    second.reached(&place, &id).await;
    assert_eq!(place.get(&id).await["status"], "BUILDING");
    second.open();
    place.reaches(&id, "SUCCESS").await;
    tells_every_line_once(&place, &id).await;
}

#[tokio::test]
async fn the_server_stops_and_starts_while_a_build_talks() {
    survives_while_building(Stop::Term, false).await;
}

#[tokio::test]
async fn the_server_is_killed_and_starts_while_a_build_talks() {
    survives_while_building(Stop::Kill, false).await;
}

#[tokio::test]
async fn the_server_is_away_for_longer_than_the_lease() {
    survives_while_building(Stop::Kill, true).await;
}

#[tokio::test]
async fn the_server_stands_still_for_longer_than_the_lease() {
    let server = Server::with().env("BOATYARD_LEASE", LEASE).start().await;
    let (first, second) = (Gate::new(), Gate::new());
    let repository = talkative(&first, &second);
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    first.reached(&place, &id).await;
    server.freeze();
    first.open();
    second.holds().await;
    a_lease_runs_out().await;
    server.thaw();
    second.reached(&place, &id).await;
    second.open();
    place.reaches(&id, "SUCCESS").await;
    tells_every_line_once(&place, &id).await;
}

async fn survives_while_uploading(how: Stop) {
    let proxy = Proxy::start().await;
    let mut server = Server::with()
        .env("BOATYARD_LEASE", LEASE)
        .env("BOATYARD_WORKER_PROGRAM", proxy.worker())
        .start()
        .await;
    proxy.leads_to(&server);
    let repository = Repository::with_steps("RUN echo built");
    let place = Place::new(&server, &repository).await;
    proxy.holds(Method::PUT, "/manifests/");
    let id = place.build().await;
    proxy.is_met().await;
    place.reaches(&id, "UPLOADING").await;
    stop(&mut server, how);
    proxy.lets_go();
    a_lease_runs_out().await;
    server.launch().await;
    let build = place.reaches(&id, "SUCCESS").await;
    assert!(build["registry"]["uri"].is_string(), "{build}");
    let lines = place.lines(&id).await;
    let count = |text: &str| lines.iter().filter(|line| line.contains(text)).count();
    assert!(
        count("The registry cannot be reached; trying again") > 0,
        "{lines:#?}"
    );
    assert_eq!(count("==> Built image"), 1, "{lines:#?}");
    assert_eq!(count("==> SUCCESS"), 1, "{lines:#?}");
}

#[tokio::test]
async fn the_server_stops_and_starts_while_an_image_is_pushed() {
    survives_while_uploading(Stop::Term).await;
}

#[tokio::test]
async fn the_server_is_killed_and_starts_while_an_image_is_pushed() {
    survives_while_uploading(Stop::Kill).await;
}

/// The registry takes nothing before the server knows that the build is at its upload.
#[tokio::test]
async fn an_upload_waits_until_the_server_knows_of_it() {
    let proxy = Proxy::start().await;
    let server = Server::with()
        .env("BOATYARD_LEASE", LEASE)
        .env("BOATYARD_WORKER_PROGRAM", proxy.worker())
        .start()
        .await;
    proxy.leads_to(&server);
    let gate = Gate::new();
    let repository = Repository::with_steps(&gate.step("true", "true"));
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    gate.reached(&place, &id).await;
    place.reaches(&id, "BUILDING").await;
    proxy.answers(Method::POST, "/worker/v1/status", 503);
    gate.open();
    place.logs(&id, "==> Built image").await;
    a_lease_runs_out().await;
    assert_eq!(place.get(&id).await["status"], "BUILDING");
    proxy.lets_go();
    place.reaches(&id, "SUCCESS").await;
}

/// Everything that a worker could still try is refused, and changes nothing.
async fn is_fenced(server: &Server, place: &Place, id: &str, worker: &HandWorker) {
    let before = place.get(id).await;
    place
        .logs(id, &format!("==> {}: ", before["status"].as_str().unwrap()))
        .await;
    let lines = place.lines(id).await;
    let line = json!({"ts": 1, "text": "from the dead"});
    let success = json!({"status": "SUCCESS", "message": "not so", "digest": "sha256:00"});
    for (call, body) in [
        ("claim", json!({"process": "hand", "version": "0"})),
        ("heartbeat", json!({})),
        ("status", json!({"status": "BUILDING"})),
        ("logs", json!({"first_seq": 0, "lines": [line]})),
        ("logs", json!({"first_seq": lines.len(), "lines": [line]})),
        ("conclude", success),
    ] {
        worker.calls(server, call, body).await.refusal(410);
    }
    let push = reqwest::Client::new()
        .post(format!("{}/v2/shop/web/blobs/uploads/", server.url()))
        .basic_auth("boatyard", Some(worker.token().await))
        .send()
        .await
        .unwrap();
    assert_eq!(push.status(), 401);
    assert_eq!(place.get(id).await, before);
    assert_eq!(place.lines(id).await, lines);
}

#[tokio::test]
async fn a_worker_whose_lease_ran_out_writes_nothing_any_more() {
    let worker = HandWorker::new();
    let server = Server::with()
        .env("BOATYARD_WORKER_PROGRAM", worker.program())
        .env("BOATYARD_LEASE", LEASE)
        .start()
        .await;
    let repository = Repository::with_steps("");
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    worker.claims(&server).await;
    let line = json!({"first_seq": 0, "lines": [{"ts": 1, "text": "alive"}]});
    assert_eq!(worker.calls(&server, "logs", line).await.status, 200);
    let build = place.ends(&id).await;
    let end = (&build["status"], &build["reason"]);
    assert_eq!(end, (&json!("CRASHED"), &json!("worker_lost")), "{build}");
    is_fenced(&server, &place, &id, &worker).await;
}

#[tokio::test]
async fn a_worker_whose_build_was_aborted_writes_nothing_any_more() {
    let worker = HandWorker::new();
    let server = worker.served().await;
    let repository = Repository::with_steps("");
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    worker.claims(&server).await;
    place.abort(&id).await.data();
    is_fenced(&server, &place, &id, &worker).await;
}

/// Calls say that the database is away, and the process that it lives.
async fn says_the_database_is_away(server: &Server, place: &Place) {
    let status = async |path: &str| {
        let answer = reqwest::get(format!("{}{path}", server.url())).await;
        answer.unwrap().status().as_u16()
    };
    let answer = place.api.get("/v1/projects").await;
    let message = answer.refusal(503);
    assert!(message.contains("cannot reach its database"), "{message}");
    assert_eq!(answer.body["error"]["id"], "database-unavailable");
    assert_eq!(
        (status("/healthz").await, status("/readyz").await),
        (200, 503)
    );
}

#[tokio::test]
async fn the_database_is_away_for_longer_than_the_lease() {
    let mut database = OwnPostgres::start();
    let server = Server::with()
        .database(&database.url())
        .env("BOATYARD_LEASE", LEASE)
        .start()
        .await;
    let (first, second) = (Gate::new(), Gate::new());
    let repository = talkative(&first, &second);
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    first.reached(&place, &id).await;
    database.stop();
    first.open();
    second.holds().await;
    says_the_database_is_away(&server, &place).await;
    a_lease_runs_out().await;
    database.start_again();
    second.reached(&place, &id).await;
    assert_eq!(place.get(&id).await["status"], "BUILDING");
    second.open();
    place.reaches(&id, "SUCCESS").await;
    tells_every_line_once(&place, &id).await;
}

#[tokio::test]
async fn the_database_stands_still_for_longer_than_the_lease() {
    let database = OwnPostgres::start();
    let server = Server::with()
        .database(&database.url())
        .env("BOATYARD_LEASE", LEASE)
        .start()
        .await;
    let (first, second) = (Gate::new(), Gate::new());
    let repository = talkative(&first, &second);
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    first.reached(&place, &id).await;
    database.freeze();
    first.open();
    second.holds().await;
    a_lease_runs_out().await;
    database.thaw();
    second.reached(&place, &id).await;
    second.open();
    place.reaches(&id, "SUCCESS").await;
    tells_every_line_once(&place, &id).await;
}

#[tokio::test]
async fn a_worker_that_dies_while_the_database_is_away_is_not_forgotten() {
    let mut database = OwnPostgres::start();
    let server = Server::with().database(&database.url()).start().await;
    let gate = Gate::new();
    let repository = Repository::with_steps(&gate.step("true", "true"));
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    gate.reached(&place, &id).await;
    database.stop();
    for pid in server.workers() {
        let pid = rustix::process::Pid::from_raw(pid as i32).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }
    until("the server to see the worker's end", async || {
        server.workers().is_empty().then_some(())
    })
    .await;
    database.start_again();
    // The worker's lease runs for half a minute yet: it is its end that tells.
    let build = place.ends(&id).await;
    let end = (&build["status"], &build["reason"]);
    assert_eq!(end, (&json!("CRASHED"), &json!("worker_lost")), "{build}");
    let message = build["message"].as_str().unwrap();
    assert!(message.contains("signal 9"), "{message}");
}

#[tokio::test]
async fn a_full_disk_under_the_database_refuses_what_is_new_and_keeps_what_runs() {
    let server = Server::with()
        .disk("database", 4)
        .database_in("database")
        .env("BOATYARD_LEASE", LEASE)
        .start()
        .await;
    let gate = Gate::new();
    let repository = Repository::with_steps(&gate.step("true", "true"));
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    gate.reached(&place, &id).await;
    let filler = server.data_dir().join("database/filler");
    let full = std::fs::write(&filler, vec![0; 8 << 20]).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    until("a build to be refused for want of space", async || {
        let body = json!({"branch": "main"});
        let answer = place
            .api
            .post(&format!("{}/build", place.path()), body)
            .await;
        (answer.status == 507).then_some(())
    })
    .await;
    let list = format!("{}/build", place.path());
    let builds = place.api.get(&list).await.data()["builds"]
        .as_array()
        .unwrap()
        .len();
    a_lease_runs_out().await;
    std::fs::remove_file(filler).unwrap();
    gate.open();
    place.reaches(&id, "SUCCESS").await;
    let after = place.api.get(&list).await.data()["builds"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(after, builds, "what was refused was not stored");
}
