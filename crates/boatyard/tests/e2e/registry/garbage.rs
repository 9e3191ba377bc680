//! What is deleted gives its disk back, while the rest is pulled and pushed.

use super::harness::{IMAGE, Image, Subject};
use crate::harness::{Place, Repository, Server, until};
use serde_json::json;
use std::path::Path;

/// A server that frees at once what nothing refers to.
async fn eager(database: &str) -> Server {
    Server::with()
        .database(database)
        .env("BOATYARD_GARBAGE_INTERVAL", 1)
        .env("BOATYARD_GARBAGE_GRACE", 0)
        .start()
        .await
}

/// The content files of a server's registry.
fn contents(server: &Server) -> Vec<String> {
    fn below(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.path() {
                path if path.is_dir() => below(&path, found),
                _ => found.push(entry.file_name().to_string_lossy().into_owned()),
            }
        }
    }
    let mut found = Vec::new();
    below(&server.data_dir().join("registry/blobs"), &mut found);
    found
}

fn holds(server: &Server, digest: &str) -> bool {
    let hex = digest.strip_prefix("sha256:").unwrap();
    contents(server).iter().any(|name| name == hex)
}

async fn frees(server: &Server, digest: &str) {
    until(&format!("{digest} to be freed"), async || {
        (!holds(server, digest)).then_some(())
    })
    .await;
}

testkit::for_each_store! {
    async fn a_deleted_service_gives_its_disk_back_and_a_neighbour_stays_whole(url: &str) {
        // Built with the usual grace, so that no push is hurried.
        let mut server = Server::with().database(url).start().await;
        let shared = "RUN echo the same in both > /base";
        let web = Repository::with_steps(&format!("{shared}\nRUN echo web > /own"));
        let api = Repository::with_steps(&format!("{shared}\nRUN echo api > /own"));
        let web = Place::named(&server, "shop", "web", &web, json!({})).await;
        let api = Place::named(&server, "shop", "api", &api, json!({})).await;
        let (web_build, api_build) = (web.build().await, api.build().await);
        let web_build = web.reaches(&web_build, "SUCCESS").await;
        let api_build = api.reaches(&api_build, "SUCCESS").await;
        let admin = Subject::seen_by(&server, Some(&server.token()));
        let by_hand = Image::of("pushed by hand below the service");
        admin.push_image("shop/web/cache", "v1", &by_hand).await;
        server.terminate();
        server.set("BOATYARD_GARBAGE_INTERVAL", 1);
        server.set("BOATYARD_GARBAGE_GRACE", 0);
        server.launch().await;
        web.api.call("DELETE", &web.path(), None).await.data();
        frees(&server, web_build["registry"]["digest"].as_str().unwrap()).await;
        frees(&server, &by_hand.layer.digest).await;
        let uri = format!("docker://{}", api_build["registry"]["uri"].as_str().unwrap());
        let copy = format!("dir:{}", server.scratch().join("copy").display());
        let copied = std::process::Command::new("skopeo")
            .args(["copy", "--quiet", "--src-tls-verify=false", &uri, &copy])
            .output()
            .unwrap();
        assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
        admin.get_manifest("shop/web", "main").await.is(404);
    }

    async fn a_deleted_image_and_a_project_give_their_disk_back(url: &str) {
        let server = eager(url).await;
        let project = json!({"name": "shop", "region": "local"});
        let api = server.api();
        api.call("PUT", "/v1/projects", Some(project.clone())).await.data();
        let admin = Subject::seen_by(&server, Some(&server.token()));
        let (one, two) = (Image::of("one"), Image::of("two"));
        let pushed = async |tag: &str, image: &Image| {
            // Without grace a push may have to be told that a part went; then it sends it again.
            until(tag, async || {
                admin.push_blob("shop/by-hand", &image.config).await;
                admin.push_blob("shop/by-hand", &image.layer).await;
                let bytes = image.manifest.bytes.clone();
                let kind = IMAGE;
                let put = admin.put_manifest("shop/by-hand", tag, kind, bytes).await;
                (put.status == 201).then_some(())
            })
            .await;
        };
        pushed("v1", &one).await;
        pushed("v2", &two).await;
        let path = format!("/v2/shop/by-hand/manifests/{}", one.manifest.digest);
        admin.call("DELETE", &path).await.is(202);
        frees(&server, &one.layer.digest).await;
        admin.get_manifest("shop/by-hand", "v2").await.is(200);
        assert!(holds(&server, &two.layer.digest));
        api.call("DELETE", "/v1/projects/shop", None).await.data();
        frees(&server, &two.layer.digest).await;
        frees(&server, &two.manifest.digest).await;
        // A new project of that name begins with nothing.
        api.call("PUT", "/v1/projects", Some(project)).await.data();
        admin.get_manifest("shop/by-hand", "v2").await.is(404);
    }
}
