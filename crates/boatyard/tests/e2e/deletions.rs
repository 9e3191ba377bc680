//! What is deleted is gone, whatever else happens at that moment.

use crate::harness::{HandWorker, Place, Repository, Server, until};
use crate::registry::harness::{IMAGE, Image, Subject};
use futures::SinkExt;
use rusqlite::Connection;
use serde_json::json;

/// How often the project is deleted: enough that every bad moment comes up.
const ROUNDS: usize = 15;

/// Pushes image after image until the project is gone; what the registry answered.
async fn pushes(registry: Subject, repository: String) -> Vec<u16> {
    let mut answers = Vec::new();
    for number in 0.. {
        let image = Image::of(&format!("{repository} {}", number % 3));
        for blob in [&image.config, &image.layer] {
            let path = format!("/v2/{repository}/blobs/uploads/?digest={}", blob.digest);
            answers.push(
                registry
                    .send("POST", &path, blob.bytes.clone())
                    .await
                    .status,
            );
        }
        let manifest = image.manifest.bytes.clone();
        let tag = format!("v{number}");
        let put = registry.put_manifest(&repository, &tag, IMAGE, manifest);
        answers.push(put.await.status);
        if answers.contains(&404) {
            return answers;
        }
    }
    answers
}

testkit::for_each_store! {
    async fn a_project_deleted_amid_pushes_leaves_nothing(url: &str) {
        let server = Server::with().database(url).start().await;
        let registry = Subject::seen_by(&server, Some(&server.token()));
        let api = server.api();
        for _ in 0..ROUNDS {
            let project = json!({"name": "shop", "region": "local"});
            api.post("/v1/projects", project.clone()).await.data();
            let pushers: Vec<_> = (0..4)
                .map(|number| {
                    let registry = Subject::seen_by(&server, Some(&server.token()));
                    tokio::spawn(pushes(registry, format!("shop/web-{number}")))
                })
                .collect();
            until("something to be pushed", async || {
                let tags = registry.call("GET", "/v2/shop/web-0/tags/list").await;
                (tags.status == 200).then_some(())
            })
            .await;
            api.call("DELETE", "/v1/projects/shop", None).await.data();
            for pusher in pushers {
                let answers = pusher.await.unwrap();
                assert!(answers.iter().all(|status| *status < 500), "{answers:?}");
            }
            api.post("/v1/projects", project).await.data();
            for number in 0..4 {
                let tags = format!("/v2/shop/web-{number}/tags/list");
                registry.call("GET", &tags).await.refuses(404, "NAME_UNKNOWN");
            }
            api.call("DELETE", "/v1/projects/shop", None).await.data();
        }
    }
}

/// A worker whose service is deleted while it sends a layer must not bring the repository back.
#[tokio::test]
async fn a_push_that_began_before_the_deletion_is_refused_after_it() {
    let worker = HandWorker::new();
    let server = worker.served().await;
    let repository = Repository::with_steps("");
    let place = Place::new(&server, &repository).await;
    place.build().await;
    worker.claims(&server).await;
    let sha = repository.git(&["rev-parse", "HEAD"]);
    worker.reports(&server, "UPLOADING", &sha).await;
    let pushing = Subject::seen_by(&server, Some(&worker.token().await));
    let image = Image::of("late");
    let (mut send, body) = futures::channel::mpsc::channel(1);
    let path = format!("/v2/shop/web/blobs/uploads/?digest={}", image.layer.digest);
    let request = pushing.request("POST", &path);
    let request = request.body(reqwest::Body::wrap_stream(body));
    let sending = tokio::spawn(request.send());
    let (first, rest) = image.layer.bytes.split_at(3);
    send.send(Ok::<_, std::io::Error>(first.to_vec()))
        .await
        .unwrap();
    let uploads = server.data_dir().join("registry/uploads");
    until("the upload to have begun", async || {
        let mut begun = std::fs::read_dir(&uploads).unwrap();
        begun.next().map(|_| ())
    })
    .await;
    place.api.call("DELETE", &place.path(), None).await.data();
    send.send(Ok(rest.to_vec())).await.unwrap();
    drop(send);
    assert_eq!(sending.await.unwrap().unwrap().status(), 401);
    let admin = Subject::seen_by(&server, Some(&server.token()));
    let tags = admin.call("GET", "/v2/shop/web/tags/list").await;
    tags.refuses(404, "NAME_UNKNOWN");
}

/// The logs below a server's data folder.
fn logs(server: &Server) -> usize {
    fn below(folder: &std::path::Path) -> usize {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries
            .map(|entry| match entry.path() {
                path if path.join("index.json").exists() => 1,
                path => below(&path),
            })
            .sum()
    }
    below(&server.data_dir().join("logs/sealed"))
}

/// What a kill right after the deletion leaves: the builds are gone, their logs are not.
#[tokio::test]
async fn logs_of_deleted_builds_go_after_a_restart_too() {
    let mut server = Server::with()
        .env("BOATYARD_MAX_CONCURRENT_BUILDS", 0)
        .start()
        .await;
    let repository = Repository::with_steps("");
    let kept = Place::named(&server, "shop", "kept", &repository, json!({})).await;
    let gone = Place::named(&server, "shop", "gone", &repository, json!({})).await;
    for place in [&kept, &gone, &gone] {
        let id = place.build().await;
        place.abort(&id).await.data();
    }
    until("the logs to be closed", async || {
        (logs(&server) == 3).then_some(())
    })
    .await;
    server.kill();
    let database = Connection::open(server.data_dir().join("boatyard.db")).unwrap();
    let service = "(SELECT uid FROM services WHERE id = 'gone')";
    database
        .execute_batch(&format!(
            "BEGIN;
             INSERT INTO deleted_builds SELECT uid FROM builds WHERE service_uid = {service};
             DELETE FROM builds WHERE service_uid = {service};
             DELETE FROM services WHERE id = 'gone';
             COMMIT;"
        ))
        .unwrap();
    drop(database);
    server.launch().await;
    until("the deleted builds' logs to be gone", async || {
        (logs(&server) == 1).then_some(())
    })
    .await;
    kept.api.call("DELETE", &kept.path(), None).await.data();
    until("no log to be left", async || {
        (logs(&server) == 0).then_some(())
    })
    .await;
}
