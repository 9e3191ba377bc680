//! Pull requests from forks: whoever wrote them gets nothing that is the service's.

use crate::harness::{GitServer, Place, Repository, Server};
use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Says what it is given, and what an earlier build left.
pub const LOOKS: &str = "ARG MINE\nARG STAGE\nARG NPM_TOKEN\nCOPY . /src\n\
    RUN --mount=type=secret,id=npm --mount=type=cache,target=/kept \
    echo \"stage=$STAGE; token=${#NPM_TOKEN}; mine=$MINE\"; cat /src/app.ini; \
    cat /run/secrets/npm | wc -c; cat /kept/left; echo left by $MINE >> /kept/left";

impl Repository {
    /// A commit of a stranger's, on no branch, that a pull request is for; its sha.
    pub fn has_forks_pull_request(&self, number: u32, change: impl FnOnce(&Repository)) -> String {
        self.git(&["checkout", "--quiet", "--detach", "main"]);
        change(self);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", "from a fork"]);
        let sha = self.git(&["rev-parse", "HEAD"]);
        self.git(&["update-ref", &format!("refs/pull/{number}/head"), &sha]);
        self.git(&["checkout", "--quiet", "main"]);
        sha
    }

    /// A pull request for the newest commit of a branch.
    fn has_own_pull_request(&self, number: u32, branch: &str) {
        self.git(&["update-ref", &format!("refs/pull/{number}/head"), branch]);
    }
}

fn file(text: &str) -> Value {
    json!({"data": STANDARD.encode(text), "encoding": "utf-8"})
}

/// A service with one of everything, and a group of secrets in its project.
async fn place_with_secrets(server: &Server, url: &str) -> Place {
    let values = json!({
        "buildArguments": {"NPM_TOKEN": "hush-token"},
        "buildFiles": {"/app.ini": file("hush-file\n")},
        "dockerSecretMounts": {"npm": file("hush-mount")},
    });
    let place = Place::at(server, "shop", "web", url, values).await;
    let group = json!({"name": "Stage", "secretType": "arguments", "priority": 1,
        "secrets": {"variables": {"STAGE": "hush-stage"}}});
    place
        .api
        .post("/v1/projects/shop/secrets", group)
        .await
        .data();
    place
}

/// Builds a pull request, with an argument of the call's own.
async fn built(place: &Place, number: u32) -> (Value, String) {
    built_with(place, number, &number.to_string()).await
}

async fn built_with(place: &Place, number: u32, mine: &str) -> (Value, String) {
    let mine = json!({"buildArguments": {"MINE": mine}});
    let id = place
        .start(json!({"pullRequestId": number, "overrides": mine}))
        .await;
    let build = place.reaches(&id, "SUCCESS").await;
    (build, place.lines(&id).await.join("\n"))
}

/// Whether the server's registry has the image under a tag.
async fn has_tag(server: &Server, tag: &str) -> bool {
    let url = format!("{}/v2/shop/web/manifests/{tag}", server.url());
    reqwest::get(&url).await.unwrap().status() == 200
}

testkit::for_each_store! {
    async fn a_forks_pull_request_gets_nothing_of_the_services(url: &str) {
        let server = Server::with().database(url).start().await;
        let repository = Repository::with_steps(LOOKS);
        repository.has_own_pull_request(1, "main");
        let sha = repository.has_forks_pull_request(2, |repository| {
            repository.write("change", "a stranger's");
            repository.git(&["add", "change"]);
        });
        let place = place_with_secrets(&server, &repository.url()).await;
        let (own, log) = built(&place, 1).await;
        assert!(log.contains("token=10; mine=1") && log.contains("\n10\n"), "{log}");
        assert!(own.get("fromFork").is_none(), "{own:#}");
        assert!(has_tag(&server, own["sha"].as_str().unwrap()).await);

        let (forks, log) = built(&place, 2).await;
        assert!(log.contains("pull request from a fork"), "{log}");
        assert!(log.contains("stage=; token=0; mine=2"), "{log}");
        for of_the_services in ["hush", "/app.ini\n", "\n10\n", "left by 1"] {
            assert!(!log.contains(of_the_services), "{of_the_services}: {log}");
        }
        assert_eq!((&forks["fromFork"], &forks["sha"]), (&json!(true), &json!(sha)));
        assert!(has_tag(&server, forks["id"].as_str().unwrap()).await);
        assert!(!has_tag(&server, &sha).await, "no tag that other builds have");

        // It stays one, whatever happens to the pull request, and leaves nothing to others.
        repository.git(&["branch", "merged", &sha]);
        let again = format!("{}/build/{}/retry", place.path(), forks["id"].as_str().unwrap());
        let again = place.api.call("POST", &again, None).await.data().clone();
        assert_eq!(again["fromFork"], true);
        let id = again["id"].as_str().unwrap();
        place.reaches(id, "SUCCESS").await;
        let log = place.lines(id).await.join("\n");
        assert!(log.contains("stage=; token=0; mine=2"), "{log}");
        let (_, log) = built_with(&place, 1, "another").await;
        assert!(log.contains("left by 1") && !log.contains("left by 2"), "{log}");
    }
}

#[tokio::test]
async fn a_call_cannot_hand_the_accounts_secrets_to_a_fork() {
    let server = Server::start().await;
    let repository = Repository::with_steps(LOOKS);
    repository.has_forks_pull_request(2, |_| {});
    let place = place_with_secrets(&server, &repository.url()).await;
    let secret = json!({"name": "Package", "type": "secret",
        "secrets": {"values": {"npm": "hush-account"}}});
    place.api.post("/v1/secrets", secret).await.data();
    let start = format!("{}/build", place.path());
    let reference = "x${secrets.package.values.npm}";
    for (part, name, value) in [
        ("buildArguments", "MINE", json!(reference)),
        ("buildFiles", "/mine", file(reference)),
        ("dockerSecretMounts", "mine", file(reference)),
    ] {
        let overrides = json!({part: {name: value}});
        let body = json!({"pullRequestId": 2, "overrides": overrides});
        let refused = place.api.post(&start, body).await;
        assert_eq!(refused.fields(), [format!("overrides.{part}.{name}")]);
    }
    // Names of the service's own are nobody's here.
    let overrides = json!({"buildArguments": {"MINE": "x${NPM_TOKEN}"}});
    let id = place
        .start(json!({"pullRequestId": 2, "overrides": overrides}))
        .await;
    place.reaches(&id, "SUCCESS").await;
    let log = place.lines(&id).await.join("\n");
    assert!(log.contains("mine=x${NPM_TOKEN}"), "{log}");
}

/// GitHub's word on pull requests: 1 is from the repository, 2 from a fork that was deleted, and of 3 it
/// tells this token nothing.
fn forge(sha: &str) -> Router {
    let sha = sha.to_owned();
    let pull = async move |Path(number): Path<i64>| -> Response {
        let repo = match number {
            1 => json!({"id": 7}),
            2 => Value::Null,
            _ => return StatusCode::FORBIDDEN.into_response(),
        };
        Json(
            json!({"number": number, "state": "open", "merged_at": null, "title": "Fix it",
            "head": {"ref": "fix", "sha": sha, "repo": repo},
            "base": {"ref": "main", "sha": sha, "repo": {"id": 7}},
            "created_at": "2026-03-06T14:22:04Z", "updated_at": "2026-03-06T14:22:04Z",
            "html_url": "https://git.example.com"}),
        )
        .into_response()
    };
    Router::new().route("/api/v3/repos/acme/web/pulls/{number}", get(pull))
}

#[tokio::test]
async fn the_forges_word_counts_where_it_has_one() {
    let server = Server::start().await;
    let repository = Repository::with_steps(LOOKS);
    // Its branch is gone: by the refs nobody could tell.
    let sha = repository.has_forks_pull_request(1, |_| {});
    repository.has_own_pull_request(2, "main");
    repository.has_own_pull_request(3, "main");
    repository.git(&["update-ref", "refs/pull/4/head", &sha]);
    let git = GitServer::of_forge(forge(&sha)).await;
    let url = git.serves("acme/web", &repository);
    let home = url.strip_suffix("/acme/web.git").unwrap();
    let token = server.scratch().join("forge-token");
    std::fs::write(&token, "forge-s3cret").unwrap();
    let add = [
        "admin", "vcs", "add", "--kind", "github", "--name", "Our Git", "--login", "ann",
    ];
    let more = ["--url", home, "--token-file", token.to_str().unwrap()];
    let added = server.boatyard(&[&add[..], &more].concat());
    assert!(added.status.success(), "{added:?}");
    let vcs = json!({"projectUrl": url, "projectType": "self-hosted", "vcsLinkId": "our-git"});
    let place = Place::at(&server, "shop", "web", &url, json!({"vcsData": vcs})).await;
    for (number, is_forks) in [(1, false), (2, true), (3, false), (4, true)] {
        let (build, _) = built(&place, number).await;
        assert_eq!(build["fromFork"] == true, is_forks, "{number}: {build:#}");
        let built = if number == 3 {
            repository.git(&["rev-parse", "main"])
        } else {
            sha.clone()
        };
        assert_eq!(build["sha"], built, "{number}");
    }
}

#[tokio::test]
async fn a_build_that_an_earlier_version_accepted_is_judged_when_it_is_asked_for_again() {
    let server = Server::start().await;
    let repository = Repository::with_steps(LOOKS);
    repository.has_own_pull_request(1, "main");
    let place = place_with_secrets(&server, &repository.url()).await;
    let (build, log) = built(&place, 1).await;
    assert!(log.contains("token=10"), "{log}");
    let database = rusqlite::Connection::open(server.data_dir().join("boatyard.db")).unwrap();
    let forget = "UPDATE builds SET request = json_remove(request, '$.fromFork')";
    assert_eq!(database.execute(forget, ()).unwrap(), 1);
    let again = format!(
        "{}/build/{}/retry",
        place.path(),
        build["id"].as_str().unwrap()
    );
    let retried = async || {
        let build = place.api.call("POST", &again, None).await.data().clone();
        let id = build["id"].as_str().unwrap().to_owned();
        place.reaches(&id, "SUCCESS").await;
        (build["fromFork"] == true, place.lines(&id).await.join("\n"))
    };
    let (is_forks, log) = retried().await;
    assert!(!is_forks && log.contains("Build file /app.ini"), "{log}");
    // The branch goes on, and nobody can tell any more whose the commit was.
    repository.write("change", "later");
    repository.commit("later");
    let (is_forks, log) = retried().await;
    assert!(is_forks && log.contains("token=0; mine=\n"), "{log}");
}
