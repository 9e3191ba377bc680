//! Accounts at forges that the operator links: what they open is listed, and their tokens stay with
//! those who may have them.

use crate::harness::{Api, Server};
use axum::Router;
use axum::extract::{Path, Query, Request};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const SHA: &str = "262ed9817b3cad5142fbceabe0c9e371e390d616";
const GIT_READ: &str = "Account > Git > General > Read";
const TOKEN_READ: &str = "Account > Git > Tokens > Read";

/// A Gitea with three repositories, two on a page, and one token; its address.
async fn gitea() -> String {
    gitea_that(|_| true).await
}

/// The same, which is in order for the paths that `works` says.
async fn gitea_that(works: impl Fn(&str) -> bool + Clone + Send + Sync + 'static) -> String {
    let router = Router::new()
        .route(
            "/api/v1/user",
            get(async || Json(json!({"login": "ann", "email": "ann@example.com"}))),
        )
        .route("/api/v1/user/repos", get(repositories))
        .route("/api/v1/repos/{owner}/{name}/branches", get(branches))
        .layer(axum::middleware::from_fn(
            move |headers: HeaderMap, request: Request, next: axum::middleware::Next| {
                let works = works(request.uri().path());
                async move {
                    let token = headers.get("authorization");
                    if token.is_none_or(|value| value != "Bearer forge-s3cret") {
                        return StatusCode::UNAUTHORIZED.into_response();
                    }
                    if !works {
                        return StatusCode::BAD_GATEWAY.into_response();
                    }
                    next.run(request).await
                }
            },
        ));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn repositories(Query(query): Query<HashMap<String, String>>) -> Json<Value> {
    let repository = |(id, name): (usize, &&str)| {
        json!({"id": id, "name": name, "full_name": format!("acme/{name}"), "owner": {"login": "acme"},
            "html_url": format!("https://git.example.com/acme/{name}")})
    };
    let page: usize = query["page"].parse().unwrap();
    let rows = ["web", "api", "docs"]
        .iter()
        .enumerate()
        .skip((page - 1) * 2)
        .take(2);
    Json(rows.map(|(id, name)| repository((id, name))).collect())
}

async fn branches(
    Path((owner, name)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    if (owner.as_str(), name.as_str()) != ("acme", "web") {
        return StatusCode::NOT_FOUND.into_response();
    }
    let branch = |name: &str| {
        json!({"name": name, "commit": {"id": SHA, "message": "Fix all the bugs",
            "timestamp": "2026-03-06T14:22:04Z", "author": {"name": "Ann Lee", "username": "ann"}}})
    };
    let rows = if query["page"] == "1" {
        vec![branch("main"), branch("next")]
    } else {
        vec![]
    };
    Json(rows).into_response()
}

fn names(answer: &Value) -> Vec<&str> {
    let rows = answer["repos"].as_array().unwrap();
    rows.iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect()
}

/// Links the forge's account on the server's machine; what that says.
fn link(server: &Server, url: &str, token: &str, more: &[&str]) -> Result<String, String> {
    let file = server.scratch().join("forge-token");
    std::fs::write(&file, token).unwrap();
    let add = [
        "admin",
        "vcs",
        "add",
        "--kind",
        "gitea",
        "--url",
        url,
        "--token-file",
    ];
    let output = server.boatyard(&[&add[..], &[file.to_str().unwrap()], more].concat());
    let said = String::from_utf8(output.stdout).unwrap();
    if output.status.success() {
        return Ok(said);
    }
    Err(String::from_utf8(output.stderr).unwrap())
}

async fn token_of(api: &Api, link: &str) -> crate::harness::Answer {
    let path = format!("/v1/integrations/vcs/custom/{link}/token/{link}");
    api.call("POST", &path, None).await
}

testkit::for_each_store! {
    async fn what_a_linked_account_opens_is_listed(url: &str) {
        let server = Server::with().database(url)
            .env("BOATYARD_OUTBOUND_ALLOW", "127.0.0.0/8")
            .env("BOATYARD_GIT_PROTOCOLS", "https,http")
            .start().await;
        let forge = gitea().await;
        let refused = link(&server, &forge, "a wrong one", &[]).unwrap_err();
        assert!(refused.contains("refuses the token"), "{refused}");
        let linked = link(&server, &forge, "forge-s3cret\n", &["--name", "Our Git"]).unwrap();
        assert!(linked.contains("ann") && linked.contains("our-git"), "{linked}");
        let again = link(&server, &forge, "forge-s3cret", &["--name", "our git"]).unwrap_err();
        assert!(again.contains("already"), "{again}");

        let api = server.api();
        let links = api.get("/v1/integrations/vcs").await.data().clone();
        let shown = &links["vcsAccountLinks"][0];
        assert_eq!(shown["vcsService"], "self-hosted");
        assert_eq!((&shown["login"], &shown["email"]), (&json!("ann"), &json!("ann@example.com")));
        assert_eq!((&shown["internalId"], &shown["entityName"]), (&json!("our-git"), &json!("Default")));
        assert!(!links.to_string().contains("s3cret"), "{links}");

        let repos = "/v1/integrations/vcs/repos";
        assert_eq!(names(api.get(repos).await.data()), ["web", "api", "docs"]);
        let first = api.get(&format!("{repos}?per_page=2")).await;
        assert_eq!(names(first.data()), ["web", "api"]);
        let cursor = first.body["pagination"]["cursor"].as_str().unwrap();
        let rest = api.get(&format!("{repos}?per_page=2&cursor={cursor}")).await;
        assert_eq!(names(rest.data()), ["docs"]);
        for none in ["vcs_service=github", "account_login=bob", "vcs_link_id=other", "self_hosted_vcs_id=x"] {
            assert!(names(api.get(&format!("{repos}?{none}")).await.data()).is_empty(), "{none}");
        }
        let ours = "vcs_service=self-hosted&account_login=ann&vcs_link_id=our-git&self_hosted_vcs_id=our-git";
        assert_eq!(names(api.get(&format!("{repos}?{ours}")).await.data()).len(), 3);

        let branches = api.get(&format!("{repos}/self-hosted/acme/web/branches?per_page=1")).await;
        let main = &branches.data()["branches"][0];
        assert_eq!((&main["name"], &main["commit"]["sha"]), (&json!("main"), &json!(SHA)));
        assert_eq!(main["commit"]["author"]["login"], "ann");
        assert_eq!(branches.body["pagination"]["hasNextPage"], true);
        for nothing in ["self-hosted/acme/nope", "github/acme/web", "self-hosted/acme/%2E%2E"] {
            api.get(&format!("{repos}/{nothing}/branches")).await.refusal(404);
        }

        let reader = server.api_with(&["--permission", GIT_READ]);
        assert!(token_of(&reader, "our-git").await.refusal(403).contains(TOKEN_READ));
        let keeper = server.api_with(&["--permission", TOKEN_READ]);
        assert_eq!(token_of(&keeper, "our-git").await.data()["token"], "forge-s3cret");
        token_of(&keeper, "nothing").await.refusal(404);
        let refresh = "/v1/integrations/vcs/custom/our-git/token/our-git?force_refresh=true";
        assert_eq!(keeper.call("POST", refresh, None).await.fields(), ["force_refresh"]);

        let removed = server.boatyard(&["admin", "vcs", "remove", "our-git"]);
        assert!(removed.status.success(), "{removed:?}");
        assert!(names(api.get(repos).await.data()).is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forge_that_is_away_hides_no_other_and_each_is_asked_once_for_a_walk() {
    let server = Server::with()
        .env("BOATYARD_OUTBOUND_ALLOW", "127.0.0.0/8")
        .env("BOATYARD_GIT_PROTOCOLS", "https,http")
        .start()
        .await;
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let away = gitea_that(|path| path.ends_with("/user")).await;
    link(&server, &away, "forge-s3cret", &["--name", "Away"]).unwrap();
    let here = gitea_that(move |path| {
        if path.ends_with("/user/repos") {
            counted.fetch_add(1, Ordering::SeqCst);
        }
        true
    });
    link(&server, &here.await, "forge-s3cret", &["--name", "Here"]).unwrap();
    let api = server.api();
    let repos = "/v1/integrations/vcs/repos";
    let first = api.get(&format!("{repos}?per_page=2")).await;
    assert_eq!(names(first.data()), ["web", "api"]);
    assert_eq!(first.body["unavailable"][0]["vcsLinkId"], "away");
    let said = first.body["unavailable"][0]["message"].as_str().unwrap();
    assert!(
        said.contains("`away`") && !said.contains("s3cret"),
        "{said}"
    );
    let once = asked.load(Ordering::SeqCst);
    let cursor = first.body["pagination"]["cursor"].as_str().unwrap();
    let rest = api
        .get(&format!("{repos}?per_page=2&cursor={cursor}"))
        .await;
    assert_eq!(names(rest.data()), ["docs"]);
    assert_eq!(rest.body["unavailable"][0]["vcsLinkId"], "away");
    assert_eq!(
        asked.load(Ordering::SeqCst),
        once,
        "the walk knows the rest already"
    );
    api.get(repos).await.data();
    assert_eq!(
        asked.load(Ordering::SeqCst),
        2 * once,
        "another walk sees what is new"
    );
    let all = api.get(&format!("{repos}?vcs_link_id=here")).await;
    assert_eq!(all.body.get("unavailable"), None);
    api.get(&format!("{repos}?vcs_link_id=away"))
        .await
        .refusal(503);
    let branches = |name: &str| format!("{repos}/self-hosted/acme/{name}/branches");
    api.get(&branches("web")).await.data();
    api.get(&branches("none")).await.refusal(503);
}

#[tokio::test]
async fn a_forge_inside_is_not_asked_unless_the_operator_lets_it() {
    let server = Server::with()
        .env("BOATYARD_OUTBOUND_ALLOW", "")
        .start()
        .await;
    let forge = gitea().await;
    link(&server, &forge, "forge-s3cret", &["--login", "ann"]).unwrap();
    let refused = server.api().get("/v1/integrations/vcs/repos").await;
    refused.refusal(503);
}
