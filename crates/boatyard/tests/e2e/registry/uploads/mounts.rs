//! Blobs shown in a second repository without being sent again.

use crate::registry::harness::{Blob, Subject, probes};

fn mount(digest: &str, from: &str) -> String {
    format!("/v2/shop/other/blobs/uploads/?mount={digest}&from={from}")
}

probes! {
    async fn a_blob_is_mounted(it: &Subject) {
        let blob = Blob::of("shared");
        it.push_blob("shop/web", &blob).await;
        let mounted = it.call("POST", &mount(&blob.digest, "shop/web")).await.is(201);
        assert_eq!(mounted.header("docker-content-digest"), blob.digest);
        let given = it.call("GET", mounted.header("location")).await.is(200);
        assert_eq!(given.body, blob.bytes);
        it.call("DELETE", &format!("/v2/shop/web/blobs/{}", blob.digest)).await.is(202);
        assert_eq!(it.pull_blob("shop/other", &blob.digest).await, blob.bytes);
    }

    async fn what_cannot_be_mounted_is_sent_instead(it: &Subject) {
        let blob = Blob::of("not there");
        it.push_blob("shop/web", &Blob::of("something")).await;
        for from in ["shop/web", "shop/nowhere", "UPPER", "../x"] {
            let begun = it.call("POST", &mount(&blob.digest, from)).await.is(202);
            let location = begun.header("location").to_owned();
            it.call("DELETE", &location).await.is(204);
        }
        let without_from = format!("/v2/shop/other/blobs/uploads/?mount={}", blob.digest);
        let begun = it.call("POST", &without_from).await.is(202);
        it.finish(begun.header("location"), &blob.digest, &blob.bytes).await.is(201);
    }

    async fn a_mount_of_no_digest_is_refused_or_sent_instead(it: &Subject) {
        let reply = it.call("POST", &mount("sha256:zz", "shop/web")).await;
        reply.is(it.either(400, 202, "the oracle ignores a digest that is none"));
    }
}
