//! What is kept between builds, for whom.

use crate::harness::{Place, Repository, Server};
use serde_json::json;

#[tokio::test]
async fn cache_mounts_are_kept_for_the_service_and_for_nobody_else() {
    let server = Server::start().await;
    let repository = Repository::with_steps(
        "ARG N\nRUN --mount=type=cache,target=/kept echo entry $N >> /kept/list && cat /kept/list",
    );
    let web = Place::new(&server, &repository).await;
    let api = Place::named(&server, "shop", "api", &repository, json!({})).await;
    let entries = async |place: &Place, n: u32| {
        let arguments = json!({"buildArguments": {"N": n.to_string()}});
        let id = place
            .start(json!({"branch": "main", "overrides": arguments}))
            .await;
        place.reaches(&id, "SUCCESS").await;
        let lines = place.lines(&id).await;
        lines
            .into_iter()
            .filter(|line| line.starts_with("entry"))
            .collect::<Vec<_>>()
    };
    assert_eq!(entries(&web, 1).await, ["entry 1"]);
    assert_eq!(entries(&web, 2).await, ["entry 1", "entry 2"]);
    assert_eq!(entries(&api, 3).await, ["entry 3"]);
}
