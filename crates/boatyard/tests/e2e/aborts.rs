//! An abort takes effect at once in every phase: the build is ABORTED when the call is answered,
//! and soon nothing of it runs any more. How soon is printed, not asserted.

use crate::harness::{
    Gate, GitServer, HandWorker, Manner, Place, Proxy, Repository, Server, until,
};
use http::Method;
use serde_json::json;
use std::fs::File;
use std::time::Instant;

/// Aborts the build and waits until nothing of it is left; prints how long both took.
async fn aborts(server: &Server, place: &Place, id: &str, phase: &str) {
    assert_eq!(place.get(id).await["status"], phase);
    assert!(!server.workers().is_empty(), "a worker has the build");
    let began = Instant::now();
    place.abort(id).await.data();
    let build = place.get(id).await;
    let answered = began.elapsed();
    let end = (&build["status"], &build["reason"]);
    assert_eq!(
        end,
        (&json!("ABORTED"), &json!("aborted_by_request")),
        "{build}"
    );
    until("nothing of the build to run", async || {
        server.leftovers().is_empty().then_some(())
    })
    .await;
    println!(
        "aborted in {phase}: listed after {} ms, nothing runs after {} ms",
        answered.as_millis(),
        began.elapsed().as_millis()
    );
    if phase != "PENDING" {
        place.logs(id, "==> ABORTED: Aborted by the token").await;
    }
    until("its folder to be gone", async || {
        match std::fs::read_dir(server.data_dir().join("work")) {
            Ok(mut left) => left.next().is_none().then_some(()),
            Err(_) => Some(()),
        }
    })
    .await;
    assert_eq!(place.get(id).await, build, "nothing came after the end");
}

#[tokio::test]
async fn while_pending() {
    // Its process is there and never comes for the build.
    let worker = HandWorker::new();
    let server = worker.served().await;
    let repository = Repository::with_steps("");
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    worker.token().await;
    aborts(&server, &place, &id, "PENDING").await;
}

#[tokio::test]
async fn while_starting() {
    let server = Server::start().await;
    let repository = Repository::with_steps("");
    let place = Place::new(&server, &repository).await;
    place.reaches(&place.build().await, "SUCCESS").await;
    until("the first worker to be gone", async || {
        server.leftovers().is_empty().then_some(())
    })
    .await;
    // The service's cache is being tidied, and a build waits for that before it does anything.
    let caches = std::fs::read_dir(server.data_dir().join("cache")).unwrap();
    let cache = caches
        .map(|entry| entry.unwrap().path())
        .find(|path| !path.ends_with("git"))
        .unwrap();
    let tidying = File::open(cache.join("lock")).unwrap();
    tidying.lock().unwrap();
    let id = place.build().await;
    place.reaches(&id, "STARTING").await;
    aborts(&server, &place, &id, "STARTING").await;
    drop(tidying);
    place.reaches(&place.build().await, "SUCCESS").await;
}

#[tokio::test]
async fn while_cloning() {
    let repository = Repository::with_steps("");
    let git = GitServer::start().await;
    let url = git.serves("web", &repository);
    git.behaves(Manner::HangsBeforeObjects);
    let server = Server::start().await;
    let place = Place::at(&server, "shop", "web", &url, json!({})).await;
    let id = place.build().await;
    git.is_asked_for_objects().await;
    place.reaches(&id, "CLONING").await;
    aborts(&server, &place, &id, "CLONING").await;
    git.behaves(Manner::Well);
    place.reaches(&place.build().await, "SUCCESS").await;
}

/// Files in mirrors that git makes while it fetches, and only then.
fn half_fetched(server: &Server) -> usize {
    let mirrors = std::fs::read_dir(server.data_dir().join("cache/git"));
    let packs = mirrors.into_iter().flatten().flatten();
    packs
        .filter_map(|mirror| std::fs::read_dir(mirror.path().join("objects/pack")).ok())
        .flat_map(|files| files.flatten())
        .filter(|file| file.file_name().to_string_lossy().starts_with("tmp_"))
        .count()
}

#[tokio::test]
async fn while_cloning_with_half_of_it_here() {
    let repository = Repository::with_steps("");
    let git = GitServer::start().await;
    let url = git.serves("web", &repository);
    git.behaves(Manner::HangsAmidObjects);
    let server = Server::start().await;
    let place = Place::at(&server, "shop", "web", &url, json!({})).await;
    let id = place.build().await;
    until("objects to come in", async || {
        (half_fetched(&server) > 0).then_some(())
    })
    .await;
    place.reaches(&id, "CLONING").await;
    aborts(&server, &place, &id, "CLONING").await;
    assert_eq!(half_fetched(&server), 0, "what came in is of no use");
    git.behaves(Manner::Well);
    place.reaches(&place.build().await, "SUCCESS").await;
}

#[tokio::test]
async fn while_building() {
    let server = Server::start().await;
    let gate = Gate::new();
    let repository = Repository::with_steps(&gate.step("true", "true"));
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    gate.reached(&place, &id).await;
    aborts(&server, &place, &id, "BUILDING").await;
}

#[tokio::test]
async fn while_uploading() {
    let proxy = Proxy::start().await;
    let server = Server::with()
        .env("BOATYARD_WORKER_PROGRAM", proxy.worker())
        .start()
        .await;
    proxy.leads_to(&server);
    proxy.holds(Method::POST, "/blobs/uploads/");
    let repository = Repository::with_steps("");
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    proxy.is_met().await;
    place.reaches(&id, "UPLOADING").await;
    aborts(&server, &place, &id, "UPLOADING").await;
    proxy.lets_go();
    place.reaches(&place.build().await, "SUCCESS").await;
}

/// The image is built, and the worker waits for the server to know that it is at its upload.
#[tokio::test]
async fn while_the_upload_cannot_be_announced() {
    let proxy = Proxy::start().await;
    let server = Server::with()
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
    proxy.holds(Method::POST, "/worker/v1/status");
    gate.open();
    proxy.is_met().await;
    place.logs(&id, "==> Built image").await;
    aborts(&server, &place, &id, "BUILDING").await;
    proxy.lets_go();
}
