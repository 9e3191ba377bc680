//! A registry that does not take the image: for good, or for a moment.

use crate::harness::{Place, Proxy, Repository, Server};
use http::Method;
use serde_json::json;

async fn behind(proxy: &Proxy) -> Server {
    let server = Server::with()
        .env("BOATYARD_WORKER_PROGRAM", proxy.worker())
        .start()
        .await;
    proxy.leads_to(&server);
    server
}

#[tokio::test]
async fn a_refused_push_is_a_failure_with_the_registrys_words() {
    let proxy = Proxy::start().await;
    let server = behind(&proxy).await;
    for (service, method, path, status, words) in [
        ("denied", Method::POST, "/blobs/uploads/", 403, "denied"),
        ("broken", Method::PUT, "/manifests/", 500, "500"),
        ("cut-short", Method::PATCH, "/blobs/uploads/", 500, "500"),
    ] {
        let repository = Repository::with_steps(&format!("RUN echo {service}"));
        let place = Place::named(&server, "shop", service, &repository, json!({})).await;
        proxy.answers(method, path, status);
        let build = place.ends(&place.build().await).await;
        let end = (&build["status"], &build["reason"]);
        assert_eq!(end, (&json!("FAILURE"), &json!("push_failed")), "{build}");
        let message = build["message"].as_str().unwrap();
        assert!(message.contains(words), "{service}: {message}");
        assert!(build["registry"]["uri"].is_null(), "{build}");
        proxy.lets_go();
        place.reaches(&place.build().await, "SUCCESS").await;
    }
}

#[tokio::test]
async fn a_registry_that_is_busy_is_waited_for() {
    let proxy = Proxy::start().await;
    let server = behind(&proxy).await;
    let repository = Repository::with_steps("");
    let place = Place::new(&server, &repository).await;
    proxy.answers(Method::PUT, "/manifests/", 503);
    let id = place.build().await;
    place
        .logs(&id, "The registry cannot be reached; trying again")
        .await;
    assert_eq!(place.get(&id).await["status"], "UPLOADING");
    proxy.lets_go();
    place.reaches(&id, "SUCCESS").await;
}
