//! Which documents are manifests.

use crate::registry::harness::{IMAGE, INDEX, Image, Reply, Subject, probes};
use serde_json::{Value, json};

const DOCKER_IMAGE: &str = "application/vnd.docker.distribution.manifest.v2+json";
const LARGEST: usize = 4 * 1024 * 1024;

/// A manifest with an annotation that makes it this long.
fn padded(image: &Image, length: usize) -> Vec<u8> {
    let mut document: Value = serde_json::from_slice(&image.manifest.bytes).unwrap();
    document["annotations"] = json!({"padding": ""});
    let bare = document.to_string().len();
    document["annotations"]["padding"] = "x".repeat(length - bare).into();
    document.to_string().into_bytes()
}

/// Pushes the parts of an image, then this in place of its manifest.
async fn push(it: &Subject, kind: &str, document: impl Into<Vec<u8>>) -> Reply {
    let image = Image::of("parts");
    it.push_blob("shop/web", &image.config).await;
    it.push_blob("shop/web", &image.layer).await;
    it.put_manifest("shop/web", "v1", kind, document).await
}

fn changed(change: impl FnOnce(&mut Value)) -> String {
    let mut document = serde_json::from_slice(&Image::of("parts").manifest.bytes).unwrap();
    change(&mut document);
    document.to_string()
}

probes! {
    async fn dockers_types_are_kept_as_they_are(it: &Subject) {
        let image = changed(|m| {
            m["mediaType"] = DOCKER_IMAGE.into();
            m["config"]["mediaType"] = "application/vnd.docker.container.image.v1+json".into();
            m["layers"][0]["mediaType"] = "application/vnd.docker.image.rootfs.diff.tar.gzip".into();
        });
        push(it, DOCKER_IMAGE, image.clone()).await.is(201);
        let got = it.get_manifest("shop/web", "v1").await.is(200);
        assert_eq!(got.header("content-type"), DOCKER_IMAGE);
        assert_eq!(got.text(), image);
        let list = "application/vnd.docker.distribution.manifest.list.v2+json";
        let entry = json!({"mediaType": DOCKER_IMAGE, "size": image.len(),
            "digest": got.header("docker-content-digest"),
            "platform": {"os": "linux", "architecture": "amd64"}});
        let index = json!({"schemaVersion": 2, "mediaType": list, "manifests": [entry]});
        it.put_manifest("shop/web", "all", list, index.to_string()).await.is(201);
        let got = it.get_manifest("shop/web", "all").await.is(200);
        assert_eq!(got.header("content-type"), list);
    }

    async fn the_media_type_may_be_said_outside_only(it: &Subject) {
        let bare = changed(|m| { m.as_object_mut().unwrap().remove("mediaType"); });
        push(it, IMAGE, bare).await.is(201);
        let got = it.get_manifest("shop/web", "v1").await.is(200);
        assert_eq!(got.header("content-type"), IMAGE);
    }

    async fn a_media_type_that_contradicts_itself_is_refused(it: &Subject) {
        push(it, INDEX, changed(|_| {})).await.refuses(400, "MANIFEST_INVALID");
        push(it, DOCKER_IMAGE, changed(|_| {})).await.refuses(400, "MANIFEST_INVALID");
        it.get_manifest("shop/web", "v1").await.is(404);
    }

    async fn a_media_type_nobody_knows_is_refused(it: &Subject) {
        let strange = changed(|m| m["mediaType"] = "text/plain".into());
        push(it, "text/plain", strange).await.refuses(400, "MANIFEST_INVALID");
        let signed = "application/vnd.docker.distribution.manifest.v1+prettyjws";
        push(it, signed, changed(|m| m["mediaType"] = signed.into())).await
            .refuses(400, "MANIFEST_INVALID");
    }

    async fn what_is_no_manifest_is_refused(it: &Subject) {
        for (bad, why) in [
            ("".to_owned(), "nothing"),
            ("{".to_owned(), "half a document"),
            ("[]".to_owned(), "a list"),
            (changed(|m| m["schemaVersion"] = "2".into()), "a text for a number"),
            (changed(|m| m["config"]["digest"] = "sha256:zz".into()), "no digest"),
            (changed(|m| m["layers"][0]["size"] = json!(-1)), "a negative size"),
        ] {
            let reply = push(it, IMAGE, bad).await;
            if it.goes_further("the oracle has other words, a 500, and takes a negative size") {
                assert_eq!(reply.status, 400, "{why}: {}", reply.text());
                reply.refuses(400, "MANIFEST_INVALID");
                it.get_manifest("shop/web", "v1").await.is(404);
            }
        }
    }

    /// A client that reads it as an image and one that reads it as an index must not see
    /// different things.
    async fn a_document_that_is_image_and_index_is_refused(it: &Subject) {
        let both = changed(|m| m["manifests"] = json!([]));
        push(it, IMAGE, both).await.refuses(400, "MANIFEST_INVALID");
        let both = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [], "layers": []});
        push(it, INDEX, both.to_string()).await.refuses(400, "MANIFEST_INVALID");
        let both = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [],
            "config": serde_json::from_str::<Value>(&changed(|_| {})).unwrap()["config"]});
        push(it, INDEX, both.to_string()).await.refuses(400, "MANIFEST_INVALID");
    }

    async fn an_image_without_a_configuration_is_refused(it: &Subject) {
        let bare = changed(|m| { m.as_object_mut().unwrap().remove("config"); });
        let reply = push(it, IMAGE, bare).await;
        assert_eq!(reply.status, 400, "{}", reply.text());
    }

    async fn a_wrong_size_is_refused(it: &Subject) {
        let wrong = changed(|m| m["layers"][0]["size"] = json!(1));
        let reply = push(it, IMAGE, wrong).await;
        reply.is(it.either(400, 201, "the oracle does not compare sizes"));
    }

    async fn four_mebibytes_are_the_most(it: &Subject) {
        let image = Image::of("parts");
        push(it, IMAGE, padded(&image, LARGEST)).await.is(201);
        let got = it.get_manifest("shop/web", "v1").await.is(200);
        assert_eq!(got.body.len(), LARGEST);
        let reply = push(it, IMAGE, padded(&image, LARGEST + 1)).await;
        let reply = reply.is(it.either(413, 400, "the oracle has no word of its own for it"));
        reply.refuses(it.either(413, 400, "as above"), "MANIFEST_INVALID");
        assert_eq!(it.get_manifest("shop/web", "v1").await.body.len(), LARGEST);
    }

    /// Windows' base layers may not be passed on: they lie where their address says.
    async fn only_layers_that_live_elsewhere_by_their_nature_may_be_missing(it: &Subject) {
        let elsewhere = |kind: &'static str| {
            changed(|m| {
                m["layers"][0]["mediaType"] = kind.into();
                m["layers"][0]["urls"] = json!(["https://example.com/layer"]);
                m["layers"][0]["digest"] = registry::digest_of(b"elsewhere").into();
            })
        };
        let usual = elsewhere("application/vnd.oci.image.layer.v1.tar+gzip");
        let reply = push(it, IMAGE, usual).await;
        assert!(reply.status >= 400, "{}", reply.text());
        if it.goes_further("the oracle says 500") {
            reply.refuses(400, "MANIFEST_BLOB_UNKNOWN");
        }
        let foreign = elsewhere("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip");
        let reply = push(it, IMAGE, foreign).await;
        reply.is(it.either(201, 500, "the oracle wants to be told which addresses are allowed"));
    }
}
