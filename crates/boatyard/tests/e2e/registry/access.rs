//! Who may pull, push and delete: tokens by role and project, strangers, and a build's worker.

use super::harness::{Blob, IMAGE, Image, Reply, Subject};
use crate::harness::{HandWorker, Place, Repository, Server};
use serde_json::json;

async fn project(server: &Server, name: &str) {
    let body = json!({"name": name, "region": "local"});
    let made = server.api();
    made.call("PUT", "/v1/projects", Some(body)).await.data();
}

/// A server with the projects `shop` and `bank`, each with an image `web:v1`.
async fn shop_and_bank(server: &Server) -> Image {
    let image = Image::of("web");
    let admin = Subject::seen_by(server, Some(&server.token()));
    for name in ["shop", "bank"] {
        project(server, name).await;
        admin.push_image(&format!("{name}/web"), "v1", &image).await;
    }
    image
}

async fn begins_to_push(it: &Subject, repository: &str) -> Reply {
    let path = format!("/v2/{repository}/blobs/uploads/");
    it.call("POST", &path).await
}

async fn deletes(it: &Subject, repository: &str, tag: &str) -> Reply {
    let path = format!("/v2/{repository}/manifests/{tag}");
    it.call("DELETE", &path).await
}

#[tokio::test]
async fn a_builder_of_one_project_sees_no_other() {
    let server = Server::start().await;
    let image = shop_and_bank(&server).await;
    let secret = server.token_with(&["--role", "builder", "--project", "shop"]);
    let builder = Subject::seen_by(&server, Some(&secret));
    builder.push_image("shop/web", "v2", &image).await;
    builder.get_manifest("shop/web", "v2").await.is(200);
    let hidden = builder.get_manifest("bank/web", "v1").await;
    hidden.refuses(404, "NAME_UNKNOWN");
    let layer = format!("/v2/bank/web/blobs/{}", image.layer.digest);
    let hidden = builder.call("GET", &layer).await;
    hidden.refuses(404, "NAME_UNKNOWN");
    let hidden = begins_to_push(&builder, "bank/web").await;
    hidden.refuses(404, "NAME_UNKNOWN");
    let hidden = builder.call("GET", "/v2/bank/web/tags/list").await;
    hidden.refuses(404, "NAME_UNKNOWN");
    // A neighbour whose name begins the same is another project too.
    let hidden = begins_to_push(&builder, "shop-2/web").await;
    hidden.refuses(404, "NAME_UNKNOWN");
}

#[tokio::test]
async fn a_mount_shows_nothing_that_the_token_may_not_read() {
    let server = Server::start().await;
    shop_and_bank(&server).await;
    let admin = Subject::seen_by(&server, Some(&server.token()));
    let secret = Blob::of("the bank's own");
    admin.push_blob("bank/web", &secret).await;
    let builder = server.token_with(&["--role", "builder", "--project", "shop"]);
    let builder = Subject::seen_by(&server, Some(&builder));
    let mount = format!(
        "/v2/shop/web/blobs/uploads/?mount={}&from=bank/web",
        secret.digest
    );
    // The same answer as for a blob that does not exist: send it yourself.
    builder.call("POST", &mount).await.is(202);
    let path = format!("/v2/shop/web/blobs/{}", secret.digest);
    builder.call("HEAD", &path).await.is(404);
    admin.call("POST", &mount).await.is(201);
    builder.call("HEAD", &path).await.is(200);
}

#[tokio::test]
async fn each_role_does_what_its_permissions_say() {
    let server = Server::start().await;
    let image = shop_and_bank(&server).await;
    let with_role =
        |role: &str| Subject::seen_by(&server, Some(&server.token_with(&["--role", role])));
    let (viewer, builder, developer) = (
        with_role("viewer"),
        with_role("builder"),
        with_role("developer"),
    );
    viewer.get_manifest("shop/web", "v1").await.is(200);
    begins_to_push(&viewer, "shop/web")
        .await
        .refuses(403, "DENIED");
    let bytes = image.manifest.bytes.clone();
    let put = viewer.put_manifest("shop/web", "v2", IMAGE, bytes);
    put.await.refuses(403, "DENIED");
    deletes(&viewer, "shop/web", "v1")
        .await
        .refuses(403, "DENIED");
    builder.push_image("shop/web", "v2", &image).await;
    deletes(&builder, "shop/web", "v2")
        .await
        .refuses(403, "DENIED");
    deletes(&developer, "shop/web", "v2").await.is(202);
    viewer.get_manifest("shop/web", "v1").await.is(200);
}

#[tokio::test]
async fn pulling_from_loopback_needs_no_login_and_pushing_does() {
    let server = Server::start().await;
    shop_and_bank(&server).await;
    let stranger = Subject::seen_by(&server, None);
    stranger.get_manifest("shop/web", "v1").await.is(200);
    let refused = begins_to_push(&stranger, "shop/web").await;
    let refused = refused.refuses(401, "UNAUTHORIZED");
    let challenge = format!(
        "Bearer realm=\"{}/v2/token\",service=\"boatyard\",scope=\"repository:shop/web:pull,push\"",
        server.url()
    );
    assert_eq!(refused.header("www-authenticate"), challenge);
    deletes(&stranger, "shop/web", "v1")
        .await
        .refuses(401, "UNAUTHORIZED");
    let guess = Subject::seen_by(&server, Some("boatyard_guess"));
    let refused = guess.get_manifest("shop/web", "v1").await;
    refused.refuses(401, "UNAUTHORIZED");
}

#[tokio::test]
async fn elsewhere_a_login_is_exchanged_for_a_bearer_token() {
    let server = Server::with()
        .env("BOATYARD_PUBLIC_URL", "https://ci.example.com")
        .start()
        .await;
    shop_and_bank(&server).await;
    let stranger = Subject::seen_by(&server, None);
    let refused = stranger.get_manifest("shop/web", "v1").await;
    let refused = refused.refuses(401, "UNAUTHORIZED");
    let challenge = refused.header("www-authenticate");
    assert!(
        challenge.contains("scope=\"repository:shop/web:pull\""),
        "{challenge}"
    );
    let path = "/v2/token?service=boatyard&scope=repository:shop/web:pull";
    let anonymous = stranger.call("GET", path).await.is(200).json();
    let bearer = format!("Bearer {}", anonymous["token"].as_str().unwrap());
    let manifest = "/v2/shop/web/manifests/v1";
    let still = stranger.call_with("GET", manifest, ("authorization", &bearer));
    still.await.refuses(401, "UNAUTHORIZED");
    let viewer = Subject::seen_by(&server, Some(&server.token_with(&["--role", "viewer"])));
    let given = viewer.call("GET", path).await.is(200).json();
    assert_eq!(given["token"], given["access_token"]);
    let bearer = format!("Bearer {}", given["token"].as_str().unwrap());
    let seen = stranger.call_with("GET", manifest, ("authorization", &bearer));
    seen.await.is(200);
    let guess = Subject::seen_by(&server, Some("boatyard_guess"));
    guess.call("GET", path).await.refuses(401, "UNAUTHORIZED");
    let behind_proxy = stranger
        .call_with("GET", "/v2/", ("host", "ci.example.com"))
        .await;
    let challenge = behind_proxy.is(401).header("www-authenticate").to_owned();
    assert!(
        challenge.contains("realm=\"https://ci.example.com/v2/token\""),
        "{challenge}"
    );
}

#[tokio::test]
async fn a_revoked_token_and_an_expired_one_are_none() {
    let server = Server::start().await;
    shop_and_bank(&server).await;
    let expired = server.token_with(&["--role", "admin", "--expires-in-days", "0"]);
    let revoked = server.token_with(&["--name", "ci", "--role", "admin"]);
    let holder = Subject::seen_by(&server, Some(&revoked));
    begins_to_push(&holder, "shop/web").await.is(202);
    let listed = server.boatyard(&["admin", "token", "list"]);
    let listed = String::from_utf8(listed.stdout).unwrap();
    let line = listed.lines().find(|line| line.contains("ci")).unwrap();
    let id = line.split(' ').next().unwrap();
    assert!(
        server
            .boatyard(&["admin", "token", "revoke", id])
            .status
            .success()
    );
    for gone in [revoked, expired] {
        let holder = Subject::seen_by(&server, Some(&gone));
        holder
            .call("GET", "/v2/")
            .await
            .refuses(401, "UNAUTHORIZED");
        holder
            .call("GET", "/v2/token")
            .await
            .refuses(401, "UNAUTHORIZED");
        let refused = holder.get_manifest("shop/web", "v1").await;
        refused.refuses(401, "UNAUTHORIZED");
        begins_to_push(&holder, "shop/web")
            .await
            .refuses(401, "UNAUTHORIZED");
    }
}

async fn puts(it: &Subject, repository: &str, reference: &str, image: &Image) -> Reply {
    let bytes = image.manifest.bytes.clone();
    it.put_manifest(repository, reference, IMAGE, bytes).await
}

testkit::for_each_store! {
    async fn a_builds_worker_pushes_to_its_own_repository_only(url: &str) {
        let hand = HandWorker::new();
        let server = by_hand(&hand, url).await;
        let image = shop_and_bank(&server).await;
        let admin = Subject::seen_by(&server, Some(&server.token()));
        admin.push_image("shop/other", "v1", &image).await;
        let repository = Repository::with_steps("");
        let place = Place::new(&server, &repository).await;
        let build = place.build().await;
        hand.claims(&server).await;
        let sha = repository.git(&["rev-parse", "HEAD"]);
        hand.reports(&server, "UPLOADING", &sha).await;
        let worker = Subject::seen_by(&server, Some(&hand.token().await));
        worker.push_image("shop/web", &build, &image).await;
        worker.get_manifest("shop/other", "v1").await.is(200);
        for foreign in ["shop/other", "shop/web/nested", "bank/web"] {
            begins_to_push(&worker, foreign).await.refuses(403, "DENIED");
            puts(&worker, foreign, &build, &image).await.refuses(403, "DENIED");
        }
        let hidden = worker.get_manifest("bank/web", "v1").await;
        hidden.refuses(404, "NAME_UNKNOWN");
        deletes(&worker, "shop/web", "v1").await.refuses(403, "DENIED");
        place.abort(&build).await.data();
        place.reaches(&build, "ABORTED").await;
        begins_to_push(&worker, "shop/web").await.refuses(401, "UNAUTHORIZED");
        puts(&worker, "shop/web", &build, &image).await.refuses(401, "UNAUTHORIZED");
    }

    async fn a_builds_worker_pushes_at_its_upload_only(url: &str) {
        let hand = HandWorker::new();
        let server = by_hand(&hand, url).await;
        let image = shop_and_bank(&server).await;
        let repository = Repository::with_steps("");
        let place = Place::new(&server, &repository).await;
        let build = place.build().await;
        hand.claims(&server).await;
        let sha = repository.git(&["rev-parse", "HEAD"]);
        let worker = Subject::seen_by(&server, Some(&hand.token().await));
        for status in ["STARTING", "CLONING", "BUILDING"] {
            hand.reports(&server, status, &sha).await;
            begins_to_push(&worker, "shop/web").await.refuses(403, "DENIED");
            for reference in [&build, &sha, "main", &image.manifest.digest] {
                puts(&worker, "shop/web", reference, &image).await.refuses(403, "DENIED");
            }
            worker.get_manifest("shop/web", "v1").await.is(200);
        }
        for status in ["UPLOADING", "IN_PROGRESS"] {
            hand.reports(&server, status, &sha).await;
            worker.push_image("shop/web", &build, &image).await;
        }
    }

    async fn a_builds_worker_gives_its_builds_tags_only(url: &str) {
        let hand = HandWorker::new();
        let server = by_hand(&hand, url).await;
        let image = shop_and_bank(&server).await;
        let repository = Repository::with_steps("");
        let place = Place::new(&server, &repository).await;
        let build = place.build().await;
        hand.claims(&server).await;
        let sha = repository.git(&["rev-parse", "HEAD"]);
        // The commit is a tag: what it is was known before the worker came.
        let other = "0123456789012345678901234567890123456789";
        let lie = json!({"status": "UPLOADING", "sha": other});
        hand.calls(&server, "status", lie).await.refusal(409);
        let lie = json!({"status": "UPLOADING", "sha": "latest"});
        assert_eq!(hand.calls(&server, "status", lie).await.fields(), ["sha"]);
        hand.reports(&server, "UPLOADING", &sha).await;
        let worker = Subject::seen_by(&server, Some(&hand.token().await));
        for own in [&build, &sha, "main", &image.manifest.digest] {
            puts(&worker, "shop/web", own, &image).await.is(201);
        }
        for foreign in ["v1", "latest", other] {
            puts(&worker, "shop/web", foreign, &image).await.refuses(403, "DENIED");
        }
    }

    async fn a_branchs_tag_is_not_taken_back_by_an_older_build(url: &str) {
        let hand = HandWorker::new();
        let server = by_hand(&hand, url).await;
        let image = shop_and_bank(&server).await;
        let repository = Repository::with_steps("");
        let place = Place::new(&server, &repository).await;
        let sha = repository.git(&["rev-parse", "HEAD"]);
        let old = place.build().await;
        hand.claims(&server).await;
        hand.reports(&server, "UPLOADING", &sha).await;
        let token = hand.token().await;
        let older = Subject::seen_by(&server, Some(&token));
        let new = place.build().await;
        let newer = Subject::seen_by(&server, Some(&hand.token_after(&token).await));
        hand.claims(&server).await;
        for status in ["STARTING", "CLONING", "BUILDING"] {
            hand.reports(&server, status, &sha).await;
            puts(&older, "shop/web", "main", &image).await.is(201);
        }
        for status in ["UPLOADING", "IN_PROGRESS"] {
            hand.reports(&server, status, &sha).await;
            puts(&older, "shop/web", "main", &image).await.refuses(403, "DENIED");
            puts(&newer, "shop/web", "main", &image).await.is(201);
            for still_its_own in [&old, &sha] {
                puts(&older, "shop/web", still_its_own, &image).await.is(201);
            }
        }
        place.abort(&new).await.data();
        place.reaches(&new, "ABORTED").await;
        puts(&older, "shop/web", "main", &image).await.is(201);
    }
}

/// A server whose builds the test works on by hand.
async fn by_hand(worker: &HandWorker, database: &str) -> Server {
    let server = Server::with().database(database);
    server
        .env("BOATYARD_WORKER_PROGRAM", worker.program())
        .start()
        .await
}

#[tokio::test]
async fn nobody_pushes_to_a_project_that_is_not_there() {
    let server = Server::start().await;
    let admin = Subject::seen_by(&server, Some(&server.token()));
    for repository in ["nowhere/web", "nowhere"] {
        let refused = begins_to_push(&admin, repository).await;
        refused.refuses(404, "NAME_UNKNOWN");
    }
    project(&server, "nowhere").await;
    admin
        .push_image("nowhere/web", "v1", &Image::of("now"))
        .await;
}
