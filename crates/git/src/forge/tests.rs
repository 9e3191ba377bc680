//! Each forge's answers, as its reference shows them, from a server of the test's own.

mod heads;
mod open;

use super::*;
use axum::Router;
use axum::extract::{RawQuery, Request};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const SHA: &str = "262ed9817b3cad5142fbceabe0c9e371e390d616";

/// A forge that has one page of everything and answers to one login.
async fn forge(kind: VcsKind, login: &str, answers: &[(&str, Value)]) -> Forge {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let expected = login.to_owned();
    let answers: Vec<_> = answers
        .iter()
        .map(|(p, v)| ((*p).to_owned(), v.clone()))
        .collect();
    let answers = Arc::new(answers);
    let answer = move |headers: HeaderMap, RawQuery(query): RawQuery, request: Request| {
        let (expected, answers) = (expected.clone(), Arc::clone(&answers));
        async move {
            if headers["authorization"] != expected.as_str() {
                return StatusCode::UNAUTHORIZED.into_response();
            }
            let path = request.uri().path();
            let Some((_, value)) = answers.iter().find(|(known, _)| known == path) else {
                return StatusCode::NOT_FOUND.into_response();
            };
            page(value, query.as_deref().unwrap_or_default())
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    Forge::new(kind, &url.parse().unwrap(), "s3cret", http()).unwrap()
}

/// The second page of a list is empty, as the forges say.
fn page(value: &Value, query: &str) -> Response {
    let past = query.split('&').any(|part| part == "page=2");
    match value {
        Value::Array(_) if past => Json(json!([])).into_response(),
        Value::Object(object) if past && object.contains_key("values") => {
            Json(json!({"values": []})).into_response()
        }
        // Azure's lists with pages.
        Value::Object(_) if query.contains("skip=3") => {
            Json(json!({"count": 0, "value": []})).into_response()
        }
        value => Json(value).into_response(),
    }
}

fn http() -> HttpClient {
    let protocols = "http,https".parse().unwrap();
    HttpClient::new(
        "127.0.0.0/8".parse().unwrap(),
        protocols,
        Duration::from_secs(20),
    )
}

/// What every forge says in its own words.
async fn tells_the_same(forge: &Forge, owner: &str, id: &str) {
    let [repository] = &forge.repositories().await.unwrap()[..] else {
        panic!("one repository")
    };
    assert_eq!(
        (repository.id.as_str(), repository.owner.as_str()),
        (id, owner)
    );
    assert_eq!(repository.name, "web");
    assert_eq!(repository.full_name, format!("{owner}/web"));
    assert!(repository.url.starts_with("https://"), "{}", repository.url);
    let [branch] = &mut forge.branches(owner, "web").await.unwrap()[..] else {
        panic!("one branch")
    };
    forge.complete(owner, "web", branch).await.unwrap();
    assert_eq!((branch.name.as_str(), branch.sha.as_str()), ("main", SHA));
    let commit = branch.commit.as_ref().unwrap();
    assert_eq!(
        (commit.author.as_str(), commit.message.as_str()),
        ("ann", "Fix all the bugs")
    );
    assert_eq!(commit.date, "2026-03-06T14:22:04Z");
    let missing = forge.branches(owner, "nope").await.unwrap_err();
    assert!(matches!(missing, ForgeError::Missing { .. }), "{missing}");
    tells_of_pull_requests(forge, owner).await;
}

/// Of two open, or merged, or closed pull requests and their places.
async fn tells_of_pull_requests(forge: &Forge, owner: &str) {
    let pulls = forge
        .pull_requests(owner, "web", Which::All, &|_| false)
        .await;
    let mut pulls = pulls.unwrap();
    for pull in &mut pulls {
        let completed = forge.complete_pull_request(owner, "web", pull).await;
        completed.unwrap();
        let expected = ForgePullRequest {
            number: pull.number,
            state: pull.state,
            title: MESSAGE.into(),
            source: "fix/bugs".into(),
            destination: "main".into(),
            sha: SHA.into(),
            created_at: DATE.into(),
            updated_at: LATER.into(),
            url: pull.url.clone(),
            is_from_fork: pull.is_from_fork,
        };
        assert_eq!(*pull, expected);
        assert!(pull.url.ends_with(&pull.number.to_string()), "{}", pull.url);
        assert!(pull.url.contains("/web/"), "{}", pull.url);
    }
    let states = |pulls: &[ForgePullRequest]| -> Vec<_> {
        let states = pulls.iter().map(|pull| (pull.number, pull.state));
        states.collect()
    };
    let all = [
        (9, PullRequestState::Open),
        (8, PullRequestState::Merged),
        (5, PullRequestState::Closed),
    ];
    assert_eq!(states(&pulls), all);
}

/// GitHub's form of pull requests, which Gitea shares.
fn pulls(states: [Value; 3]) -> Value {
    let numbered = states.into_iter().zip([9, 8, 5]);
    let pulls = numbered.map(|(state, number)| {
        let mut pull = json!({"number": number, "title": MESSAGE,
            "head": {"ref": "fix/bugs", "sha": SHA, "repo": null}, "base": {"ref": "main", "sha": SHA},
            "created_at": DATE, "updated_at": LATER,
            "html_url": format!("https://git.example.com/acme/web/pulls/{number}")});
        let fields = pull.as_object_mut().unwrap();
        fields.extend(state.as_object().unwrap().clone());
        pull
    });
    pulls.collect()
}

const LATER: &str = "2026-03-07T09:00:00Z";
const DATE: &str = "2026-03-06T14:22:04Z";
const MESSAGE: &str = "Fix all the bugs";

#[tokio::test]
async fn github() {
    let repository = json!({"id": 1_296_269, "name": "web", "full_name": "acme/web",
        "html_url": "https://github.example.com/acme/web", "owner": {"login": "acme"}});
    let commit = json!({"sha": SHA, "author": {"login": "ann"},
        "commit": {"message": MESSAGE, "author": {"name": "Ann Lee", "email": "a@b.c", "date": DATE}}});
    let commit_path = format!("/api/v3/repos/acme/web/commits/{SHA}");
    let forge = forge(
        VcsKind::Github,
        "Bearer s3cret",
        &[
            (
                "/api/v3/user",
                json!({"login": "octocat", "email": "octocat@github.com"}),
            ),
            ("/api/v3/user/repos", json!([repository])),
            (
                "/api/v3/repos/acme/web/branches",
                json!([{"name": "main", "commit": {"sha": SHA}}]),
            ),
            (&commit_path, commit),
            (
                "/api/v3/repos/acme/web/pulls",
                pulls([
                    json!({"state": "open", "merged_at": null}),
                    json!({"state": "closed", "merged_at": LATER}),
                    json!({"state": "closed", "merged_at": null}),
                ]),
            ),
        ],
    )
    .await;
    let account = forge.account().await.unwrap();
    assert_eq!(
        (account.login.as_str(), account.email.as_str()),
        ("octocat", "octocat@github.com")
    );
    tells_the_same(&forge, "acme", "1296269").await;
    assert_eq!(
        github::api(&"https://github.com".parse().unwrap()).as_str(),
        "https://api.github.com/"
    );
}

#[tokio::test]
async fn gitlab() {
    let project = json!({"id": 4, "name": "Web", "path": "web", "path_with_namespace": "acme/deep/web",
        "web_url": "https://gitlab.example.com/acme/deep/web"});
    let branch = json!({"name": "main", "merged": false, "commit": {"id": SHA, "author_name": "ann",
        "message": MESSAGE, "committed_date": DATE}});
    let merge_requests = [(9, "opened"), (8, "merged"), (5, "closed")].map(|(number, state)| {
        json!({"id": 100 + number, "iid": number, "state": state, "title": MESSAGE, "sha": SHA,
            "source_branch": "fix/bugs", "target_branch": "main", "created_at": DATE,
            "updated_at": LATER,
            "web_url": format!("https://gitlab.example.com/acme/deep/web/-/merge_requests/{number}")})
    });
    let forge = forge(
        VcsKind::Gitlab,
        "Bearer s3cret",
        &[
            ("/api/v4/user", json!({"username": "ann", "email": null})),
            ("/api/v4/projects", json!([project])),
            (
                "/api/v4/projects/acme%2Fdeep%2Fweb/repository/branches",
                json!([branch]),
            ),
            (
                "/api/v4/projects/acme%2Fdeep%2Fweb/merge_requests",
                json!(merge_requests),
            ),
        ],
    )
    .await;
    assert_eq!(forge.account().await.unwrap().login, "ann");
    tells_the_same(&forge, "acme/deep", "4").await;
}

#[tokio::test]
async fn gitea() {
    let repository = json!({"id": 7, "name": "web", "full_name": "acme/web",
        "html_url": "https://git.example.com/acme/web", "owner": {"login": "acme"}});
    let branch = json!({"name": "main", "commit": {"id": SHA, "message": MESSAGE, "timestamp": DATE,
        "author": {"name": "Ann Lee", "email": "a@b.c", "username": "ann"}}});
    let forge = forge(
        VcsKind::Gitea,
        "Bearer s3cret",
        &[
            ("/api/v1/user", json!({"login": "ann", "email": "a@b.c"})),
            ("/api/v1/user/repos", json!([repository])),
            ("/api/v1/repos/acme/web/branches", json!([branch])),
            (
                "/api/v1/repos/acme/web/pulls",
                pulls([
                    json!({"state": "open", "merged": false}),
                    json!({"state": "closed", "merged": true}),
                    json!({"state": "closed", "merged": false}),
                ]),
            ),
        ],
    )
    .await;
    assert_eq!(forge.account().await.unwrap().email, "a@b.c");
    tells_the_same(&forge, "acme", "7").await;
}

#[tokio::test]
async fn bitbucket() {
    let repository = json!({"uuid": "{470c176d}", "slug": "web", "name": "Web", "full_name": "acme/web",
        "links": {"html": {"href": "https://bitbucket.org/acme/web"}}});
    let branch = json!({"name": "main", "target": {"hash": SHA, "message": MESSAGE, "date": DATE,
        "author": {"raw": "Ann <a@b.c>", "user": {"nickname": "ann", "display_name": "Ann Lee"}}}});
    // Of the commit there are twelve digits.
    let pulls = [(9, "OPEN"), (8, "MERGED"), (5, "DECLINED")].map(|(number, state)| {
        json!({"id": number, "state": state, "title": MESSAGE,
            "source": {"branch": {"name": "fix/bugs"}, "commit": {"hash": &SHA[..12]},
                "repository": {"full_name": "acme/web"}},
            "destination": {"branch": {"name": "main"}, "commit": {"hash": &SHA[..12]},
                "repository": {"full_name": "acme/web"}},
            "created_on": DATE, "updated_on": LATER,
            "links": {"html": {"href": format!("https://bitbucket.org/acme/web/pull-requests/{number}")}}})
    });
    let commits = json!({"values": [{"hash": SHA}, {"hash": "0".repeat(40)}]});
    let of_pulls = "/2.0/repositories/acme/web/pullrequests";
    let forge = forge(
        VcsKind::Bitbucket,
        "Bearer s3cret",
        &[
            (
                "/2.0/user",
                json!({"nickname": "ann", "display_name": "Ann Lee"}),
            ),
            ("/2.0/repositories", json!({"values": [repository]})),
            (
                "/2.0/repositories/acme/web/refs/branches",
                json!({"values": [branch]}),
            ),
            (of_pulls, json!({"values": pulls})),
            (&format!("{of_pulls}/9"), pulls[0].clone()),
            (&format!("{of_pulls}/9/commits"), commits.clone()),
            (&format!("{of_pulls}/8/commits"), commits.clone()),
            (&format!("{of_pulls}/5/commits"), commits),
        ],
    )
    .await;
    assert_eq!(forge.account().await.unwrap().login, "ann");
    tells_the_same(&forge, "acme", "{470c176d}").await;
}

#[tokio::test]
async fn azure() {
    let repository = json!({"id": "5febef5a", "name": "web", "project": {"name": "acme"},
        "webUrl": "https://dev.azure.com/fabrikam/acme/_git/web"});
    let branch = json!({"name": "main", "aheadCount": 0, "commit": {"commitId": SHA, "comment": MESSAGE,
        "author": {"name": "ann", "email": "a@b.c", "date": DATE}}});
    let pulls = [(9, "active"), (8, "completed"), (5, "abandoned")].map(|(number, status)| {
        json!({"pullRequestId": number, "status": status, "title": MESSAGE,
            "sourceRefName": "refs/heads/fix/bugs", "targetRefName": "refs/heads/main",
            "lastMergeSourceCommit": {"commitId": SHA}, "creationDate": DATE, "closedDate": LATER})
    });
    // ":s3cret" in base64.
    let forge = forge(
        VcsKind::Azure,
        "Basic OnMzY3JldA==",
        &[
            (
                "/_apis/connectionData",
                json!({"authenticatedUser": {"providerDisplayName": "Ann Lee"}}),
            ),
            (
                "/_apis/git/repositories",
                json!({"count": 1, "value": [repository]}),
            ),
            (
                "/acme/_apis/git/repositories/web/stats/branches",
                json!({"count": 1, "value": [branch]}),
            ),
            (
                "/acme/_apis/git/repositories/web/pullrequests",
                json!({"count": 3, "value": pulls}),
            ),
        ],
    )
    .await;
    assert_eq!(forge.account().await.unwrap().login, "Ann Lee");
    tells_the_same(&forge, "acme", "5febef5a").await;
}

#[tokio::test]
async fn a_forge_that_refuses_and_one_that_talks_nonsense() {
    let wrong = forge(VcsKind::Gitea, "Bearer another", &[]).await;
    let refused = wrong.account().await.unwrap_err();
    assert!(matches!(refused, ForgeError::Token { .. }), "{refused}");
    let odd = [("/api/v1/user", json!("hello"))];
    let odd = forge(VcsKind::Gitea, "Bearer s3cret", &odd).await;
    let refused = odd.account().await.unwrap_err();
    assert!(
        matches!(refused, ForgeError::Unreadable { .. }),
        "{refused}"
    );
    let endless = [(
        "/api/v1/user/repos",
        json!({"value": [{"id": 1, "name": "a", "full_name": "a/a",
        "html_url": "https://a", "owner": {"login": "a"}}]}),
    )];
    let endless = forge(VcsKind::Gitea, "Bearer s3cret", &endless).await;
    let refused = endless.repositories().await.unwrap_err();
    assert!(matches!(refused, ForgeError::TooMuch { .. }), "{refused}");
    let http = HttpClient::new(
        "".parse().unwrap(),
        "http".parse().unwrap(),
        Duration::from_secs(20),
    );
    let inside = "http://127.0.0.1:1".parse().unwrap();
    let forbidden = Forge::new(VcsKind::Gitea, &inside, "s3cret", http).unwrap();
    let refused = forbidden.account().await.unwrap_err();
    assert!(
        matches!(refused, ForgeError::Http(HttpError::Address(_))),
        "{refused}"
    );
}

#[tokio::test]
async fn no_more_pull_requests_are_asked_for_than_are_enough() {
    let one = json!({"state": "open", "merged": false});
    let rows = pulls([one.clone(), one.clone(), one]);
    // A second page would be an error.
    let endless = json!({"value": rows});
    let pulls = [("/api/v1/repos/acme/web/pulls", endless)];
    let forge = forge(VcsKind::Gitea, "Bearer s3cret", &pulls).await;
    let some = forge.pull_requests("acme", "web", Which::All, &|rows| rows.len() >= 2);
    assert_eq!(some.await.unwrap().len(), 3);
    let all = forge.pull_requests("acme", "web", Which::All, &|_| false);
    let refused = all.await.unwrap_err();
    assert!(matches!(refused, ForgeError::TooMuch { .. }), "{refused}");
}
