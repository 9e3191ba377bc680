//! All thirteen statuses, each from its real cause.

use crate::harness::{Gate, Place, Proxy, Repository, Script, Server, until};
use http::Method;
use serde_json::json;
use std::fs::File;
use std::path::{Path, PathBuf};

/// A step that lasts until it is stopped.
const FOR_EVER: &str = "RUN echo waiting && sleep 1000000";

testkit::for_each_store! {
    async fn the_phases_are_seen_in_order_and_end_in_success(url: &str) {
        let server = Server::with().database(url).start().await;
        let repository = Repository::with_steps("RUN sleep 0.3");
        let place = Place::new(&server, &repository).await;
        let id = place.build().await;
        let mut seen: Vec<String> = Vec::new();
        let build = until("the build to end", async || {
            let build = place.get(&id).await;
            let status = build["status"].as_str().unwrap().to_owned();
            if seen.last() != Some(&status) {
                seen.push(status);
            }
            (build["concluded"] == true).then_some(build)
        })
        .await;
        let order =
            ["QUEUED", "PENDING", "STARTING", "CLONING", "BUILDING", "UPLOADING", "SUCCESS"];
        let steps: Vec<_> =
            seen.iter().map(|s| order.iter().position(|o| o == s).expect(s)).collect();
        assert!(steps.is_sorted(), "{seen:?}");
        assert!(seen.iter().any(|s| s == "BUILDING"), "{seen:?}");
        assert_eq!(build["status"], "SUCCESS", "{build:#} {:?}", place.lines(&id).await);
        assert_eq!(build["success"], true);
        assert_eq!(build["message"], "Image successfully built");
        assert_eq!(build["sha"].as_str().unwrap(), repository.git(&["rev-parse", "HEAD"]));
        let time = |name: &str| build[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        assert_eq!(build["buildConcludedAt"], time("concludedAt").as_second());
        assert!(time("createdAt") <= time("startedAt") && time("startedAt") < time("concludedAt"));
        assert!(build["registry"]["uri"].as_str().unwrap().ends_with(&format!("shop/web:{id}")));
    }
}

/// Each phase is held back until it was seen.
#[tokio::test]
async fn one_build_shows_every_phase() {
    let proxy = Proxy::start().await;
    let worker = proxy.worker();
    let server = Server::with()
        .env("BOATYARD_WORKER_PROGRAM", worker)
        .start()
        .await;
    proxy.leads_to(&server);
    let repository = Repository::with_steps("");
    let place = Place::new(&server, &repository).await;
    place.reaches(&place.build().await, "SUCCESS").await;
    until("the first worker to be gone", async || {
        server.leftovers().is_empty().then_some(())
    })
    .await;
    let gate = Gate::new();
    let dockerfile = std::fs::read_to_string(repository.path().join("Dockerfile")).unwrap();
    let step = gate.step("true", "true");
    repository.write("Dockerfile", &format!("{dockerfile}{step}\n"));
    repository.commit("a gate");
    // Who tidies a service's cache or writes to a mirror keeps builds waiting.
    let cache = server.data_dir().join("cache");
    let of_service = |path: &PathBuf| path.join("lock").is_file();
    let of_mirror = |path: &PathBuf| path.extension().is_some_and(|end| end == "lock");
    let tidying = locked(&entry(&cache, of_service).join("lock"));
    let fetching = locked(&entry(&cache.join("git"), of_mirror));
    proxy.holds(Method::POST, "/blobs/uploads/");

    let id = place.build().await;
    place.reaches(&id, "STARTING").await;
    drop(tidying);
    place.reaches(&id, "CLONING").await;
    drop(fetching);
    gate.reached(&place, &id).await;
    assert_eq!(place.get(&id).await["status"], "BUILDING");
    gate.open();
    proxy.is_met().await;
    place.reaches(&id, "UPLOADING").await;
    proxy.lets_go();
    place.reaches(&id, "SUCCESS").await;
}

fn entry(folder: &Path, is_it: impl Fn(&PathBuf) -> bool) -> PathBuf {
    let mut entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries.find(is_it).unwrap()
}

fn locked(file: &Path) -> File {
    let file = File::open(file).unwrap();
    file.lock().unwrap();
    file
}

#[tokio::test]
async fn queued_by_the_limit_and_goes_on_when_there_is_room() {
    let server = Server::with()
        .env("BOATYARD_MAX_CONCURRENT_BUILDS", 1)
        .start()
        .await;
    let repository = Repository::with_steps(FOR_EVER);
    let place = Place::new(&server, &repository).await;
    let first = place.build().await;
    place.logs(&first, "waiting").await;
    let second = place.build().await;
    assert_eq!(place.get(&second).await["status"], "QUEUED");
    place.abort(&first).await.data();
    place.reaches(&second, "BUILDING").await;
    place.abort(&second).await.data();
}

#[tokio::test]
async fn pending_until_the_worker_comes() {
    // Takes its time before it does anything: a node that is slow to start.
    let slow = Script::new("exec sleep 1000");
    let server = Server::with()
        .env("BOATYARD_WORKER_PROGRAM", slow.path().display())
        .start()
        .await;
    let repository = Repository::with_steps("");
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    place.reaches(&id, "PENDING").await;
    place.abort(&id).await.data();
    assert_eq!(place.get(&id).await["status"], "ABORTED");
}

#[tokio::test]
async fn unschedulable_by_a_plan_larger_than_the_machine() {
    let server = Server::start().await;
    let repository = Repository::with_steps("");
    let plan = json!({"billing": {"buildPlan": "nf-compute-1600-32"}});
    let place = Place::named(&server, "shop", "big", &repository, plan).await;
    let id = place.build().await;
    let build = place.reaches(&id, "UNSCHEDULABLE").await;
    assert_eq!(build["reason"], "plan_too_large");
    assert!(
        build["message"]
            .as_str()
            .unwrap()
            .contains("nf-compute-1600-32")
    );
    let small = Place::named(&server, "shop", "small", &repository, json!({})).await;
    let other = small.build().await;
    assert_eq!(
        small.ends(&other).await["status"],
        "SUCCESS",
        "a held build holds up nobody"
    );
    let second = place.build().await;
    place.reaches(&second, "UNSCHEDULABLE").await;
    let patch = "/v1/projects/shop/services/build/big";
    let smaller = json!({"billing": {"buildPlan": "nf-compute-100-2"}});
    place.api.call("PATCH", patch, Some(smaller)).await.data();
    let third = place.build().await;
    place.reaches(&third, "SUCCESS").await;
    for held in [id, second] {
        assert_eq!(place.get(&held).await["status"], "UNSCHEDULABLE");
        place.abort(&held).await.data();
    }
}

#[tokio::test]
async fn an_unschedulable_build_is_given_up_in_the_end() {
    let server = Server::with()
        .env("BOATYARD_UNSCHEDULABLE_FOR", 1)
        .start()
        .await;
    let repository = Repository::with_steps("");
    let plan = json!({"billing": {"buildPlan": "nf-compute-1600-32"}});
    let place = Place::named(&server, "shop", "big", &repository, plan).await;
    let id = place.build().await;
    let build = place.ends(&id).await;
    assert_eq!(build["status"], "SUBMISSION_FAILURE");
    assert_eq!(build["reason"], "unschedulable_too_long");
}

#[tokio::test]
async fn submission_failure_when_no_worker_can_be_started() {
    let program = Script::new("exit 3");
    let path = program.path().display().to_string();
    let server = Server::with()
        .env("BOATYARD_WORKER_PROGRAM", &path)
        .start()
        .await;
    drop(program);
    let repository = Repository::with_steps("");
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    let build = place.ends(&id).await;
    assert_eq!(build["status"], "SUBMISSION_FAILURE");
    assert_eq!(build["reason"], "worker_not_started");
    assert!(
        build["message"].as_str().unwrap().contains(&path),
        "{build}"
    );
}

#[tokio::test]
async fn submission_failure_when_workers_end_before_they_begin() {
    let broken = Script::new("echo no such luck >&2; exit 3");
    let server = Server::with()
        .env("BOATYARD_WORKER_PROGRAM", broken.path().display())
        .start()
        .await;
    let repository = Repository::with_steps("");
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    let build = place.ends(&id).await;
    assert_eq!(build["status"], "SUBMISSION_FAILURE");
    let message = build["message"].as_str().unwrap();
    assert!(
        message.contains("exit code 3") && message.contains("no such luck"),
        "{message}"
    );
}

/// One build on a server of its own; how it ended.
async fn outcome(repository: &Repository, body: serde_json::Value) -> serde_json::Value {
    let server = Server::start().await;
    let place = Place::new(&server, repository).await;
    let id = place.start(body).await;
    let build = place.ends(&id).await;
    // The log is closed right after the build is concluded.
    let closed = format!("==> {}: ", build["status"].as_str().unwrap());
    place.logs(&id, &closed).await;
    build
}

#[tokio::test]
async fn failure_by_a_failing_step_names_the_step() {
    let repository = Repository::with_steps("RUN echo about to fail && exit 7");
    let build = outcome(&repository, json!({"branch": "main"})).await;
    assert_eq!(
        (&build["status"], &build["reason"]),
        (&json!("FAILURE"), &json!("step_failed"))
    );
    let message = build["message"].as_str().unwrap();
    assert!(
        message.contains("about to fail") && message.contains('7'),
        "{message}"
    );
    assert_eq!(build["success"], false);
    assert!(build["registry"]["uri"].is_null());
}

#[tokio::test]
async fn failure_by_a_missing_dockerfile() {
    let build = outcome(&Repository::empty(), json!({"branch": "main"})).await;
    assert_eq!(
        (&build["status"], &build["reason"]),
        (&json!("FAILURE"), &json!("dockerfile_not_found"))
    );
}

#[tokio::test]
async fn failure_by_an_unknown_branch() {
    let build = outcome(&Repository::empty(), json!({"branch": "nobody/knows"})).await;
    assert_eq!(
        (&build["status"], &build["reason"]),
        (&json!("FAILURE"), &json!("git_ref_not_found"))
    );
    assert!(build["message"].as_str().unwrap().contains("nobody/knows"));
}

#[tokio::test]
async fn failure_by_an_unknown_commit() {
    let sha = "0123456789012345678901234567890123456789";
    let build = outcome(&Repository::empty(), json!({"branch": "main", "sha": sha})).await;
    assert_eq!(
        (&build["status"], &build["reason"]),
        (&json!("FAILURE"), &json!("git_commit_not_found"))
    );
}

#[tokio::test]
async fn failure_by_a_repository_that_is_gone() {
    let repository = Repository::with_steps("");
    let server = Server::start().await;
    let place = Place::new(&server, &repository).await;
    drop(repository);
    let id = place.build().await;
    let build = place.ends(&id).await;
    assert_eq!(
        (&build["status"], &build["reason"]),
        (&json!("FAILURE"), &json!("git_repository_not_found"))
    );
}

#[tokio::test]
async fn aborted_in_the_queue_and_in_every_running_phase() {
    let server = Server::with()
        .env("BOATYARD_MAX_CONCURRENT_BUILDS", 1)
        .start()
        .await;
    let repository = Repository::with_steps(FOR_EVER);
    let place = Place::new(&server, &repository).await;
    let running = place.build().await;
    place.logs(&running, "waiting").await;
    let queued = place.build().await;
    place.abort(&queued).await.data();
    let build = place.get(&queued).await;
    assert_eq!(
        (&build["status"], &build["reason"]),
        (&json!("ABORTED"), &json!("aborted_by_request"))
    );
    place.abort(&running).await.data();
    assert_eq!(place.get(&running).await["status"], "ABORTED");
    until("the worker and its engine to be gone", async || {
        server.leftovers().is_empty().then_some(())
    })
    .await;
    let again = place.abort(&running).await;
    again.data();
}

#[tokio::test]
async fn aborting_what_succeeded_is_a_conflict() {
    let server = Server::start().await;
    let repository = Repository::with_steps("");
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    place.reaches(&id, "SUCCESS").await;
    let message = place.abort(&id).await.refusal(409);
    assert!(message.contains("SUCCESS"), "{message}");
}

#[tokio::test]
async fn crashed_by_kill_9_of_the_worker() {
    let server = Server::start().await;
    let repository = Repository::with_steps(FOR_EVER);
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    place.logs(&id, "waiting").await;
    for pid in server.workers() {
        let pid = rustix::process::Pid::from_raw(pid as i32).unwrap();
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
    let build = place.ends(&id).await;
    assert_eq!(
        (&build["status"], &build["reason"]),
        (&json!("CRASHED"), &json!("worker_lost"))
    );
    until("nothing of the build to run", async || {
        server.leftovers().is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn crashed_by_out_of_memory() {
    let server = Server::start().await;
    // tail keeps the whole endless line in memory.
    let repository = Repository::with_steps("RUN echo eating && tail /dev/zero");
    let plan = json!({"billing": {"buildPlan": "nf-compute-10"}});
    let place = Place::named(&server, "shop", "greedy", &repository, plan).await;
    let id = place.build().await;
    let build = place.ends(&id).await;
    assert_eq!(
        (&build["status"], &build["reason"]),
        (&json!("CRASHED"), &json!("out_of_memory")),
        "{build:#} {:?}",
        place.lines(&id).await
    );
}

#[tokio::test]
async fn crashed_by_the_time_limit() {
    let server = Server::with()
        .env("BOATYARD_BUILD_TIME_LIMIT", 3)
        .start()
        .await;
    let repository = Repository::with_steps(FOR_EVER);
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    let build = place.ends(&id).await;
    assert_eq!(
        (&build["status"], &build["reason"]),
        (&json!("CRASHED"), &json!("time_limit_exceeded"))
    );
}

#[tokio::test]
async fn in_progress_by_a_worker_that_cannot_tell_its_phase() {
    // A worker that speaks the protocol by hand: claims, says IN_PROGRESS, and waits.
    let speak = r#"
ask() { curl -sf -X POST -H "Authorization: Bearer $BOATYARD_WORKER_TOKEN" -H 'Content-Type: application/json' -d "$2" "$BOATYARD_WORKER_SERVER/worker/v1/$1"; }
ask claim '{"process":"hand","version":"0"}' && ask status '{"status":"IN_PROGRESS"}' && exec sleep 1000"#;
    let hand = Script::new(speak);
    let server = Server::with()
        .env("BOATYARD_WORKER_PROGRAM", hand.path().display())
        .start()
        .await;
    let repository = Repository::with_steps("");
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    place.reaches(&id, "IN_PROGRESS").await;
    place.abort(&id).await.data();
}

#[tokio::test]
async fn crashed_when_the_worker_is_not_heard_of() {
    let speak = r#"
ask() { curl -sf -X POST -H "Authorization: Bearer $BOATYARD_WORKER_TOKEN" -H 'Content-Type: application/json' -d "$2" "$BOATYARD_WORKER_SERVER/worker/v1/$1"; }
ask claim '{"process":"hand","version":"0"}' && exec sleep 1000"#;
    let mute = Script::new(speak);
    let server = Server::with()
        .env("BOATYARD_WORKER_PROGRAM", mute.path().display())
        .env("BOATYARD_LEASE", 2)
        .start()
        .await;
    let repository = Repository::with_steps("");
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    let build = place.ends(&id).await;
    assert_eq!(
        (&build["status"], &build["reason"]),
        (&json!("CRASHED"), &json!("worker_lost"))
    );
    assert!(
        build["message"].as_str().unwrap().contains("not heard of"),
        "{build}"
    );
}
