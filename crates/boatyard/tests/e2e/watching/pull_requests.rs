//! Pull requests: the repository's own, by rules of theirs; a fork's never.

use super::rules::change;
use super::{builds_are, watch, watched, watching_here};
use crate::harness::{GitServer, Place, Repository, Server};
use axum::Router;
use axum::extract::Query;
use axum::response::Json;
use axum::routing::get;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

const RULES: &str = r#"{"prRestrictions": ["fix/*"], "branchRestrictions": ["main"]}"#;

fn rules() -> Value {
    serde_json::from_str(RULES).unwrap()
}

/// What built, as pull request and commit.
fn numbers(builds: &[Value]) -> Vec<(Option<i64>, &str)> {
    builds.iter().map(number).collect()
}

fn number(build: &Value) -> (Option<i64>, &str) {
    (
        build["pullRequestId"].as_i64(),
        build["sha"].as_str().unwrap(),
    )
}

/// A commit on a branch of its own; two in one second are two all the same.
fn branch(repository: &Repository, name: &str) -> String {
    static COMMITS: AtomicUsize = AtomicUsize::new(0);
    let number = COMMITS.fetch_add(1, Ordering::Relaxed);
    repository.git(&["checkout", "--quiet", "-B", name]);
    repository.write(name, &number.to_string());
    let sha = repository.commit(name);
    repository.git(&["checkout", "--quiet", "main"]);
    sha
}

#[tokio::test]
async fn without_an_account_refs_tell_whose_a_pull_request_is() {
    let server = watching_here().await;
    let repository = Repository::empty();
    let before = branch(&repository, "fix/before");
    repository.git(&["update-ref", "refs/pull/1/head", &before]);
    let git = GitServer::start().await;
    let url = git.serves("web", &repository);
    let vcs = json!({"projectUrl": url, "projectType": "github"});
    let extra = json!({"vcsData": vcs, "buildConfiguration": rules()});
    let place = Place::at(&server, "shop", "web", &url, extra).await;
    super::begun(&place).await;

    // A stranger's commit is on no branch.
    let stranger = branch(&repository, "strange");
    repository.git(&["branch", "--delete", "--force", "strange"]);
    repository.git(&["update-ref", "refs/pull/2/head", &stranger]);
    let own = branch(&repository, "fix/own");
    repository.git(&["update-ref", "refs/pull/3/head", &own]);
    let other = branch(&repository, "feature/x");
    repository.git(&["update-ref", "refs/pull/4/head", &other]);
    let built = builds_are(&place, 1).await;
    assert_eq!(numbers(&built), [(Some(3), own.as_str())]);
    assert_eq!(
        (&built[0]["branch"], &built[0]["trigger"]),
        (&Value::Null, &json!("commit"))
    );

    let next = branch(&repository, "fix/own");
    repository.git(&["update-ref", "refs/pull/3/head", &next]);
    let main = builds_are(&place, 2).await;
    assert_eq!(numbers(&main)[1], (Some(3), next.as_str()));
    let main = repository.commit("on main");
    assert_eq!(
        numbers(&builds_are(&place, 3).await)[2],
        (None, main.as_str())
    );
}

/// Commits to `main` until the rules of this moment have been judged by.
async fn judged_by(repository: &Repository, place: &Place, built: usize) {
    let mains = ["in a look by the rules from before", "in the next one"];
    for (count, message) in (built + 1..).zip(mains) {
        let main = repository.commit(message);
        let built = builds_are(place, count).await;
        assert_eq!(numbers(&built)[count - 1], (None, main.as_str()));
    }
}

#[tokio::test]
async fn a_rule_that_comes_back_is_for_the_commits_that_come_after_it() {
    let server = watching_here().await;
    let repository = Repository::empty();
    let vcs = json!({"projectUrl": repository.url(), "projectType": "github"});
    let extra = json!({"vcsData": vcs, "buildConfiguration": rules()});
    let place = watched(&server, &repository, extra).await;
    let push = || {
        let sha = branch(&repository, "fix/own");
        repository.git(&["update-ref", "refs/pull/3/head", &sha]);
        sha
    };
    let first = push();
    let built = builds_are(&place, 1).await;
    assert_eq!(numbers(&built), [(Some(3), first.as_str())]);

    let none = json!({"buildConfiguration": {"prRestrictions": []}});
    change(&place, none).await;
    push();
    judged_by(&repository, &place, 1).await;
    change(&place, json!({"buildConfiguration": rules()})).await;
    judged_by(&repository, &place, 3).await;
    let last = push();
    let built = builds_are(&place, 6).await;
    assert_eq!(numbers(&built)[5], (Some(3), last.as_str()));
}

#[tokio::test]
async fn more_pull_requests_than_anybody_looks_through_hide_no_branch() {
    let server = watching_here().await;
    let repository = Repository::empty();
    let sha = repository.git(&["rev-parse", "HEAD"]);
    let mut refs = String::from("# pack-refs with: peeled fully-peeled sorted \n");
    for number in 100_000..170_000 {
        refs += &format!("{sha} refs/pull/{number}/head\n");
    }
    repository.write(".git/packed-refs", &refs);
    let place = watched(&server, &repository, json!({"buildConfiguration": rules()})).await;
    let told = watch(&place, "the problem", |watch| watch["problem"].is_string()).await;
    let problem = told["problem"].as_str().unwrap();
    assert!(problem.contains("too many pull requests"), "{problem}");
    let main = repository.commit("on main");
    let built = builds_are(&place, 1).await;
    assert_eq!(numbers(&built), [(None, main.as_str())]);
}

/// A Gitea whose pull requests 7, from the branch `fix/own`, and 8, from a fork's, are open.
fn forge(sha: &str) -> Router {
    let sha = sha.to_owned();
    let pulls = async move |Query(query): Query<HashMap<String, String>>| {
        assert_eq!(query["state"], "open");
        let pull = |(number, repository): (i64, i64)| {
            json!({"number": number, "state": "open", "merged": false, "title": "Fix it",
                "head": {"ref": "fix/own", "sha": sha, "repo_id": repository},
                "base": {"ref": "main", "sha": sha, "repo_id": 1},
                "created_at": "2026-03-06T14:22:04Z", "updated_at": "2026-03-06T14:22:04Z",
                "html_url": "https://git.example.com"})
        };
        let rows = [(8, 2), (7, 1)]
            .into_iter()
            .filter(|_| query["page"] == "1");
        Json(rows.map(pull).collect::<Value>())
    };
    Router::new().route("/api/v1/repos/acme/web/pulls", get(pulls))
}

fn link(server: &Server, url: &str) {
    let file = server.scratch().join("forge-token");
    std::fs::write(&file, "forge-s3cret").unwrap();
    let file = file.to_str().unwrap();
    let args = [
        "admin", "vcs", "add", "--kind", "gitea", "--url", url, "--name", "Our Git",
    ];
    let output = server.boatyard(&[&args[..], &["--login", "ann", "--token-file", file]].concat());
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test]
async fn a_linked_forge_tells_whose_a_pull_request_is() {
    let server = watching_here().await;
    let repository = Repository::empty();
    let first = branch(&repository, "fix/own");
    let user = get(async || Json(json!({"login": "ann", "email": ""})));
    let forge = forge(&first).route("/api/v1/user", user);
    let git = GitServer::of_forge(forge).await;
    let url = git.serves("acme/web", &repository);
    link(&server, url.strip_suffix("/acme/web.git").unwrap());
    let vcs =
        json!({"projectUrl": url, "projectType": "self-hosted", "selfHostedVcsId": "our-git"});
    let only_main = json!({"branchRestrictions": ["main"]});
    let extra = json!({"vcsData": vcs, "buildConfiguration": only_main});
    let place = Place::at(&server, "shop", "web", &url, extra).await;
    super::begun(&place).await;

    // What is open when pull requests are first asked for is noted.
    let path = format!("{}/build-options", place.path());
    let mut options = rules();
    options["dockerfile"] = json!({"dockerFilePath": "/Dockerfile", "dockerWorkDir": "/"});
    place.api.post(&path, options).await.data();
    judged_by(&repository, &place, 0).await;
    let next = branch(&repository, "fix/own");
    let built = builds_are(&place, 3).await;
    assert_eq!(numbers(&built)[2], (Some(7), next.as_str()));
    let id = built[2]["id"].as_str().unwrap();
    assert_ne!(place.get(id).await["fromFork"], json!(true));
    watch(&place, "no problem", |watch| watch["problem"].is_null()).await;
}
