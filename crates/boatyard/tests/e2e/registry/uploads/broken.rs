//! Connections that break in the middle of an upload, and two that want the same one.

use crate::harness::{Server, until};
use crate::registry::harness::{Blob, Reply, Subject, probes};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Begins to send a chunk that lies at `first` and is `says` bytes long, and sends this of it.
async fn half(it: &Subject, location: &str, first: usize, says: usize, sent: &[u8]) -> TcpStream {
    let mut stream = begin(it, location, first, says, "").await;
    stream.write_all(sent).await.unwrap();
    stream
}

/// Sends the head of such a chunk, with one more header.
async fn begin(it: &Subject, location: &str, first: usize, says: usize, header: &str) -> TcpStream {
    let url = it.request("PATCH", location).build().unwrap().url().clone();
    let query = url
        .query()
        .map_or_else(String::new, |query| format!("?{query}"));
    let mut stream = TcpStream::connect(it.host()).await.unwrap();
    let head = format!(
        "PATCH {}{query} HTTP/1.1\r\nHost: {}\r\n{}{header}Content-Type: application/octet-stream\r\n\
         Content-Length: {says}\r\nContent-Range: {first}-{}\r\n\r\n",
        url.path(),
        it.host(),
        it.authorization(),
        first + says - 1
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// Begins to send a chunk, and breaks off before its first byte, once the server waits for that.
async fn break_off_at_once(it: &Subject, location: &str, first: usize, says: usize) {
    let mut stream = begin(it, location, first, says, "Expect: 100-continue\r\n").await;
    let mut answer = [0; b"HTTP/1.1 100 Continue".len()];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, *b"HTTP/1.1 100 Continue");
}

/// Waits until the upload stands where this `Range` says.
async fn stands_at(it: &Subject, location: &str, range: &str) -> Reply {
    until(&format!("the upload to stand at {range}"), async || {
        let reply = it.call("GET", location).await;
        (reply.status == 204 && reply.header("range") == range).then_some(reply)
    })
    .await
}

const SIGNED: &str = "the oracle signs how far an upload is into its location, \
                      so that a client that was cut off begins anew";

probes! {
    async fn an_upload_that_broke_off_goes_on(it: &Subject) {
        let blob = Blob::of("0123456789");
        let location = it.begin("shop/web").await;
        let broken = half(it, &location, 0, 8, b"0123").await;
        if !it.goes_further(SIGNED) {
            return;
        }
        stands_at(it, &location, "0-3").await;
        drop(broken);
        let sent = it.chunk(&location, 4, b"456").await.is(202);
        let location = sent.header("location").to_owned();
        break_off_at_once(it, &location, 7, 3).await;
        it.finish(&location, &blob.digest, b"789").await.is(201);
        assert_eq!(it.pull_blob("shop/web", &blob.digest).await, blob.bytes);
    }

    /// The client's network died without a word: its old connection stays open for ever.
    async fn a_connection_that_hangs_does_not_hold_the_upload_up(it: &Subject) {
        let blob = Blob::of("0123456789");
        let location = it.begin("shop/web").await;
        let hanging = half(it, &location, 0, 8, b"0123").await;
        if !it.goes_further(SIGNED) {
            return;
        }
        stands_at(it, &location, "0-3").await;
        it.chunk(&location, 4, b"456").await.is(202);
        it.finish(&location, &blob.digest, b"789").await.is(201);
        assert_eq!(it.pull_blob("shop/web", &blob.digest).await, blob.bytes);
        drop(hanging);
    }

    async fn a_hanging_upload_can_be_cancelled(it: &Subject) {
        let location = it.begin("shop/web").await;
        let _hanging = half(it, &location, 0, 8, b"0123").await;
        if !it.goes_further(SIGNED) {
            return;
        }
        stands_at(it, &location, "0-3").await;
        it.call("DELETE", &location).await.is(204);
        it.call("GET", &location).await.refuses(404, "BLOB_UPLOAD_UNKNOWN");
    }

    /// A client that thinks its last call was lost sends it again while it is still worked on.
    async fn an_end_sent_twice_does_not_spoil_the_blob(it: &Subject) {
        for _ in 0..20 {
            let blob = Blob::of(uuid::Uuid::new_v4().to_string());
            let location = it.begin("shop/web").await;
            let ends = (0..4).map(|_| it.finish(&location, &blob.digest, &blob.bytes));
            let ends = futures::future::join_all(ends).await;
            let good = ends.iter().filter(|reply| reply.status == 201).count();
            if it.goes_further("the oracle lets both fail, or both succeed") {
                assert!(good <= 1, "{ends:?}");
            }
            if good > 0 {
                assert_eq!(it.pull_blob("shop/web", &blob.digest).await, blob.bytes);
            }
        }
    }

    /// The connection ends right after the last byte, before the answer.
    async fn a_client_that_leaves_without_the_answer_goes_on_where_the_upload_stands(it: &Subject) {
        if !it.goes_further(SIGNED) {
            return;
        }
        for _ in 0..20 {
            let text = uuid::Uuid::new_v4().to_string().repeat(2000);
            let blob = Blob::of(text);
            let location = it.begin("shop/web").await;
            let (first, _) = blob.bytes.split_at(blob.bytes.len() / 2);
            drop(half(it, &location, 0, first.len(), first).await);
            let done = until("the upload to go on", async || {
                let stands = it.call("GET", &location).await.is(204);
                let last: usize = stands.header("range")[2..].parse().unwrap();
                let length = if last == 0 { 0 } else { last + 1 };
                let sent = it.chunk(&location, length, &blob.bytes[length..]).await;
                (sent.status == 202).then_some(sent)
            })
            .await;
            it.finish(done.header("location"), &blob.digest, b"").await.is(201);
            let pulled = it.pull_blob("shop/web", &blob.digest).await;
            assert_eq!(registry::digest_of(&pulled), blob.digest);
        }
    }

    /// What a proxy delivers late must not stop the client that went on meanwhile.
    async fn a_chunk_that_comes_late_stops_nobody(it: &Subject) {
        if !it.goes_further(SIGNED) {
            return;
        }
        let blob = Blob::of("0123456789");
        let location = it.begin("shop/web").await;
        it.chunk(&location, 0, b"0123").await.is(202);
        let mut writing = half(it, &location, 4, 6, b"45").await;
        stands_at(it, &location, "0-5").await;
        it.chunk(&location, 0, b"0123").await.refuses(416, "BLOB_UPLOAD_INVALID");
        writing.write_all(b"6789").await.unwrap();
        stands_at(it, &location, "0-9").await;
        it.finish(&location, &blob.digest, b"").await.is(201);
    }

    async fn an_answer_comes_before_a_connection_is_closed(it: &Subject) {
        let location = it.begin("shop/web").await;
        let mut stream = half(it, &location, 0, 4, b"0123").await;
        let mut head = [0; 12];
        stream.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"HTTP/1.1 202");
    }
}

#[tokio::test]
async fn an_upload_outlives_a_server_that_was_killed() {
    let mut server = Server::start().await;
    let project = json!({"name": "shop", "region": "local"});
    let api = server.api();
    api.call("PUT", "/v1/projects", Some(project)).await.data();
    let it = Subject::seen_by(&server, Some(&server.token()));
    let blob = Blob::of("0123456789");
    let location = it.begin("shop/web").await;
    let hanging = half(&it, &location, 0, 8, b"0123").await;
    stands_at(&it, &location, "0-3").await;
    server.kill();
    drop(hanging);
    server.launch().await;
    let stands = it.call("GET", &location).await.is(204);
    assert_eq!(stands.header("range"), "0-3");
    it.chunk(&location, 4, b"456").await.is(202);
    it.finish(&location, &blob.digest, b"789").await.is(201);
    assert_eq!(it.pull_blob("shop/web", &blob.digest).await, blob.bytes);
}
