//! A layer of two gigabytes passes through a server that stays small.

use super::harness::{Reply, Subject};
use crate::harness::Server;
use futures::{Stream, StreamExt, stream};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

const PIECE: usize = 1 << 20;
const PIECES: u64 = 2048;
/// What the server may need beside what it has when idle: buffers, and what the allocator keeps.
const ROOM_KB: u64 = 64 * 1024;

/// Two gigabytes that compress badly and are never in memory at once, hashed as they go.
fn layer(hash: Arc<Mutex<Sha256>>) -> impl Stream<Item = Result<Vec<u8>, Infallible>> {
    let noise: Vec<u8> = (0..PIECE / 16).flat_map(|_| rand_bytes()).collect();
    stream::iter(0..PIECES).map(move |number| {
        let mut piece = noise.clone();
        for line in piece.chunks_exact_mut(4096) {
            line[..8].copy_from_slice(&number.to_le_bytes());
        }
        hash.lock().unwrap().update(&piece);
        Ok(piece)
    })
}

fn rand_bytes() -> [u8; 16] {
    uuid::Uuid::new_v4().into_bytes()
}

/// A figure of the kernel's about a process, in kB.
fn memory(pid: u32, figure: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(figure));
    let value = line.unwrap().trim_start_matches(':').trim();
    value.trim_end_matches(" kB").parse().unwrap()
}

async fn push(it: &Subject, location: &str) -> String {
    let hash = Arc::new(Mutex::new(Sha256::new()));
    let body = reqwest::Body::wrap_stream(layer(Arc::clone(&hash)));
    let sent = it.deliver(it.request("PATCH", location).body(body)).await;
    let sent = sent.is(202);
    let digest = hash.lock().unwrap().clone().finalize();
    let digest = format!("sha256:{}", hex::encode(digest));
    let done = it.finish(sent.header("location"), &digest, b"").await;
    done.is(201);
    digest
}

async fn pull(it: &Subject, digest: &str) -> String {
    let path = format!("/v2/shop/web/blobs/{digest}");
    let mut response = it.request("GET", &path).send().await.unwrap();
    let mut hash = Sha256::new();
    while let Some(piece) = response.chunk().await.unwrap() {
        hash.update(&piece);
    }
    format!("sha256:{}", hex::encode(hash.finalize()))
}

#[tokio::test]
async fn two_gigabytes_go_up_and_down_through_flat_memory() {
    let server = Server::start().await;
    let project = json!({"name": "shop", "region": "local"});
    let api = server.api();
    api.call("PUT", "/v1/projects", Some(project)).await.data();
    let it = Subject::seen_by(&server, Some(&server.token()));
    let before = memory(server.pid(), "VmRSS");
    let digest = push(&it, &it.begin("shop/web").await).await;
    let pushed = memory(server.pid(), "VmHWM");
    assert_eq!(pull(&it, &digest).await, digest);
    let pulled = memory(server.pid(), "VmHWM");
    eprintln!("idle {before} kB; at most {pushed} kB pushing, {pulled} kB pulling too");
    assert!(pulled < before + ROOM_KB, "{before} kB grew to {pulled} kB");
    let told = it
        .call("HEAD", &format!("/v2/shop/web/blobs/{digest}"))
        .await;
    let length = (PIECE as u64 * PIECES).to_string();
    assert_eq!(Reply::is(told, 200).header("content-length"), length);
}
