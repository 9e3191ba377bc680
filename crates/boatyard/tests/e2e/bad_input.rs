//! Hostile and mistaken input: a clear 4xx that names the field, and nothing stored or lost.

use crate::harness::{Place, Repository, Server};
use serde_json::{Value, json};

fn service(url: &str) -> Value {
    json!({
        "name": "hostile",
        "billing": {},
        "vcsData": {"projectUrl": url, "projectType": "self-hosted"},
        "buildSettings": {"dockerfile": {"dockerFilePath": "/Dockerfile", "dockerWorkDir": "/"}},
    })
}

#[tokio::test]
async fn repository_urls_that_are_weapons_are_refused() {
    let server = Server::start().await;
    let api = server.api();
    api.post("/v1/projects", json!({"name": "shop"}))
        .await
        .data();
    let urls = [
        "--upload-pack=touch /tmp/x",
        "ext::sh -c id",
        "fd::17",
        "-oProxyCommand=id",
        "ssh://-oProxyCommand=id/x",
        "git://example.com/a/b",
        "https://example.com/a\nb",
        "https:///a/b",
        "file://elsewhere/a/b",
        "",
        " ",
    ];
    for url in urls {
        let answer = api
            .post("/v1/projects/shop/services/build", service(url))
            .await;
        assert_eq!(answer.fields(), ["vcsData.projectUrl"], "{url:?}");
    }
    let list = api.get("/v1/projects/shop/services").await;
    assert_eq!(list.data()["services"], json!([]));
}

#[tokio::test]
async fn a_protocol_the_operator_did_not_allow_is_refused() {
    let server = Server::with()
        .env("BOATYARD_GIT_PROTOCOLS", "https")
        .start()
        .await;
    let api = server.api();
    api.post("/v1/projects", json!({"name": "shop"}))
        .await
        .data();
    for url in [
        "file:///etc",
        "http://127.0.0.1/a",
        "ssh://git@example.com/a",
        "git@example.com:a/b",
    ] {
        let answer = api
            .post("/v1/projects/shop/services/build", service(url))
            .await;
        assert_eq!(answer.fields(), ["vcsData.projectUrl"], "{url:?}");
    }
}

#[tokio::test]
async fn refs_paths_and_names_that_climb_or_inject_are_refused() {
    let server = Server::start().await;
    let repository = Repository::with_steps("");
    let place = Place::new(&server, &repository).await;
    let start = async |body: Value| {
        place
            .api
            .post(&format!("{}/build", place.path()), body)
            .await
            .fields()
    };
    for branch in [
        "-x",
        "--upload-pack=id",
        "a..b",
        "a b",
        "",
        "/a",
        "a/",
        "a.lock",
        "a~1",
        "a\u{7}",
    ] {
        assert_eq!(
            start(json!({"branch": branch})).await,
            ["branch"],
            "{branch:?}"
        );
    }
    assert_eq!(
        start(json!({"branch": "main", "sha": "HEAD"})).await,
        ["sha"]
    );
    assert_eq!(start(json!({})).await, ["branch"]);
    assert_eq!(
        start(json!({"branch": "main", "pullRequestId": 3})).await,
        ["pullRequestId"]
    );
    for path in [
        "/../Dockerfile",
        "Dockerfile",
        "/a/../../b",
        "/a b",
        "/$(id)",
    ] {
        let body = json!({"branch": "main", "overrides": {"docker": {"dockerFilePath": path}}});
        assert_eq!(
            start(body).await,
            ["overrides.docker.dockerFilePath"],
            "{path:?}"
        );
    }
    let body = json!({"branch": "main", "overrides": {"docker": {"dockerfileTarget": "-f x"}}});
    assert_eq!(start(body).await, ["overrides.docker.dockerfileTarget"]);
    let body = json!({"branch": "main", "overrides": {"buildArguments": {"A B": "x"}}});
    assert_eq!(start(body).await, ["overrides.buildArguments.A B"]);
    let list = place.api.get(&format!("{}/build", place.path())).await;
    assert_eq!(list.data()["builds"], json!([]), "nothing was stored");
}

#[tokio::test]
async fn a_symlink_that_leads_out_of_the_repository_is_a_failure_that_says_so() {
    let repository = Repository::empty();
    std::os::unix::fs::symlink("/etc/passwd", repository.path().join("Dockerfile")).unwrap();
    std::os::unix::fs::symlink("/etc", repository.path().join("context")).unwrap();
    repository.write("Honest", "FROM scratch\nCOPY passwd /\n");
    repository.commit("escape");
    let server = Server::start().await;
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    let build = place.ends(&id).await;
    assert_eq!(
        (&build["status"], &build["reason"]),
        (&json!("FAILURE"), &json!("path_not_allowed"))
    );
    let docker = json!({"dockerFilePath": "/Honest", "dockerWorkDir": "/context"});
    let id = place
        .start(json!({"branch": "main", "overrides": {"docker": docker}}))
        .await;
    let build = place.ends(&id).await;
    assert_eq!(
        (&build["status"], &build["reason"]),
        (&json!("FAILURE"), &json!("path_not_allowed"))
    );
}

#[tokio::test]
async fn bodies_that_are_wrong_say_where() {
    let server = Server::start().await;
    let api = server.api();
    let post = async |body: Value| api.post("/v1/projects", body).await.fields();
    assert_eq!(post(json!({})).await, ["name"]);
    assert_eq!(post(json!({"name": "ab"})).await, ["name"]);
    assert_eq!(post(json!({"name": "1abc"})).await, ["name"]);
    assert_eq!(post(json!({"name": "x".repeat(40)})).await, ["name"]);
    assert_eq!(
        post(json!({"name": "fine", "color": "red"})).await,
        ["color"]
    );
    assert_eq!(
        post(json!({"name": "fine", "region": "mars"})).await,
        ["region"]
    );
    assert_eq!(
        post(json!({"name": "fine", "description": "<script>"})).await,
        ["description"]
    );
    assert_eq!(post(json!({"name": 5})).await, ["name"]);
    assert_eq!(api.get("/v1/projects").await.data()["projects"], json!([]));
    for (path, status) in [("/v1/nothing", 404), ("/nowhere", 404)] {
        api.get(path).await.refusal(status);
    }
    for path in [
        "/v1/projects/%FF",
        "/v1/projects/%FF/services/web",
        "/v1/projects/shop/services/web/build/%C3",
        "/v1/projects/shop/services/%FF/build-logs",
        "/v1/teams/%FF/projects",
    ] {
        api.get(path).await.refusal(400);
    }
    let answer = api.get("/v2/%FF/tags/list").await;
    assert_eq!(answer.body["errors"][0]["code"], "NAME_INVALID");
    api.call("PATCH", "/v1/projects", Some(json!({})))
        .await
        .refusal(405);
    let http = reqwest::Client::new();
    let send = async |body: String| {
        let request = http
            .post(format!("{}/v1/projects", server.url()))
            .bearer_auth(server.token());
        request.body(body).send().await.unwrap().status().as_u16()
    };
    assert_eq!(send("{".into()).await, 400);
    assert_eq!(send(String::new()).await, 400);
    assert_eq!(
        send(format!("{{\"name\": \"{}\"}}", "x".repeat(2 << 20))).await,
        413
    );
}

/// Left out without a word, it would have the answer say something else than was asked.
#[tokio::test]
async fn parameters_that_a_call_does_not_have_are_refused_by_name() {
    let server = Server::start().await;
    let place = Place::new(&server, &Repository::with_steps("")).await;
    let list = format!("{}/build", place.path());
    let misspelt = place.api.get(&format!("{list}?stauts=FAILURE")).await;
    assert_eq!(misspelt.fields(), ["stauts"]);
    assert!(misspelt.refusal(400).contains("status"));
    let none = place.api.get("/v1/plans?page=1").await;
    assert_eq!(none.fields(), ["page"]);
    let by_position = json!(["In Order", "#EF233C"]);
    place.api.post("/v1/tags", by_position).await.refusal(400);
}

#[tokio::test]
async fn fields_that_this_server_cannot_honour_are_refused_by_name() {
    let server = Server::start().await;
    let api = server.api();
    api.post("/v1/projects", json!({"name": "shop"}))
        .await
        .data();
    let fields = [
        (
            "buildConfiguration",
            json!({"crossProjectAccess": {"enabled": true, "projects": [], "isAllowList": true}}),
            "buildConfiguration.crossProjectAccess",
        ),
        (
            "billing",
            json!({"buildPlan": "nf-compute-7"}),
            "billing.buildPlan",
        ),
        (
            "buildSettings",
            json!({"dockerfile": {"buildEngine": "kaniko"}}),
            "buildSettings.dockerfile.buildEngine",
        ),
        ("tags", json!(["blue"]), "tags[0]"),
        ("surprise", json!(1), "surprise"),
    ];
    for (field, value, named) in fields {
        let mut body = service("https://example.com/a/b");
        body[field] = value;
        let answer = api.post("/v1/projects/shop/services/build", body).await;
        let message = answer.refusal(400);
        assert!(message.contains(named), "{field}: {message}");
    }
}

#[tokio::test]
async fn parts_of_a_service_are_refused_by_the_names_they_have_there() {
    let server = Server::start().await;
    let api = server.api();
    api.post("/v1/projects", json!({"name": "shop"}))
        .await
        .data();
    let body = service("https://example.com/a/b");
    let made = api.post("/v1/projects/shop/services/build", body).await;
    let path = made.data()["id"].as_str().unwrap();
    let path = format!("/v1/projects/shop/services/{path}");
    for (part, body, named) in [
        (
            "build-options",
            json!({"includeGitFolder": true}),
            vec!["dockerfile"],
        ),
        ("build-options", json!({"buildpack": {}}), vec!["buildpack"]),
        (
            "build-options",
            json!({
                "dockerfile": {"dockerFilePath": "Dockerfile", "buildEngine": "kaniko"},
                "storage": {"ephemeralStorage": {"storageSize": 5}},
                "dockerfileTarget": "a b",
                "branchRestrictions": ["[x]"],
                "pathIgnoreRules": ["docs/", "[z"],
                "ciIgnoreFlags": [""],
            }),
            vec![
                "dockerfile.buildEngine",
                "dockerfile.dockerFilePath",
                "storage.ephemeralStorage.storageSize",
                "dockerfileTarget",
                "branchRestrictions[0]",
                "pathIgnoreRules[1]",
                "ciIgnoreFlags[0]",
            ],
        ),
        (
            "build-source",
            json!({"projectUrl": "ext::sh"}),
            vec!["projectUrl"],
        ),
        (
            "build-source",
            json!({"projectBranch": "main", "accountLogin": "me"}),
            vec!["projectBranch", "accountLogin"],
        ),
    ] {
        let answer = api.post(&format!("{path}/{part}"), body).await;
        assert_eq!(answer.fields(), named, "{:#}", answer.body);
    }
    let cache = format!("{path}/build-cache");
    let some = Some(json!({"buildId": "x"}));
    assert_eq!(api.call("DELETE", &cache, some).await.fields(), ["buildId"]);
    api.call("DELETE", &cache, Some(json!({}))).await.data();
    let unchanged = api.get(&path).await;
    let shown = unchanged.data();
    assert_eq!(shown["vcsData"]["projectUrl"], "https://example.com/a/b");
    assert_eq!(shown["buildConfiguration"]["includeGitFolder"], false);
    let options = json!({
        "dockerfile": {"dockerFilePath": "/app/Dockerfile", "buildkit": {"useCache": false}},
        "includeGitFolder": true, "fullGitClone": true, "enableGitLfs": true,
        "storage": {"ephemeralStorage": {"storageSize": 32768}},
        "pathIgnoreRules": ["*.md"],
    });
    api.post(&format!("{path}/build-options"), options.clone())
        .await
        .data();
    let changed = api.get(&path).await;
    let shown = changed.data();
    let configuration = &shown["buildConfiguration"];
    for field in [
        "includeGitFolder",
        "fullGitClone",
        "enableGitLfs",
        "storage",
        "pathIgnoreRules",
    ] {
        assert_eq!(configuration[field], options[field], "{field}");
    }
    assert_eq!(
        shown["buildSettings"]["dockerfile"]["dockerFilePath"],
        "/app/Dockerfile"
    );
    assert_eq!(
        shown["buildSettings"]["dockerfile"]["buildkit"]["useCache"],
        false
    );
    assert_eq!(shown["buildSettings"]["dockerfile"]["dockerWorkDir"], "/");
}
