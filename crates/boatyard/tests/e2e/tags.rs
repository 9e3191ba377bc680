//! Tags that a team puts on its services.

use crate::harness::{Place, Repository, Server};
use serde_json::{Value, json};

testkit::for_each_store! {
    async fn a_service_shows_its_tags_and_keeps_them_from_being_deleted(url: &str) {
        let server = Server::with().database(url).start().await;
        let api = server.api();
        let tag = json!({"name": "Web Team", "color": "#57A4FF", "useSpotNodes": false, "nodeAffinities": []});
        assert_eq!(api.post("/v1/tags", tag.clone()).await.data()["id"], "web-team");
        api.post("/v1/tags", tag).await.refusal(409);
        api.post("/v1/tags", json!({"name": "nightly"})).await.data();
        let repository = Repository::with_steps("");
        let tags = json!({"tags": ["web-team", "nightly", "web-team"]});
        let place = Place::named(&server, "shop", "web", &repository, tags).await;
        let shown = async || place.api.get(&place.path()).await.data()["tags"].clone();
        assert_eq!(shown().await, json!(["web-team", "nightly"]));
        let listed = api.get("/v1/projects/shop/services").await.data().clone();
        assert_eq!(listed["services"][0]["tags"], json!(["web-team", "nightly"]));

        let patch = "/v1/projects/shop/services/build/web";
        let words = json!({"description": "words"});
        api.call("PATCH", patch, Some(words)).await.data();
        assert_eq!(shown().await, json!(["web-team", "nightly"]), "what is not named stays");
        let unknown = json!({"tags": ["nightly", "nope"]});
        let refused = api.call("PATCH", patch, Some(unknown)).await;
        assert_eq!(refused.fields(), ["tags[1]"]);
        let message = api.call("DELETE", "/v1/tags/web-team", None).await.refusal(409);
        assert!(message.contains("shop/web"), "{message}");
        let rest = json!({"tags": ["nightly"]});
        api.call("PATCH", patch, Some(rest)).await.data();
        api.call("DELETE", "/v1/tags/web-team", None).await.data();
        api.call("DELETE", "/v1/tags/web-team", None).await.refusal(404);
        let left = api.get("/v1/tags").await.data().clone();
        assert_eq!(left["tags"].as_array().map(Vec::len), Some(1));
    }
}

#[tokio::test]
async fn a_tag_is_a_word_with_a_colour_and_chooses_no_nodes() {
    let server = Server::start().await;
    let api = server.api();
    let wrong = json!({
        "color": "red", "useSpotNodes": true, "useOnDemandNodes": true,
        "nodeAffinities": [{"matchExpressions": []}],
    });
    let fields = [
        "color",
        "useSpotNodes",
        "useOnDemandNodes",
        "nodeAffinities",
        "name",
    ];
    assert_eq!(api.post("/v1/tags", wrong).await.fields(), fields);
    let put = |color: &str| Some(json!({"name": "web", "color": color}));
    api.call("PUT", "/v1/tags", put("#fff")).await.data();
    let words = Some(json!({"description": "words"}));
    api.call("PATCH", "/v1/tags/web", words).await.data();
    api.call("PUT", "/v1/tags", put("#000")).await.data();
    let tag: Value = api.get("/v1/tags/web").await.data().clone();
    assert_eq!(
        (&tag["color"], &tag["description"]),
        (&json!("#000"), &json!("words"))
    );
    let other = server.api_with(&["--organisation", "--role", "admin"]);
    let team = json!({"name": "Acme", "email": "billing@example.com"});
    other.post("/v1/teams", team).await.data();
    let theirs = server.api_with(&["--team", "acme", "--role", "admin"]);
    theirs.get("/v1/tags/web").await.refusal(404);
    assert_eq!(theirs.get("/v1/tags").await.data()["tags"], json!([]));
}
