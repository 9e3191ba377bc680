//! What a call needs besides its own permission, where its body asks for more than the call is for.

use crate::harness::{Answer, Api, Place, Repository, Server};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

const READ: &str = "Project > Services > General > Read";
const CREATE: &str = "Project > Services > General > Create";
const UPDATE: &str = "Project > Services > General > Update";
const SERVICES: &str = "/v1/projects/shop/services/build";
const VALUES: &str = "Project > Secrets > Services > Update";

fn text(text: &str) -> Value {
    json!({"data": STANDARD.encode(text), "encoding": "utf-8"})
}

fn lacks(permission: &str, answer: &Answer) {
    let message = answer.refusal(403);
    assert!(message.contains(&format!("`{permission}`")), "{message}");
}

#[tokio::test]
async fn who_may_only_start_builds_brings_no_files_of_their_own() {
    let server = idle().await;
    let place = Place::new(&server, &Repository::with_steps("")).await;
    let start = format!("{}/build", place.path());
    let starter = server.api_with(&[
        "--permission",
        "Project > Services > Deployment > Deploy Build",
    ]);
    let with = |overrides: Value| json!({"branch": "main", "overrides": overrides});
    for part in ["buildFiles", "dockerSecretMounts"] {
        let name = if part == "buildFiles" { "/app" } else { "app" };
        let given = with(json!({part: {name: text("x")}}));
        lacks(VALUES, &starter.post(&start, given.clone()).await);
        place.api.post(&start, given).await.data();
    }
    // What an argument names comes to where anybody finds it, and a proxy sees what steps send.
    for (name, value) in [
        ("A", "${PASSWORD}"),
        ("A", "${secrets.db.values.login}"),
        ("https_proxy", "http://proxy:3128"),
    ] {
        let given = with(json!({"buildArguments": {name: value}}));
        lacks(VALUES, &starter.post(&start, given.clone()).await);
        place.api.post(&start, given).await.data();
    }
    let harmless = json!({"buildArguments": {"A": "1", "B": "${A}"}, "buildFiles": {}});
    starter.post(&start, with(harmless)).await.data();

    // The Dockerfile is the commit's, for everybody and wherever it is.
    let files = json!({"/Dockerfile": text("FROM scratch"), "/b/Dockerfile": text("FROM scratch")});
    let answer = place
        .api
        .post(&start, with(json!({"buildFiles": files})))
        .await;
    assert_eq!(answer.fields(), ["overrides.buildFiles./Dockerfile"]);
    let docker = json!({"dockerFilePath": "/a/b/Dockerfile", "dockerWorkDir": "/a"});
    let answer = place
        .api
        .post(&start, with(json!({"buildFiles": files, "docker": docker})))
        .await;
    assert_eq!(answer.fields(), ["overrides.buildFiles./b/Dockerfile"]);
    let own = [
        ("POST", format!("{}/build-arguments", place.path())),
        ("PATCH", format!("{SERVICES}/web")),
    ];
    for (method, path) in &own {
        let answer = place
            .api
            .call(method, path, Some(json!({"buildFiles": files})))
            .await;
        assert_eq!(answer.fields(), ["buildFiles./Dockerfile"], "{method}");
        let fine = json!({"buildFiles": {"/b/Dockerfile": text("FROM scratch")}});
        place.api.call(method, path, Some(fine)).await.data();
    }
    let options = json!({"dockerfile": {"dockerFilePath": "/b/Dockerfile"}});
    let answer = place
        .api
        .post(&format!("{}/build-options", place.path()), options)
        .await;
    assert_eq!(answer.fields(), ["buildFiles./b/Dockerfile"]);
    let docker = json!({"docker": {"dockerFilePath": "/b/Dockerfile"}});
    let answer = starter.post(&start, with(docker)).await;
    assert_eq!(answer.fields(), ["buildFiles./b/Dockerfile"]);
}

/// A server that builds nothing.
async fn idle() -> Server {
    let server = Server::with().env("BOATYARD_MAX_CONCURRENT_BUILDS", 0);
    server.start().await
}

fn holder(server: &Server, permissions: &[&str]) -> Api {
    let pairs = permissions
        .iter()
        .flat_map(|permission| ["--permission", *permission]);
    server.api_with(&pairs.collect::<Vec<_>>())
}

/// A service as its body says it.
fn service(name: &str, more: Value) -> Value {
    let mut body = json!({"name": name,
        "vcsData": {"projectUrl": "https://example.com/x", "projectType": "self-hosted"},
        "buildSettings": {"dockerfile": {}}});
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn who_may_change_services_alone_gives_them_no_values() {
    let server = idle().await;
    let admin = server.api();
    admin
        .post("/v1/projects", json!({"name": "shop"}))
        .await
        .data();
    let keys = [READ, CREATE, UPDATE, "Project > Secrets > Services > Read"];
    let writer = holder(&server, &keys);
    let values = json!({"buildArguments": {"A": "1"}, "buildFiles": {"/a": text("a")}, "dockerSecretMounts": {"m": text("m")}});
    lacks(
        VALUES,
        &writer.post(SERVICES, service("web", values.clone())).await,
    );
    writer
        .post(SERVICES, service("plain", json!({"buildArguments": {}})))
        .await
        .data();
    admin
        .post(SERVICES, service("web", values.clone()))
        .await
        .data();
    let web = format!("{SERVICES}/web");
    for (part, other) in [
        ("buildArguments", json!({"A": "2"})),
        ("buildFiles", json!({"/a": text("b")})),
        ("dockerSecretMounts", json!({})),
    ] {
        let other = json!({part: other});
        lacks(
            VALUES,
            &writer.call("PATCH", &web, Some(other.clone())).await,
        );
        let mut whole = values.clone();
        whole[part] = other[part].clone();
        lacks(
            VALUES,
            &writer
                .call("PUT", SERVICES, Some(service("web", whole)))
                .await,
        );
    }
    lacks(
        VALUES,
        &writer
            .call("PUT", SERVICES, Some(service("web", json!({}))))
            .await,
    );
    // What is written back as it was shown is fine.
    writer
        .call("PATCH", &web, Some(values.clone()))
        .await
        .data();
    writer
        .call("PUT", SERVICES, Some(service("web", values)))
        .await
        .data();
    let developer = server.api_with(&["--role", "developer"]);
    developer
        .call("PATCH", &web, Some(json!({"buildArguments": {"A": "2"}})))
        .await
        .data();
    developer
        .post(
            SERVICES,
            service("api", json!({"buildArguments": {"A": "1"}})),
        )
        .await
        .data();
}

#[tokio::test]
async fn who_may_create_replaces_nothing_that_is_there() {
    let server = idle().await;
    let admin = server.api();
    let secret =
        json!({"name": "db-login", "type": "secret", "secrets": {"values": {"user": "x"}}});
    let group = json!({"name": "group", "secretType": "arguments", "priority": 1});
    for (path, general, body) in [
        (
            "/v1/projects",
            "Project > Projects > Manage",
            json!({"name": "shop"}),
        ),
        (
            SERVICES,
            "Project > Services > General",
            service("web", json!({})),
        ),
        (
            "/v1/projects/shop/secrets",
            "Project > Secrets > General",
            group,
        ),
        ("/v1/secrets", "Account > Secrets > General", secret),
    ] {
        let (create, update) = (format!("{general} > Create"), format!("{general} > Update"));
        let maker = holder(&server, &[&create]);
        maker.call("PUT", path, Some(body.clone())).await.data();
        lacks(&update, &maker.call("PUT", path, Some(body.clone())).await);
        let keeper = holder(&server, &[&create, &update]);
        keeper.call("PUT", path, Some(body)).await.data();
    }
    let tag = json!({"name": "blue", "color": "#00f"});
    let keeper = holder(&server, &["Account > Tags > General > Update"]);
    let answer = keeper.call("PUT", "/v1/tags", Some(tag.clone())).await;
    lacks("Account > Tags > General > Create", &answer);
    admin
        .call("PUT", "/v1/tags", Some(tag.clone()))
        .await
        .data();
    keeper.call("PUT", "/v1/tags", Some(tag)).await.data();
}

#[tokio::test]
async fn a_tag_that_lets_secrets_in_takes_who_may_read_them() {
    let server = idle().await;
    let admin = server.api();
    admin
        .post("/v1/projects", json!({"name": "shop"}))
        .await
        .data();
    for name in ["vault", "free"] {
        admin
            .post("/v1/tags", json!({"name": name, "color": "#00f"}))
            .await
            .data();
    }
    let group = |name: &str, tag: &str, restricted: bool| {
        json!({"name": name, "secretType": "arguments", "priority": 1,
            "restrictions": {"restricted": restricted, "tags": [tag]}})
    };
    let groups = "/v1/projects/shop/secrets";
    admin
        .post(groups, group("guarded", "vault", true))
        .await
        .data();
    admin
        .post(groups, group("for-all", "free", false))
        .await
        .data();
    let tagger = holder(&server, &[READ, CREATE, UPDATE]);
    let tagged = |tags: &[&str]| Some(json!({"tags": tags}));
    let web = format!("{SERVICES}/web");
    let needed = "Project > Secrets > General > Read";
    lacks(
        needed,
        &tagger
            .post(SERVICES, service("web", json!({"tags": ["vault"]})))
            .await,
    );
    tagger
        .post(SERVICES, service("web", json!({"tags": ["free"]})))
        .await
        .data();
    lacks(
        needed,
        &tagger.call("PATCH", &web, tagged(&["free", "vault"])).await,
    );
    let whole = service("web", json!({"tags": ["vault"]}));
    lacks(
        needed,
        &tagger.call("PUT", SERVICES, Some(whole.clone())).await,
    );
    admin.call("PATCH", &web, tagged(&["vault"])).await.data();
    // What is there already stays, and what goes lets nothing in.
    tagger.call("PUT", SERVICES, Some(whole)).await.data();
    tagger.call("PATCH", &web, tagged(&[])).await.data();
    let reader = holder(&server, &[UPDATE, needed]);
    reader.call("PATCH", &web, tagged(&["vault"])).await.data();
}

#[tokio::test]
async fn who_shows_secrets_more_widely_could_as_well_read_them() {
    let server = idle().await;
    let admin = server.api();
    admin
        .post("/v1/projects", json!({"name": "shop"}))
        .await
        .data();
    for name in ["web", "api"] {
        admin.post(SERVICES, service(name, json!({}))).await.data();
    }
    let object = |id: &str| json!({"id": id, "type": "service"});
    let groups = "/v1/projects/shop/secrets";
    let guarded = json!({"name": "guarded", "secretType": "arguments", "priority": 1,
        "restrictions": {"restricted": true, "nfObjects": [object("web")]},
        "secrets": {"variables": {"A": "1"}}});
    admin.post(groups, guarded.clone()).await.data();
    let general = "Project > Secrets > General";
    let keys = [format!("{general} > Create"), format!("{general} > Update")];
    let keeper = holder(&server, &keys.each_ref().map(String::as_str));
    let path = format!("{groups}/guarded");
    let needed = "Project > Secrets > General > Read";
    for more in [
        json!({"restrictions": {"restricted": false}}),
        json!({"restrictions": {"nfObjects": [object("web"), object("api")]}}),
        json!({"type": "config"}),
    ] {
        for method in ["PATCH", "POST"] {
            lacks(
                needed,
                &keeper.call(method, &path, Some(more.clone())).await,
            );
        }
        let mut whole = guarded.clone();
        whole
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        lacks(needed, &keeper.call("PUT", groups, Some(whole)).await);
    }
    // What changes nothing of that, or lets it be seen less, is fine.
    let less = json!({"priority": 2, "restrictions": {"nfObjects": []}});
    keeper.call("PATCH", &path, Some(less)).await.data();
    let back = json!({"restrictions": {"nfObjects": [object("web")]}});
    lacks(
        needed,
        &keeper.call("PATCH", &path, Some(back.clone())).await,
    );
    admin.call("PATCH", &path, Some(back)).await.data();

    let secret = json!({"name": "login", "type": "secret", "secrets": {"values": {"user": "ann"}}});
    admin.post("/v1/secrets", secret).await.data();
    let keeper = holder(&server, &["Account > Secrets > General > Update"]);
    let shown = Some(json!({"type": "config"}));
    let refused = keeper
        .call("PATCH", "/v1/secrets/login", shown.clone())
        .await;
    lacks("Account > Secrets > General > Read", &refused);
    let words = Some(json!({"description": "words"}));
    keeper
        .call("PATCH", "/v1/secrets/login", words)
        .await
        .data();
    admin.call("PATCH", "/v1/secrets/login", shown).await.data();
}
