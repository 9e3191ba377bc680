//! Uploads: at once, in two calls, in chunks; broken off, gone on with, and side by side.

mod broken;
mod idle;
mod mounts;

use super::harness::{Blob, Subject, probes};

const NO_SINGLE_POST: &str = "the oracle opens a session instead, as the specification allows";
const NO_GAPS: &str = "the oracle (2.8) does not look at Content-Range";

probes! {
    async fn a_blob_goes_up_at_once(it: &Subject) {
        let blob = Blob::of("all at once");
        let path = format!("/v2/shop/web/blobs/uploads/?digest={}", blob.digest);
        let reply = it.send("POST", &path, blob.bytes.clone()).await;
        let reply = reply.is(it.either(201, 202, NO_SINGLE_POST));
        if reply.status == 202 {
            let location = reply.header("location").to_owned();
            it.finish(&location, &blob.digest, &blob.bytes).await.is(201);
        }
        assert_eq!(it.pull_blob("shop/web", &blob.digest).await, blob.bytes);
    }

    async fn a_blob_goes_up_in_two_calls(it: &Subject) {
        let blob = Blob::of("post, then put");
        let location = it.begin("shop/web").await;
        let done = it.finish(&location, &blob.digest, &blob.bytes).await.is(201);
        assert_eq!(done.header("docker-content-digest"), blob.digest);
        let given = it.call("GET", done.header("location")).await.is(200);
        assert_eq!(given.body, blob.bytes);
    }

    async fn a_blob_goes_up_in_chunks(it: &Subject) {
        let blob = Blob::of("0123456789");
        let begun = it.call("POST", "/v2/shop/web/blobs/uploads/").await.is(202);
        assert_eq!(begun.header("range"), "0-0");
        assert!(!begun.header("docker-upload-uuid").is_empty());
        let first = it.chunk(begun.header("location"), 0, b"0123").await.is(202);
        assert_eq!(first.header("range"), "0-3");
        let stands = it.call("GET", first.header("location")).await.is(204);
        assert_eq!(stands.header("range"), "0-3");
        let second = it.chunk(stands.header("location"), 4, b"456").await.is(202);
        assert_eq!(second.header("range"), "0-6");
        it.finish(second.header("location"), &blob.digest, b"789").await.is(201);
        assert_eq!(it.pull_blob("shop/web", &blob.digest).await, blob.bytes);
    }

    async fn a_stream_needs_no_content_range(it: &Subject) {
        let blob = Blob::of("streamed as it comes");
        let location = it.begin("shop/web").await;
        let sent = it.send("PATCH", &location, blob.bytes.clone()).await.is(202);
        assert_eq!(sent.header("range"), format!("0-{}", blob.bytes.len() - 1));
        it.finish(sent.header("location"), &blob.digest, b"").await.is(201);
        assert_eq!(it.pull_blob("shop/web", &blob.digest).await, blob.bytes);
    }

    async fn nothing_is_a_blob_too(it: &Subject) {
        let blob = Blob::of("");
        it.push_blob("shop/web", &blob).await;
        assert!(it.pull_blob("shop/web", &blob.digest).await.is_empty());
    }

    async fn a_chunk_out_of_order_is_not_satisfiable(it: &Subject) {
        let location = it.begin("shop/web").await;
        let sent = it.chunk(&location, 0, b"0123").await.is(202);
        let location = sent.header("location");
        if it.goes_further(NO_GAPS) {
            for (first, bytes) in [(5, b"56789".as_slice()), (0, b"0123"), (3, b"3456789")] {
                let refused = it.chunk(location, first, bytes).await;
                let refused = refused.refuses(416, "BLOB_UPLOAD_INVALID");
                assert_eq!(refused.header("range"), "0-3", "it says where to go on");
                assert_eq!(refused.header("location"), location);
            }
        }
        let blob = Blob::of("0123456789");
        let sent = it.chunk(location, 4, b"456789").await.is(202);
        it.finish(sent.header("location"), &blob.digest, b"").await.is(201);
        assert_eq!(it.pull_blob("shop/web", &blob.digest).await, blob.bytes);
    }

    async fn a_last_piece_out_of_order_is_not_satisfiable(it: &Subject) {
        let location = it.begin("shop/web").await;
        let sent = it.chunk(&location, 0, b"0123").await.is(202);
        let location = sent.header("location");
        let blob = Blob::of("0123456789");
        if it.goes_further(NO_GAPS) {
            let separator = if location.contains('?') { '&' } else { '?' };
            let path = format!("{location}{separator}digest={}", blob.digest);
            let last = it.request("PUT", &path).header("content-range", "6-9").body("6789");
            let refused = it.deliver(last).await;
            refused.refuses(416, "BLOB_UPLOAD_INVALID");
        }
        it.finish(location, &blob.digest, b"456789").await.is(201);
    }

    async fn a_chunk_of_another_length_than_it_says_is_refused(it: &Subject) {
        let location = it.begin("shop/web").await;
        let chunk = it.request("PATCH", &location).header("content-range", "0-7").body("0123");
        let reply = it.deliver(chunk).await;
        if it.goes_further(NO_GAPS) {
            reply.refuses(400, "SIZE_INVALID");
            let stands = it.call("GET", &location).await.is(204);
            assert_eq!(stands.header("range"), "0-0", "nothing of it was taken");
        }
    }

    async fn a_content_range_that_cannot_be_read_is_refused(it: &Subject) {
        let location = it.begin("shop/web").await;
        if it.goes_further(NO_GAPS) {
            for bad in ["x", "4", "-", "4-2", "+0-+3", "bytes */9"] {
                let chunk = it.request("PATCH", &location).header("content-range", bad).body("0123");
                let reply = it.deliver(chunk).await;
                reply.refuses(400, "BLOB_UPLOAD_INVALID");
            }
        }
    }

    async fn a_cancelled_upload_is_gone(it: &Subject) {
        let location = it.begin("shop/web").await;
        let sent = it.chunk(&location, 0, b"0123").await.is(202);
        let location = sent.header("location");
        it.call("DELETE", location).await.is(204);
        it.call("GET", location).await.refuses(404, "BLOB_UPLOAD_UNKNOWN");
        it.call("DELETE", location).await.refuses(404, "BLOB_UPLOAD_UNKNOWN");
    }

    async fn a_wrong_digest_stores_nothing(it: &Subject) {
        let wanted = Blob::of("what was promised");
        let location = it.begin("shop/web").await;
        let done = it.finish(&location, &wanted.digest, b"what came").await;
        done.refuses(400, "DIGEST_INVALID");
        for digest in [&wanted.digest, &Blob::of("what came").digest] {
            let path = format!("/v2/shop/web/blobs/{digest}");
            it.call("HEAD", &path).await.is(404);
        }
        if it.goes_further("the oracle keeps the session of an upload that failed") {
            it.call("GET", &location).await.refuses(404, "BLOB_UPLOAD_UNKNOWN");
        }
    }

    async fn an_end_without_a_digest_is_refused(it: &Subject) {
        let location = it.begin("shop/web").await;
        it.send("PUT", &location, "some").await.refuses(400, "DIGEST_INVALID");
        it.finish(&location, "sha256:zz", b"some").await.refuses(400, "DIGEST_INVALID");
        let blob = Blob::of("some");
        let known = it.call("GET", &location).await;
        it.finish(known.header("location"), &blob.digest, b"some").await.is(201);
    }

    async fn an_unknown_upload_is_unknown(it: &Subject) {
        it.begin("shop/web").await;
        let digest = Blob::of("").digest;
        for id in ["3f2504e0-4f89-41d3-9a0c-0305e82c3301", "no-uuid", "..", "%2e%2e%2fx"] {
            let path = format!("/v2/shop/web/blobs/uploads/{id}");
            for method in ["GET", "PATCH", "DELETE"] {
                let reply = it.call(method, &path).await;
                assert!(reply.status >= 400, "{method} {id}: {}", reply.status);
            }
            it.finish(&path, &digest, b"").await;
        }
        if it.goes_further("the oracle signs its locations and refuses one without a signature") {
            let path = "/v2/shop/web/blobs/uploads/3f2504e0-4f89-41d3-9a0c-0305e82c3301";
            for method in ["GET", "PATCH", "DELETE"] {
                it.call(method, path).await.refuses(404, "BLOB_UPLOAD_UNKNOWN");
            }
            it.finish(path, &digest, b"").await.refuses(404, "BLOB_UPLOAD_UNKNOWN");
        }
        it.call("HEAD", &format!("/v2/shop/web/blobs/{digest}")).await.is(404);
    }

    async fn an_upload_belongs_to_its_repository(it: &Subject) {
        let location = it.begin("shop/web").await;
        let elsewhere = location.replace("shop/web", "shop/other");
        let blob = Blob::of("smuggled");
        let done = it.finish(&elsewhere, &blob.digest, &blob.bytes).await;
        assert!(matches!(done.status, 400 | 404), "{done:?}");
        it.call("HEAD", &format!("/v2/shop/other/blobs/{}", blob.digest)).await.is(404);
    }

    async fn the_same_blob_goes_up_many_times_at_once(it: &Subject) {
        let blob = Blob::of(vec![b'y'; 2_000_000]);
        let uploads = (0..8).map(|_| it.push_blob("shop/web", &blob));
        futures::future::join_all(uploads).await;
        assert_eq!(it.pull_blob("shop/web", &blob.digest).await, blob.bytes);
    }
}
