//! Whose turn it is, and limits.

use crate::harness::{Place, Repository, Server};
use serde_json::json;

#[tokio::test]
async fn a_long_queue_of_one_project_does_not_hold_up_anothers_first() {
    let server = Server::with()
        .env("BOATYARD_MAX_CONCURRENT_BUILDS", 1)
        .start()
        .await;
    let slow = Repository::with_steps("RUN echo waiting && sleep 1000000");
    let quick = Repository::with_steps("");
    let big = Place::named(&server, "big", "web", &slow, json!({})).await;
    let small = Place::named(&server, "small", "web", &quick, json!({})).await;
    let running = big.build().await;
    big.logs(&running, "waiting").await;
    let sha = slow.git(&["rev-parse", "HEAD"]);
    for _ in 0..1000 {
        big.start(json!({"branch": "main", "sha": sha})).await;
    }
    let mine = small.build().await;
    big.abort(&running).await.data();
    assert_eq!(small.ends(&mine).await["status"], "SUCCESS");
}

#[tokio::test]
async fn a_services_own_limit_leaves_room_for_others() {
    let server = Server::with()
        .env("BOATYARD_MAX_CONCURRENT_BUILDS", 4)
        .env("BOATYARD_MAX_CONCURRENT_BUILDS_PER_SERVICE", 1)
        .start()
        .await;
    let slow = Repository::with_steps("RUN echo waiting && sleep 1000000");
    let quick = Repository::with_steps("");
    let place = Place::named(&server, "shop", "slow", &slow, json!({})).await;
    let first = place.build().await;
    let second = place.build().await;
    place.logs(&first, "waiting").await;
    let other = Place::named(&server, "shop", "quick", &quick, json!({})).await;
    let third = other.build().await;
    assert_eq!(other.ends(&third).await["status"], "SUCCESS");
    assert_eq!(place.get(&second).await["status"], "QUEUED");
}
