//! Blobs: asking, reading whole and in part, and taking away.

use super::harness::{Blob, Image, Subject, probes};

probes! {
    async fn the_front_door_says_which_protocol_is_spoken(it: &Subject) {
        let reply = it.call("GET", "/v2/").await.is(200);
        assert_eq!(reply.header("docker-distribution-api-version"), "registry/2.0");
        assert_eq!(reply.text().trim(), "{}");
    }

    async fn a_blob_is_told_and_given(it: &Subject) {
        let blob = Blob::of("ten bytes!");
        it.push_blob("shop/web", &blob).await;
        let path = format!("/v2/shop/web/blobs/{}", blob.digest);
        let told = it.call("HEAD", &path).await.is(200);
        let given = it.call("GET", &path).await.is(200);
        assert_eq!(given.body, blob.bytes);
        for reply in [told, given] {
            assert_eq!(reply.header("content-length"), "10");
            assert_eq!(reply.header("docker-content-digest"), blob.digest);
            assert_eq!(reply.header("content-type"), "application/octet-stream");
            assert_eq!(reply.header("accept-ranges"), "bytes");
        }
    }

    async fn an_unknown_blob_is_unknown(it: &Subject) {
        it.push_blob("shop/web", &Blob::of("something else")).await;
        let path = format!("/v2/shop/web/blobs/{}", Blob::of("never pushed").digest);
        it.call("GET", &path).await.refuses(404, "BLOB_UNKNOWN");
        let told = it.call("HEAD", &path).await.is(404);
        assert!(told.body.is_empty(), "HEAD has no body");
    }

    async fn a_blob_is_seen_only_where_it_was_pushed(it: &Subject) {
        let blob = Blob::of("mine");
        it.push_blob("shop/web", &blob).await;
        it.push_blob("shop/other", &Blob::of("theirs")).await;
        let path = format!("/v2/shop/other/blobs/{}", blob.digest);
        it.call("GET", &path).await.refuses(404, "BLOB_UNKNOWN");
    }

    async fn what_is_no_digest_is_refused(it: &Subject) {
        let upper = Blob::of("x").digest.to_uppercase();
        for bad in ["sha256:zz", "sha256:", "md5:0123", upper.as_str(), "sha256:abc"] {
            let path = format!("/v2/shop/web/blobs/{bad}");
            let status = it.call("GET", &path).await.status;
            assert!(matches!(status, 400 | 404), "{bad}: {status}");
            if it.goes_further("the oracle has no route for it and says 404 in plain text") {
                it.call("GET", &path).await.refuses(400, "DIGEST_INVALID");
            }
        }
    }

    async fn a_range_is_a_part(it: &Subject) {
        let blob = Blob::of("0123456789");
        it.push_blob("shop/web", &blob).await;
        let path = format!("/v2/shop/web/blobs/{}", blob.digest);
        for (range, part, says) in [
            ("bytes=0-3", "0123", "bytes 0-3/10"),
            ("bytes=4-", "456789", "bytes 4-9/10"),
            ("bytes=-3", "789", "bytes 7-9/10"),
            ("bytes=-99", "0123456789", "bytes 0-9/10"),
            ("bytes=8-99", "89", "bytes 8-9/10"),
            ("bytes=9-9", "9", "bytes 9-9/10"),
        ] {
            let reply = it.call_with("GET", &path, ("range", range)).await.is(206);
            assert_eq!(reply.text(), part, "{range}");
            assert_eq!(reply.header("content-range"), says, "{range}");
            assert_eq!(reply.header("content-length"), part.len().to_string());
        }
    }

    async fn a_range_outside_the_blob_is_not_satisfiable(it: &Subject) {
        let blob = Blob::of("0123456789");
        it.push_blob("shop/web", &blob).await;
        let path = format!("/v2/shop/web/blobs/{}", blob.digest);
        for range in ["bytes=10-", "bytes=99-100"] {
            let reply = it.call_with("GET", &path, ("range", range)).await.is(416);
            assert_eq!(reply.header("content-range"), "bytes */10", "{range}");
        }
    }

    async fn a_range_that_cannot_be_read_is_no_range(it: &Subject) {
        let blob = Blob::of("0123456789");
        it.push_blob("shop/web", &blob).await;
        let path = format!("/v2/shop/web/blobs/{}", blob.digest);
        let expected = it.either(200, 416, "RFC 9110 lets a server ignore or refuse what it cannot read");
        for range in ["lines=1-2", "bytes=4-2", "bytes=a-b", "bytes=5"] {
            let reply = it.call_with("GET", &path, ("range", range)).await.is(expected);
            assert!(expected == 416 || reply.body == blob.bytes, "{range}");
        }
        let several = it.call_with("GET", &path, ("range", "bytes=0-1,4-5")).await;
        let reply = several.is(it.either(200, 206, "the oracle answers with several parts"));
        assert!(reply.status == 206 || reply.body == blob.bytes);
    }

    async fn head_knows_no_ranges(it: &Subject) {
        let blob = Blob::of("0123456789");
        it.push_blob("shop/web", &blob).await;
        let path = format!("/v2/shop/web/blobs/{}", blob.digest);
        let told = it.call_with("HEAD", &path, ("range", "bytes=0-3")).await;
        let why = "RFC 9110 defines ranges for GET only";
        let told = told.is(it.either(200, 206, why));
        assert_eq!(told.header("content-length"), it.either("10", "4", why));
    }

    async fn a_download_that_broke_off_goes_on(it: &Subject) {
        let blob = Blob::of(vec![b'x'; 3_000_000]);
        it.push_blob("shop/web", &blob).await;
        let path = format!("/v2/shop/web/blobs/{}", blob.digest);
        let mut begun = it.request("GET", &path).send().await.unwrap();
        let mut got = begun.chunk().await.unwrap().unwrap().to_vec();
        drop(begun);
        assert!(got.len() < blob.bytes.len());
        let range = format!("bytes={}-", got.len());
        let rest = it.call_with("GET", &path, ("range", &range)).await.is(206);
        got.extend(rest.body);
        assert_eq!(registry::digest_of(&got), blob.digest);
    }

    async fn what_the_client_has_is_not_sent_again(it: &Subject) {
        let blob = Blob::of("known already");
        it.push_blob("shop/web", &blob).await;
        let path = format!("/v2/shop/web/blobs/{}", blob.digest);
        let etag = it.call("HEAD", &path).await.is(200).header("etag").to_owned();
        let reply = it.call_with("GET", &path, ("if-none-match", &etag)).await.is(304);
        assert!(reply.body.is_empty());
    }

    async fn a_deleted_blob_is_gone(it: &Subject) {
        let blob = Blob::of("soon gone");
        it.push_blob("shop/web", &blob).await;
        let path = format!("/v2/shop/web/blobs/{}", blob.digest);
        it.call("DELETE", &path).await.is(202);
        it.call("GET", &path).await.refuses(404, "BLOB_UNKNOWN");
        it.call("DELETE", &path).await.refuses(404, "BLOB_UNKNOWN");
        it.push_blob("shop/web", &blob).await;
        assert_eq!(it.pull_blob("shop/web", &blob.digest).await, blob.bytes);
    }

    async fn a_blob_that_an_image_needs_is_not_deleted(it: &Subject) {
        let image = Image::of("needed");
        it.push_image("shop/web", "v1", &image).await;
        let path = format!("/v2/shop/web/blobs/{}", image.layer.digest);
        let reply = it.call("DELETE", &path).await;
        let reply = reply.is(it.either(405, 202, "the oracle deletes it and breaks the image"));
        if reply.status == 405 {
            reply.refuses(405, "DENIED");
            it.pull_blob("shop/web", &image.layer.digest).await;
        }
    }
}
