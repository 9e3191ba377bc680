//! Manifests: by tag and digest, what they may be, what they need, and taking them away.

mod accepted;

use super::harness::{Blob, IMAGE, INDEX, Image, Subject, index_of, probes};

probes! {
    async fn an_image_is_found_by_tag_and_by_digest(it: &Subject) {
        let image = Image::of("one");
        it.push_blob("shop/web", &image.config).await;
        it.push_blob("shop/web", &image.layer).await;
        let bytes = image.manifest.bytes.clone();
        let put = it.put_manifest("shop/web", "v1", IMAGE, bytes).await.is(201);
        assert_eq!(put.header("docker-content-digest"), image.manifest.digest);
        assert!(put.header("location").ends_with(&image.manifest.digest));
        for reference in ["v1", image.manifest.digest.as_str()] {
            let got = it.get_manifest("shop/web", reference).await.is(200);
            assert_eq!(got.body, image.manifest.bytes, "byte for byte");
            assert_eq!(got.header("content-type"), IMAGE);
            assert_eq!(got.header("docker-content-digest"), image.manifest.digest);
            let path = format!("/v2/shop/web/manifests/{reference}");
            let told = it.call_with("HEAD", &path, ("accept", IMAGE)).await.is(200);
            assert_eq!(told.header("content-length"), image.manifest.bytes.len().to_string());
            assert_eq!(told.header("docker-content-digest"), image.manifest.digest);
        }
    }

    async fn an_image_is_pushed_by_digest(it: &Subject) {
        let image = Image::of("untagged");
        it.push_image("shop/web", &image.manifest.digest, &image).await;
        it.get_manifest("shop/web", &image.manifest.digest).await.is(200);
        let other = Blob::of("other").digest;
        let bytes = image.manifest.bytes.clone();
        let put = it.put_manifest("shop/web", &other, IMAGE, bytes).await;
        put.refuses(400, "DIGEST_INVALID");
    }

    async fn a_tag_moves_and_the_old_image_stays_under_its_digest(it: &Subject) {
        let (old, new) = (Image::of("old"), Image::of("new"));
        it.push_image("shop/web", "main", &old).await;
        it.push_image("shop/web", "main", &new).await;
        let named = it.get_manifest("shop/web", "main").await.is(200);
        assert_eq!(named.body, new.manifest.bytes);
        let kept = it.get_manifest("shop/web", &old.manifest.digest).await.is(200);
        assert_eq!(kept.body, old.manifest.bytes);
    }

    async fn what_is_not_there_is_unknown(it: &Subject) {
        it.push_image("shop/web", "v1", &Image::of("one")).await;
        let nobody = Blob::of("nobody").digest;
        for (repository, reference) in
            [("shop/web", "v2"), ("shop/web", nobody.as_str()), ("shop/empty", "v1")]
        {
            let got = it.get_manifest(repository, reference).await;
            got.refuses(404, "MANIFEST_UNKNOWN");
            let path = format!("/v2/{repository}/manifests/{reference}");
            assert!(it.call("HEAD", &path).await.is(404).body.is_empty());
        }
    }

    async fn an_image_whose_parts_are_missing_is_refused(it: &Subject) {
        let image = Image::of("incomplete");
        it.push_blob("shop/web", &image.config).await;
        it.push_blob("shop/elsewhere", &image.layer).await;
        let bytes = image.manifest.bytes.clone();
        let put = it.put_manifest("shop/web", "v1", IMAGE, bytes.clone()).await;
        put.refuses(400, "MANIFEST_BLOB_UNKNOWN");
        it.get_manifest("shop/web", "v1").await.is(404);
        it.get_manifest("shop/web", &image.manifest.digest).await.is(404);
        it.push_blob("shop/web", &image.layer).await;
        it.put_manifest("shop/web", "v1", IMAGE, bytes).await.is(201);
    }

    async fn an_index_names_images(it: &Subject) {
        let (arm, amd) = (Image::of("arm64"), Image::of("amd64"));
        it.push_image("shop/web", &arm.manifest.digest, &arm).await;
        let index = index_of(&[&arm, &amd]);
        let put = it.put_manifest("shop/web", "v1", INDEX, index.bytes.clone()).await;
        put.refuses(400, "MANIFEST_BLOB_UNKNOWN");
        it.push_image("shop/web", &amd.manifest.digest, &amd).await;
        it.put_manifest("shop/web", "v1", INDEX, index.bytes.clone()).await.is(201);
        let got = it.get_manifest("shop/web", "v1").await.is(200);
        assert_eq!(got.header("content-type"), INDEX);
        assert_eq!(got.body, index.bytes);
        assert_eq!(got.header("docker-content-digest"), index.digest);
    }

    async fn an_image_known_to_the_client_is_not_sent_again(it: &Subject) {
        let image = Image::of("known");
        it.push_image("shop/web", "v1", &image).await;
        let path = "/v2/shop/web/manifests/v1";
        let told = it.call_with("HEAD", path, ("accept", IMAGE)).await.is(200);
        let etag = told.header("etag");
        let request = it.request("GET", path).header("accept", IMAGE).header("if-none-match", etag);
        let reply = it.deliver(request).await.is(304);
        assert!(reply.body.is_empty());
    }

    async fn an_image_is_deleted_with_its_tags(it: &Subject) {
        let (one, two) = (Image::of("one"), Image::of("two"));
        it.push_image("shop/web", "v1", &one).await;
        it.push_image("shop/web", "also-v1", &one).await;
        it.push_image("shop/web", "v2", &two).await;
        let path = format!("/v2/shop/web/manifests/{}", one.manifest.digest);
        it.call("DELETE", &path).await.is(202);
        for gone in ["v1", "also-v1", one.manifest.digest.as_str()] {
            it.get_manifest("shop/web", gone).await.refuses(404, "MANIFEST_UNKNOWN");
        }
        it.get_manifest("shop/web", "v2").await.is(200);
        it.call("DELETE", &path).await.refuses(404, "MANIFEST_UNKNOWN");
    }

    async fn a_deleted_tag_leaves_its_image(it: &Subject) {
        let image = Image::of("one");
        it.push_image("shop/web", "v1", &image).await;
        it.push_image("shop/web", "v2", &image).await;
        let deleted = it.call("DELETE", "/v2/shop/web/manifests/v1").await;
        if !it.goes_further("the oracle (2.8) deletes by digest only") {
            deleted.refuses(400, "DIGEST_INVALID");
            return;
        }
        deleted.is(202);
        it.get_manifest("shop/web", "v1").await.refuses(404, "MANIFEST_UNKNOWN");
        it.get_manifest("shop/web", "v2").await.is(200);
        it.get_manifest("shop/web", &image.manifest.digest).await.is(200);
        let again = it.call("DELETE", "/v2/shop/web/manifests/v1").await;
        again.refuses(404, "MANIFEST_UNKNOWN");
    }

    async fn what_is_neither_tag_nor_digest_is_refused(it: &Subject) {
        let image = Image::of("one");
        it.push_image("shop/web", "v1", &image).await;
        let long = "a".repeat(129);
        for bad in [".hidden", "-dash", long.as_str(), "a:b", "sha256:abc", "a%20b"] {
            let bytes = image.manifest.bytes.clone();
            let put = it.put_manifest("shop/web", bad, IMAGE, bytes).await;
            assert!(put.status >= 400, "{bad}: {put:?}");
            let got = it.get_manifest("shop/web", bad).await;
            assert!(got.status >= 400, "{bad}: {got:?}");
            if it.goes_further("the oracle says 404 in plain text, or 500") {
                put.refuses(400, "TAG_INVALID");
                got.refuses(400, "TAG_INVALID");
            }
        }
        let longest = "a".repeat(128);
        it.push_image("shop/web", &longest, &image).await;
    }
}
