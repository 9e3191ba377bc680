//! Services that build through a linked account: a forge whose git server and API want its token.

use crate::harness::{GitServer, Manner, Place, Repository, Server};
use axum::Router;
use axum::extract::{Path, Query};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use serde_json::{Value, json};
use std::collections::HashMap;

const TOKEN: &str = "forge-s3cret";
const OPENED: &str = "2026-03-06T14:22:04Z";
const CHANGED: &str = "2026-03-07T09:00:00Z";

/// The API of a forge with the words of two kinds: pull requests of a repository `acme/web`.
fn forge(sha: &str) -> Router {
    let (sha, head) = (sha.to_owned(), sha.to_owned());
    let pulls = async move |Query(query): Query<HashMap<String, String>>| {
        let pull = |(number, state): (i64, &str)| {
            json!({"number": number, "state": state, "merged": state == "closed", "title": "Fix it",
                "head": {"ref": "side", "sha": sha}, "base": {"ref": "main", "sha": sha},
                "created_at": OPENED, "updated_at": CHANGED,
                "html_url": format!("https://git.example.com/acme/web/pulls/{number}")})
        };
        let pages = [[(9, "open"), (7, "open")], [(3, "closed"), (1, "closed")]];
        let page: usize = query["page"].parse().unwrap();
        let rows = pages.get(page - 1).into_iter().flatten();
        Json(rows.copied().map(pull).collect::<Value>())
    };
    let commits = async move || Json(json!({"values": [{"hash": head}]}));
    let guarded = Router::new()
        .route("/api/v1/user", get(async || Json(json!({"login": "ann"}))))
        .route("/api/v1/repos/acme/web/pulls", get(pulls))
        .route(
            "/2.0/repositories/acme/web/pullrequests/{number}",
            get(pull),
        )
        .route(
            "/2.0/repositories/acme/web/pullrequests/{number}/commits",
            get(commits),
        );
    guarded.route_layer(from_fn(only_with_the_token))
}

async fn only_with_the_token(
    headers: HeaderMap,
    request: axum::extract::Request,
    next: Next,
) -> Response {
    let login = headers.get("authorization");
    if login.is_none_or(|login| *login != format!("Bearer {TOKEN}").as_str()) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    next.run(request).await
}

/// Bitbucket's: 7 is of the repository, 8 of a fork.
async fn pull(Path(number): Path<i64>) -> Response {
    let from = match number {
        7 => "acme/web",
        8 => "bob/web",
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let side = |branch: &str, repository: &str| {
        json!({"branch": {"name": branch}, "commit": {"hash": "0123456789ab"},
            "repository": {"full_name": repository}})
    };
    let pull = json!({"id": number, "state": "OPEN", "title": "Fix it", "created_on": OPENED,
        "updated_on": CHANGED, "source": side("side", from), "destination": side("main", "acme/web"),
        "links": {"html": {"href": "https://git.example.com"}}});
    Json(pull).into_response()
}

fn link(server: &Server, kind: &str, url: &str, name: &str) {
    let file = server.scratch().join("forge-token");
    std::fs::write(&file, TOKEN).unwrap();
    let file = file.to_str().unwrap();
    let args = [
        "admin", "vcs", "add", "--kind", kind, "--url", url, "--name", name,
    ];
    let more = ["--login", "ann", "--token-file", file];
    let output = server.boatyard(&[&args[..], &more].concat());
    assert!(output.status.success(), "{output:?}");
}

/// A repository whose branch `side` is one commit ahead; that commit.
fn repository() -> (Repository, String) {
    let repository = Repository::with_steps(&format!("RUN echo I know {TOKEN}, do you"));
    repository.git(&["checkout", "--quiet", "-b", "side"]);
    repository.write("side", "side");
    let side = repository.commit("side");
    repository.git(&["checkout", "--quiet", "main"]);
    (repository, side)
}

testkit::for_each_store! {
    async fn a_service_builds_through_a_linked_account(url: &str) {
        let (repository, side) = repository();
        let git = GitServer::of_forge(forge(&side)).await;
        let web = git.serves("acme/web", &repository);
        let home = web.strip_suffix("/acme/web.git").unwrap();
        let server = Server::with().database(url).env("RUST_LOG", "debug").start().await;
        link(&server, "gitea", home, "Our Git");
        link(&server, "bitbucket", home, "Bucket");
        let vcs = json!({"projectUrl": web, "projectType": "self-hosted", "selfHostedVcsId": "our-git"});
        let place = Place::at(&server, "shop", "web", &web, json!({"vcsData": vcs})).await;
        let shown = place.api.get(&place.path()).await.data().clone();
        let vcs = &shown["vcsData"];
        assert_eq!((&vcs["selfHostedVcsId"], &vcs["accountLogin"]), (&json!("our-git"), &json!("ann")));
        assert_eq!((&vcs["vcsLinkId"], &vcs["publicRepo"]), (&json!("our-git"), &json!(false)));
        let source = format!("{}/build-source", place.path());
        let elsewhere = json!({"projectUrl": "https://example.com/acme/web", "vcsLinkId": "our-git"});
        assert_eq!(place.api.post(&source, elsewhere).await.fields(), ["projectUrl"]);
        let nobody = json!({"accountLogin": "bob"});
        assert_eq!(place.api.post(&source, nobody).await.fields(), ["accountLogin"]);

        git.behaves(Manner::WantsLogin("oauth2", TOKEN));
        let branches = place.api.get(&format!("{}/branches", place.path())).await;
        assert_eq!(branches.data()["branches"][1]["commit"]["sha"], side);
        pull_requests_are_the_forges(&place, &side).await;
        let id = place.build().await;
        assert_eq!(place.get(&id).await["sha"], repository.git(&["rev-parse", "main"]));
        place.reaches(&id, "SUCCESS").await;
        let log = place.lines(&id).await.join("\n");
        assert!(log.contains("do you"), "{log}");
        for text in [log, server.log(), shown.to_string()] {
            assert!(!text.contains(TOKEN), "{text}");
        }

        // A forge that keeps no refs of pull requests, and wants another user's name.
        git.behaves(Manner::WantsLogin("x-token-auth", TOKEN));
        place.api.post(&source, json!({"vcsLinkId": "bucket"})).await.data();
        let start = format!("{}/build", place.path());
        for not_there in [8, 9] {
            let refused = place.api.post(&start, json!({"pullRequestId": not_there})).await;
            assert_eq!(refused.fields(), ["pullRequestId"]);
        }
        let id = place.start(json!({"pullRequestId": 7})).await;
        let build = place.reaches(&id, "SUCCESS").await;
        assert_eq!((&build["sha"], &build["pullRequestId"]), (&json!(side), &json!(7)));
        assert_eq!(build["branch"], Value::Null);

        // Taken back, the account opens nothing any more; named again, it does.
        place.api.post(&source, json!({"vcsLinkId": null})).await.data();
        let shown = place.api.get(&place.path()).await.data().clone();
        assert_eq!(shown["vcsData"].get("vcsLinkId"), None);
        assert_eq!(shown["vcsData"]["publicRepo"], true);
        place.api.post(&source, json!({"vcsLinkId": "bucket"})).await.data();

        let removed = server.boatyard(&["admin", "vcs", "remove", "bucket"]);
        assert!(removed.status.success(), "{removed:?}");
        let id = place.build().await;
        let build = place.ends(&id).await;
        assert_eq!((&build["status"], &build["reason"]), (&json!("FAILURE"), &json!("git_auth_failed")));
        assert!(build["message"].as_str().unwrap().contains("linked account"), "{build:#}");
        let gone = place.api.get(&format!("{}/branches", place.path())).await;
        assert!(gone.refusal(409).contains("gone"), "{:#}", gone.body);
    }
}

async fn pull_requests_are_the_forges(place: &Place, side: &str) {
    let list = format!("{}/pull-requests?per_page=3", place.path());
    let first = place.api.get(&list).await;
    let numbers = |answer: &Value| -> Vec<i64> {
        let pulls = answer["pullRequests"].as_array().unwrap();
        pulls
            .iter()
            .map(|pull| pull["id"].as_i64().unwrap())
            .collect()
    };
    assert_eq!(numbers(first.data()), [9, 7, 3]);
    let nine = json!({"id": 9, "state": "OPEN", "title": "Fix it", "source": "side",
        "destination": "main", "sha": side, "created_at": OPENED, "updated_at": CHANGED,
        "html_url": "https://git.example.com/acme/web/pulls/9"});
    assert_eq!(first.data()["pullRequests"][0], nine);
    assert_eq!(first.data()["pullRequests"][2]["state"], "MERGED");
    let cursor = first.body["pagination"]["cursor"].as_str().unwrap();
    let rest = place.api.get(&format!("{list}&cursor={cursor}")).await;
    assert_eq!(numbers(rest.data()), [1]);
    assert_eq!(rest.body["pagination"]["hasNextPage"], false);
}
