//! Uploads that were begun and left: they hold nothing that others need.

use crate::harness::Server;
use crate::registry::harness::{Blob, Subject};
use serde_json::json;

async fn shop() -> (Server, Subject) {
    let server = Server::start().await;
    let project = json!({"name": "shop", "region": "local"});
    server.api().post("/v1/projects", project).await.data();
    let admin = Subject::seen_by(&server, Some(&server.token()));
    (server, admin)
}

/// The files of uploads that the server has open.
fn open_files(server: &Server) -> usize {
    let uploads = server.data_dir().join("registry/uploads");
    let open = std::fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap();
    open.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
        .filter(|file| file.starts_with(&uploads))
        .count()
}

#[tokio::test]
async fn uploads_between_two_requests_hold_no_file_open() {
    let (server, admin) = shop().await;
    let blob = Blob::of("0123456789");
    let mut locations = Vec::new();
    for _ in 0..20 {
        let location = admin.begin("shop/web").await;
        admin.chunk(&location, 0, b"01234").await.is(202);
        locations.push(location);
    }
    assert_eq!(open_files(&server), 0);
    for location in &locations {
        admin.chunk(location, 5, b"567").await.is(202);
    }
    assert_eq!(open_files(&server), 0);
    for location in &locations {
        admin.finish(location, &blob.digest, b"89").await.is(201);
    }
    assert_eq!(admin.pull_blob("shop/web", &blob.digest).await, blob.bytes);
}

#[tokio::test]
async fn a_repository_has_so_many_uploads_at_the_most() {
    let (mut server, admin) = shop().await;
    let uploads = "/v2/shop/web/blobs/uploads/";
    let first = admin.begin("shop/web").await;
    for _ in 1..1000 {
        admin.call("POST", uploads).await.is(202);
    }
    let refused = admin.call("POST", uploads).await;
    refused.refuses(429, "TOOMANYREQUESTS");
    admin.begin("shop/web/nested").await;
    admin.begin("shop/web-2").await;
    server.terminate();
    server.launch().await;
    let refused = admin.call("POST", uploads).await;
    refused.refuses(429, "TOOMANYREQUESTS");
    admin.call("DELETE", &first).await.is(204);
    admin.begin("shop/web").await;
}
