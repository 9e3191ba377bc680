//! Lists: tags page by page, referrers, and what names may be.

use super::harness::{Blob, IMAGE, Image, Subject, probes};
use serde_json::{Value, json};

const NO_PAGES: &str = "the oracle (2.8) lists all tags at once";
const NO_REFERRERS: &str = "the oracle (2.8) is older than OCI 1.1";

async fn tags(it: &Subject, path: &str) -> Vec<String> {
    let listed = it.call("GET", path).await.is(200).json();
    serde_json::from_value(listed["tags"].clone()).unwrap()
}

/// The address in a `Link` header to the next page, if there is one.
fn next(reply: &super::harness::Reply) -> Option<String> {
    let link = reply.headers.get("link")?.to_str().unwrap();
    assert!(link.ends_with("; rel=\"next\""), "{link}");
    let (address, _) = link.strip_prefix('<')?.split_once('>')?;
    Some(address.to_owned())
}

/// A manifest without layers that says something of this kind about another.
fn about(subject: &Blob, kind: &str) -> Image {
    let subject = subject.descriptor(IMAGE);
    let said = json!({"subject": subject, "artifactType": kind, "annotations": {"by": kind}});
    Image::with(kind, said)
}

fn digests(index: &Value) -> Vec<&str> {
    let manifests = index["manifests"].as_array().unwrap();
    manifests
        .iter()
        .map(|m| m["digest"].as_str().unwrap())
        .collect()
}

probes! {
    async fn tags_are_listed_in_byte_order(it: &Subject) {
        let image = Image::of("one");
        for tag in ["b", "a", "B", "_x", "a.1", "10", "9", "a-1"] {
            it.push_image("shop/web", tag, &image).await;
        }
        let listed = it.call("GET", "/v2/shop/web/tags/list").await.is(200).json();
        assert_eq!(listed["name"], "shop/web");
        let mut listed = tags(it, "/v2/shop/web/tags/list").await;
        if !it.goes_further("the oracle (2.8) lists them as they come") {
            listed.sort();
        }
        assert_eq!(listed, ["10", "9", "B", "_x", "a", "a-1", "a.1", "b"]);
    }

    async fn tags_of_no_repository_are_unknown(it: &Subject) {
        let listed = it.call("GET", "/v2/shop/nowhere/tags/list").await;
        listed.refuses(404, "NAME_UNKNOWN");
    }

    async fn tags_come_page_by_page(it: &Subject) {
        let image = Image::of("one");
        for tag in ["a", "b", "c", "d", "e"] {
            it.push_image("shop/web", tag, &image).await;
        }
        if !it.goes_further(NO_PAGES) {
            assert_eq!(tags(it, "/v2/shop/web/tags/list?n=2").await.len(), 5);
            return;
        }
        let mut path = Some("/v2/shop/web/tags/list?n=2".to_owned());
        let mut pages = Vec::new();
        while let Some(at) = path {
            pages.push(tags(it, &at).await.concat());
            path = next(&it.call("GET", &at).await);
        }
        assert_eq!(pages, ["ab", "cd", "e"]);
        assert_eq!(tags(it, "/v2/shop/web/tags/list?last=c").await, ["d", "e"]);
        assert_eq!(tags(it, "/v2/shop/web/tags/list?last=bb&n=1").await, ["c"]);
        let full = it.call("GET", "/v2/shop/web/tags/list?n=5").await;
        assert_eq!(next(&full), None, "no page after the last");
        let none = it.call("GET", "/v2/shop/web/tags/list?n=0").await;
        assert_eq!((none.json()["tags"].clone(), next(&none)), (json!([]), None));
        assert!(tags(it, "/v2/shop/web/tags/list?n=999999999").await.len() == 5);
        for bad in ["-1", "x", "99999999999999999999"] {
            let path = format!("/v2/shop/web/tags/list?n={bad}");
            it.call("GET", &path).await.refuses(400, "PAGINATION_NUMBER_INVALID");
        }
    }

    async fn what_is_said_about_an_image_is_listed(it: &Subject) {
        let image = Image::of("spoken about");
        it.push_image("shop/web", "v1", &image).await;
        let path = format!("/v2/shop/web/referrers/{}", image.manifest.digest);
        if !it.goes_further(NO_REFERRERS) {
            it.call("GET", &path).await.is(404);
            return;
        }
        let none = it.call("GET", &path).await.is(200);
        assert_eq!(none.header("content-type"), "application/vnd.oci.image.index.v1+json");
        assert_eq!(none.json()["manifests"], json!([]));
        let (signature, list) = (about(&image.manifest, "x/signature"), about(&image.manifest, "x/list"));
        for said in [&signature, &list] {
            it.push_blob("shop/web", &said.config).await;
            it.push_blob("shop/web", &said.layer).await;
            let (digest, bytes) = (&said.manifest.digest, said.manifest.bytes.clone());
            let put = it.put_manifest("shop/web", digest, IMAGE, bytes).await.is(201);
            assert_eq!(put.header("oci-subject"), image.manifest.digest);
        }
        let both = it.call("GET", &path).await.is(200).json();
        assert_eq!(digests(&both).len(), 2);
        let filtered = it.call("GET", &format!("{path}?artifactType=x/list")).await.is(200);
        assert_eq!(filtered.header("oci-filters-applied"), "artifactType");
        let index = filtered.json();
        assert_eq!(digests(&index), [list.manifest.digest.as_str()]);
        let entry = &index["manifests"][0];
        assert_eq!(entry["artifactType"], "x/list");
        assert_eq!(entry["annotations"]["by"], "x/list");
        assert_eq!(entry["size"], list.manifest.bytes.len());
        assert_eq!(entry["mediaType"], IMAGE);
        let path_of_list = format!("/v2/shop/web/manifests/{}", list.manifest.digest);
        it.call("DELETE", &path_of_list).await.is(202);
        let left = it.call("GET", &path).await.is(200).json();
        assert_eq!(digests(&left), [signature.manifest.digest.as_str()]);
    }

    async fn one_may_speak_about_an_image_that_comes_later(it: &Subject) {
        let image = Image::of("later");
        let said = about(&image.manifest, "x/early");
        it.push_image("shop/web", &said.manifest.digest, &said).await;
        it.push_image("shop/web", "v1", &image).await;
        let path = format!("/v2/shop/web/referrers/{}", image.manifest.digest);
        if it.goes_further(NO_REFERRERS) {
            let index = it.call("GET", &path).await.is(200).json();
            assert_eq!(digests(&index), [said.manifest.digest.as_str()]);
            let bad = it.call("GET", "/v2/shop/web/referrers/sha256:zz").await;
            bad.refuses(400, "DIGEST_INVALID");
        }
    }

    async fn names_may_be_nested(it: &Subject) {
        let image = Image::of("deep");
        for name in ["shop/web/cache", "shop/a/b/c/d", "shop/a.b/c_d/e__f/g---h"] {
            it.push_image(name, "v1", &image).await;
            it.get_manifest(name, "v1").await.is(200);
            assert_eq!(tags(it, &format!("/v2/{name}/tags/list")).await, ["v1"]);
        }
        // A repository may even be called like a part of the protocol.
        it.push_image("shop/manifests/blobs", "tags", &image).await;
        it.get_manifest("shop/manifests/blobs", "tags").await.is(200);
    }

    async fn what_is_no_name_is_refused(it: &Subject) {
        let long = format!("shop/{}", "a".repeat(300));
        for bad in ["shop/.web", "shop//web", "shop/we b", "shop/w___b", &long, "Shop/web"] {
            let got = it.get_manifest(bad, "v1").await;
            assert!(got.status != 200, "{bad}: {got:?}");
            if it.goes_further("the oracle says 404 in plain text or 500, and takes capitals in front") {
                let path = format!("/v2/{bad}/blobs/uploads/");
                it.call("POST", &path).await.refuses(400, "NAME_INVALID");
                got.refuses(400, "NAME_INVALID");
            }
        }
    }

    async fn there_is_no_list_of_everything(it: &Subject) {
        it.push_image("shop/web", "v1", &Image::of("one")).await;
        let why = "the specification has no such list, and a token would have to be asked for each name";
        it.call("GET", "/v2/_catalog").await.is(it.either(404, 200, why));
    }

    async fn what_is_not_done_is_said_so(it: &Subject) {
        it.push_image("shop/web", "v1", &Image::of("one")).await;
        for (method, path) in [
            ("POST", "/v2/shop/web/tags/list"),
            ("PATCH", "/v2/shop/web/manifests/v1"),
        ] {
            let reply = it.call(method, path).await.is(405);
            if it.goes_further("the oracle leaves the body empty") {
                reply.refuses(405, "UNSUPPORTED");
            }
        }
    }
}
