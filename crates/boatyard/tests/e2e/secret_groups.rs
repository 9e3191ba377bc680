//! What a build is given: a service's own values, what its groups of secrets and the account add, and
//! the call's overrides; fixed when it is accepted, and readable nowhere that it should not be.

use crate::harness::{Answer, Api, HandWorker, Place, Repository, Server};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::path::Path;

const SECRETS: &str = "/v1/projects/shop/secrets";
const ARGUMENTS: &str = "/v1/projects/shop/services/web/build-arguments";

fn file(text: &str) -> Value {
    json!({"data": STANDARD.encode(text), "encoding": "utf-8"})
}

/// Every file below a folder that holds the text.
fn files_with(folder: &Path, text: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let files = entries.flat_map(|entry| {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files_with(&path, text),
            false => {
                let bytes = std::fs::read(&path).unwrap_or_default();
                let found = bytes
                    .windows(text.len())
                    .any(|part| part == text.as_bytes());
                found
                    .then(|| path.display().to_string())
                    .into_iter()
                    .collect()
            }
        }
    });
    files.collect()
}

fn token_with(server: &Server, args: &[&str]) -> Api {
    let output = server.boatyard(&[&["admin", "token", "create"], args].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let secret = String::from_utf8(output.stdout).unwrap();
    server.api().with_token(secret.trim())
}

async fn group(api: &Api, name: &str, more: Value) -> Answer {
    let mut body = json!({"name": name, "secretType": "arguments", "priority": 10});
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    api.post(SECRETS, body).await
}

testkit::for_each_store! {
    async fn a_build_gets_what_was_so_when_it_was_accepted(url: &str) {
        let worker = HandWorker::new();
        let server = Server::with()
            .database(url)
            .env("BOATYARD_WORKER_PROGRAM", worker.program())
            .env("RUST_LOG", "trace")
            .start()
            .await;
        let api = server.api();
        let repository = Repository::with_steps("");
        let place = Place::new(&server, &repository).await;
        Place::named(&server, "shop", "api", &repository, json!({})).await;
        let db = json!({"name": "database", "type": "secret", "secrets": {"values": {"user": {"name": "hush-account"}}}});
        api.post("/v1/secrets", db).await.data();
        api.post(ARGUMENTS, json!({
            "buildArguments": {"STAGE": "hush-stage", "OWN": "service", "DB": "${secrets.database.values.user.name}"},
            "dockerSecretMounts": {"token": file("hush-${STAGE}")},
        })).await.data();
        group(&api, "Low", json!({"secrets": {
            "variables": {"OWN": "low", "SHARED": "hush-shared", "BOTH": "low"},
            "files": {"/etc/app.conf": file("stage=${STAGE}")},
        }})).await.data();
        group(&api, "High", json!({"priority": 50, "secretType": "environment-arguments",
            "secrets": {"variables": {"BOTH": "high ${STAGE}"}}})).await.data();
        group(&api, "Runtime", json!({"secretType": "environment",
            "secrets": {"variables": {"RUNTIME": "no"}}})).await.data();
        let only = |service: &str| json!({"restricted": true, "nfObjects": [{"id": service, "type": "service"}]});
        group(&api, "Theirs", json!({"restrictions": only("api"),
            "secrets": {"variables": {"THEIRS": "no"}}})).await.data();
        group(&api, "Ours", json!({"restrictions": only("web"),
            "secrets": {"variables": {"OURS": "yes"}}})).await.data();

        let shown = api.get(&format!("{ARGUMENTS}?show=this")).await.data().clone();
        assert_eq!(shown["buildArguments"]["DB"], "${secrets.database.values.user.name}");
        assert_eq!(shown["buildFiles"], json!({}));
        let shown = api.get(&format!("{ARGUMENTS}?show=inherited&replaceTemplatedValues=true")).await.data().clone();
        assert_eq!(shown["buildArguments"], json!({
            "OWN": "low", "SHARED": "hush-shared", "BOTH": "high hush-stage", "OURS": "yes"}));
        let details = api.get(&format!("{ARGUMENTS}/details")).await.data().clone();
        assert_eq!(details["buildArguments"]["OWN"], json!({"value": "service",
            "overriding": [{"value": "low", "inheritedFrom": "low", "priority": 10}]}));
        assert_eq!(details["buildArguments"]["BOTH"], json!({"value": "high ${STAGE}", "inheritedFrom": "high",
            "priority": 50, "overriding": [{"value": "low", "inheritedFrom": "low", "priority": 10}]}));

        place.start(json!({"branch": "main", "overrides": {
            "buildArguments": {"OWN": "call", "EXTRA": "${SHARED}!"},
            "buildFiles": {"/call": file("hush-call")},
        }})).await;
        api.call("DELETE", &format!("{SECRETS}/low"), None).await.data();
        api.call("DELETE", "/v1/secrets/database", None).await.data();
        let claim = json!({"process": "hand", "version": "0"});
        let request = worker.calls(&server, "claim", claim).await.body["request"].clone();
        assert_eq!(request["buildArguments"], json!({
            "STAGE": "hush-stage", "OWN": "call", "DB": "hush-account", "SHARED": "hush-shared",
            "BOTH": "high hush-stage", "OURS": "yes", "EXTRA": "hush-shared!",
        }));
        assert_eq!(request["buildFiles"], json!({"/etc/app.conf": file("stage=hush-stage"), "/call": file("hush-call")}));
        assert_eq!(request["dockerSecretMounts"], json!({"token": file("hush-hush-stage")}));
        assert_eq!(request["secretArguments"], json!(["BOTH", "DB", "EXTRA", "OURS", "SHARED"]));
        assert_eq!(request["accountSecrets"], json!(["hush-account"]));

        for secret in ["hush-stage", "hush-account", "hush-shared", &STANDARD.encode("hush-call")] {
            assert_eq!(files_with(&server.data_dir(), secret), Vec::<String>::new());
            assert!(!server.log().contains(secret), "{secret}");
        }
    }

    async fn groups_are_made_changed_and_listed(url: &str) {
        let server = Server::with().database(url).env("BOATYARD_MAX_CONCURRENT_BUILDS", 0).start().await;
        let api = server.api();
        api.post("/v1/projects", json!({"name": "shop"})).await.data();
        for tag in ["blue", "fast"] {
            api.post("/v1/tags", json!({"name": tag, "color": "#57A4FF"})).await.data();
        }
        let made = group(&api, "Shared Values", json!({
            "description": "words", "type": "config", "tags": ["blue"],
            "restrictions": {"restricted": true, "tags": ["fast"], "tagMatchCondition": "and"},
            "secrets": {"variables": {"A": "1"}},
        })).await.data().clone();
        assert_eq!(made["id"], "shared-values");
        assert_eq!(made["secrets"], json!({"variables": {"A": "1"}, "files": {}, "dockerSecretMounts": {}}));
        let path = format!("{SECRETS}/shared-values");
        group(&api, "Shared-Values", json!({})).await.refusal(409);
        let patch = json!({"priority": 20, "restrictions": {"restricted": false}, "secrets": {"files": {"/a": file("x")}}});
        let patched = api.call("PATCH", &path, Some(patch)).await.data().clone();
        assert_eq!(patched["secrets"]["variables"], json!({"A": "1"}), "what is not named stays");
        assert_eq!(patched["restrictions"], json!({
            "restricted": false, "nfObjects": [], "tags": ["fast"], "tagMatchCondition": "and"}));
        api.post(&path, json!({"secrets": {"variables": {"B": "2"}}})).await.data();
        let read = api.get(&format!("{path}/details")).await.data().clone();
        assert_eq!((&read["priority"], &read["projectId"], &read["type"]), (&json!(20), &json!("shop"), &json!("config")));
        assert_eq!((&read["secrets"]["variables"], &read["addonSecrets"]), (&json!({"B": "2"}), &json!([])));
        let inherited = api.get(&format!("{path}?show=inherited")).await.data().clone();
        assert_eq!(inherited["secrets"]["variables"], json!({}));
        let put = json!({"name": "Shared Values", "secretType": "arguments", "priority": 1});
        let put = api.call("PUT", SECRETS, Some(put)).await.data().clone();
        assert_eq!((&put["secrets"]["variables"], &put["tags"]), (&json!({}), &json!([])), "exactly what the body says");
        for n in 0..3 {
            group(&api, &format!("Group {n}"), json!({})).await.data();
        }
        let first = api.get(&format!("{SECRETS}?per_page=3")).await;
        assert_eq!(first.data()["secrets"][1]["id"], "group-0");
        assert_eq!(first.data()["secrets"][0]["secrets"], json!(null), "lists show no values");
        let cursor = first.body["pagination"]["cursor"].as_str().unwrap();
        let rest = api.get(&format!("/v1/teams/default/projects/shop/secrets?cursor={cursor}")).await;
        assert_eq!(rest.data()["secrets"].as_array().unwrap().len(), 1);
        let message = api.call("DELETE", "/v1/projects/shop", None).await.refusal(409);
        assert!(message.contains("groups of secrets"), "{message}");
        api.call("DELETE", "/v1/projects/shop?delete_child_objects=true", None).await.data();
    }
}

/// A group's variables, an account's secret by itself and what refers to them are masked whatever they
/// are called, in a retry, too; a group of configuration says that it holds none.
#[tokio::test]
async fn what_groups_and_accounts_keep_secret_is_in_no_log() {
    let server = Server::start().await;
    let api = server.api();
    let print = "echo $CITY; echo $PLACE; echo $COLOUR; echo $OWN; echo ${DSN#*=}; echo $HOST";
    let names = ["CITY", "PLACE", "COLOUR", "OWN", "DSN", "HOST"];
    let repository =
        Repository::with_steps(&format!("ARG {}\nRUN {print}\n", names.join("\nARG ")));
    let place = Place::new(&server, &repository).await;
    for (name, kind, value) in [
        ("database", "secret", "hush-account"),
        ("hosts", "config", "open-host"),
    ] {
        let secret = json!({"name": name, "type": kind, "secrets": {"values": {"it": value}}});
        api.post("/v1/secrets", secret).await.data();
    }
    for (name, kind, variables) in [
        (
            "Secret",
            "secret",
            json!({"CITY": "hush-group", "OWN": "hush-under"}),
        ),
        ("Config", "config", json!({"COLOUR": "open-group"})),
    ] {
        let secrets = json!({"type": kind, "secrets": {"variables": variables}});
        group(&api, name, secrets).await.data();
    }
    let own = json!({"buildArguments": {
        "PLACE": "in ${CITY}!", "OWN": "open-service",
        "DSN": "pw=${secrets.database.values.it}", "HOST": "${secrets.hosts.values.it}",
    }});
    api.post(ARGUMENTS, own).await.data();

    let first = place.build().await;
    place.reaches(&first, "SUCCESS").await;
    // Else the retry would find its layers, and print nothing.
    let cache = format!("{}/build-cache", place.path());
    api.call("DELETE", &cache, None).await.data();
    let retry = format!("{}/build/{first}/retry", place.path());
    let again = api.call("POST", &retry, None).await.data()["id"].clone();
    let again = again.as_str().unwrap();
    place.reaches(again, "SUCCESS").await;
    for id in [first.as_str(), again] {
        let log = place.lines(id).await;
        let printed = [
            "***",
            "***",
            "open-group",
            "open-service",
            "***",
            "open-host",
        ];
        assert!(log.windows(6).any(|lines| lines == printed), "{log:#?}");
        assert!(!log.iter().any(|line| line.contains("hush")), "{log:#?}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_secrets_is_named() {
    let server = Server::start().await;
    let api = server.api();
    let place = Place::new(&server, &Repository::with_steps("")).await;
    let long = "x".repeat(70_000);
    let bad = json!({
        "buildArguments": {"A B": "x", "LONG": long},
        "buildFiles": {"relative": file("x"), "/../up": file("x"), "/a": {"data": "%"}, "/b": {"data": "/w=="}},
        "dockerSecretMounts": {"a,src=/etc/passwd": file("x")},
    });
    let fields = [
        "buildArguments.A B",
        "buildArguments.LONG",
        "buildFiles./../up",
        "buildFiles./a",
        "buildFiles./b",
        "buildFiles.relative",
        "dockerSecretMounts.a,src=/etc/passwd",
    ];
    assert_eq!(api.post(ARGUMENTS, bad.clone()).await.fields(), fields);
    let patch = "/v1/projects/shop/services/build/web";
    assert_eq!(
        api.call("PATCH", patch, Some(bad.clone())).await.fields(),
        fields
    );
    let start = format!("{}/build", place.path());
    let overridden = fields.map(|field| format!("overrides.{field}"));
    let answer = api
        .post(&start, json!({"branch": "main", "overrides": bad}))
        .await;
    assert_eq!(answer.fields(), overridden);

    let answer = group(&api, "a", json!({
        "priority": 101, "tags": ["-"], "stageId": "x", "addonDependencies": [{"addonId": "x", "keys": []}],
        "restrictions": {"nfObjects": [{"id": "web", "type": "job"}, {"id": "nope", "type": "service"}]},
        "secrets": {"variables": {"A B": "x"}},
    })).await;
    assert_eq!(
        answer.fields(),
        [
            "name",
            "stageId",
            "priority",
            "addonDependencies",
            "tags[0]",
            "restrictions.nfObjects[0].type",
            "restrictions.nfObjects[1].id",
            "secrets.variables.A B"
        ]
    );
    let answer = api.post(SECRETS, json!({"name": "Fine"})).await;
    assert_eq!(answer.fields(), ["secretType", "priority"]);
    let gitops = json!({"name": "Fine", "type": "config", "gitops": {"repoUrl": "x"},
        "secrets": {"values": {}, "files": {"a": {"data": "%"}}}});
    assert_eq!(
        api.post("/v1/secrets", gitops).await.fields(),
        ["gitops", "secrets.files.a"]
    );
    assert_eq!(
        api.get(&format!("{ARGUMENTS}?show=some&replaceTemplatedValues=x"))
            .await
            .fields(),
        ["show", "replaceTemplatedValues"]
    );
    // Values that multiply: 1000 characters, doubled thirteen times.
    let doubled = |n: usize| (format!("V{}", n + 1), json!(format!("${{V{n}}}${{V{n}}}")));
    let mut variables: serde_json::Map<String, Value> = (0..13).map(doubled).collect();
    variables.insert("V0".to_owned(), json!("x".repeat(1000)));
    api.post(ARGUMENTS, json!({"buildArguments": variables}))
        .await
        .data();
    let answer = api.post(&start, json!({"branch": "main"})).await;
    assert!(
        answer.fields()[0].starts_with("buildArguments.V"),
        "{:?}",
        answer.fields()
    );
}

#[tokio::test]
async fn who_may_not_read_secrets_sees_none_and_loses_none() {
    let server = Server::with()
        .env("BOATYARD_MAX_CONCURRENT_BUILDS", 0)
        .start()
        .await;
    let admin = server.api();
    let place = Place::new(&server, &Repository::with_steps("")).await;
    let values = json!({"KEY": "hush-value", "DB": "${secrets.database.values.user}"});
    let given = json!({"buildArguments": values, "buildFiles": {"/f": file("hush-file")},
        "dockerSecretMounts": {"m": file("hush-mount")}});
    admin.post(ARGUMENTS, given.clone()).await.data();
    let secret =
        json!({"name": "database", "type": "secret", "secrets": {"values": {"user": "hush-user"}}});
    admin.post("/v1/secrets", secret.clone()).await.data();
    group(
        &admin,
        "group",
        json!({"secrets": {"variables": {"G": "hush-group"}}}),
    )
    .await
    .data();

    // Who may read the service's own may not thereby read what it inherits.
    let own = "Project > Secrets > Services > Read";
    let reader = token_with(&server, &["--permission", own]);
    for path in [
        format!("{ARGUMENTS}?show=inherited"),
        format!("{ARGUMENTS}?replaceTemplatedValues=true"),
        format!("{ARGUMENTS}/details"),
    ] {
        let shown = reader.get(&path).await.data().to_string();
        assert!(!shown.contains("hush-group"), "{path}: {shown}");
    }
    let viewer = token_with(&server, &["--role", "viewer"]);
    for (method, path, needed) in [
        ("GET", SECRETS, "Project > Secrets > General > Read"),
        ("POST", SECRETS, "Project > Secrets > General > Create"),
        ("PUT", SECRETS, "Project > Secrets > General > Create"),
        (
            "GET",
            "/v1/projects/shop/secrets/group",
            "Project > Secrets > General > Read",
        ),
        (
            "GET",
            "/v1/projects/shop/secrets/group/details",
            "Project > Secrets > General > Read",
        ),
        (
            "PATCH",
            "/v1/projects/shop/secrets/group",
            "Project > Secrets > General > Update",
        ),
        (
            "POST",
            "/v1/projects/shop/secrets/group",
            "Project > Secrets > General > Update",
        ),
        (
            "DELETE",
            "/v1/projects/shop/secrets/group",
            "Project > Secrets > General > Delete",
        ),
        ("GET", "/v1/secrets", "Account > Secrets > General > Read"),
        (
            "POST",
            "/v1/secrets",
            "Account > Secrets > General > Create",
        ),
        ("PUT", "/v1/secrets", "Account > Secrets > General > Create"),
        (
            "GET",
            "/v1/secrets/database",
            "Account > Secrets > General > Read",
        ),
        (
            "PATCH",
            "/v1/secrets/database",
            "Account > Secrets > General > Update",
        ),
        (
            "DELETE",
            "/v1/secrets/database",
            "Account > Secrets > General > Delete",
        ),
        ("GET", ARGUMENTS, "Project > Secrets > Services > Read"),
        ("POST", ARGUMENTS, "Project > Secrets > Services > Update"),
    ] {
        let body = (!matches!(method, "GET" | "DELETE")).then(|| json!({}));
        let message = viewer.call(method, path, body).await.refusal(403);
        assert!(message.contains(needed), "{method} {path}: {message}");
    }
    let shown = viewer.get(&place.path()).await.body.to_string();
    assert!(
        !shown.contains("KEY") && !shown.contains("buildFiles"),
        "{shown}"
    );

    // Written back by somebody who sees nothing of it, everything is still there.
    let blind = token_with(
        &server,
        &[
            "--permission",
            "Project > Secrets > General > Create",
            "--permission",
            "Project > Secrets > General > Update",
            "--permission",
            "Project > Services > General > Create",
            "--permission",
            "Project > Services > General > Update",
        ],
    );
    let put = json!({"name": "group", "secretType": "arguments", "priority": 3});
    let answer = blind.call("PUT", SECRETS, Some(put)).await.data().clone();
    assert_eq!(
        (&answer["priority"], &answer["secrets"]),
        (&json!(3), &json!(null))
    );
    let service = json!({"name": "web", "vcsData": {"projectUrl": "https://example.com/x", "projectType": "self-hosted"},
        "buildSettings": {"dockerfile": {}}});
    blind
        .call("PUT", "/v1/projects/shop/services/build", Some(service))
        .await
        .data();
    let kept = admin
        .get(&format!("{ARGUMENTS}?show=this"))
        .await
        .data()
        .clone();
    assert_eq!(kept, given);
    let kept = admin.get(&format!("{SECRETS}/group")).await.data().clone();
    assert_eq!(kept["secrets"]["variables"], json!({"G": "hush-group"}));

    // A developer reads the project's secrets, not the account's, and cannot get at them by a reference.
    let developer = token_with(&server, &["--role", "developer"]);
    developer.get("/v1/secrets/database").await.refusal(403);
    let shown = developer
        .get(&format!("{ARGUMENTS}?replaceTemplatedValues=true"))
        .await
        .data()
        .clone();
    assert_eq!(
        shown["buildArguments"]["DB"],
        "${secrets.database.values.user}"
    );
    let spy = json!({"SPY": "${secrets.database.values.user}"});
    let start = format!("{}/build", place.path());
    for (method, path, body) in [
        ("POST", ARGUMENTS, json!({"buildArguments": spy})),
        (
            "PATCH",
            "/v1/projects/shop/services/build/web",
            json!({"buildFiles": {"/spy": file("${secrets.database.values.user}")}}),
        ),
        (
            "PATCH",
            "/v1/projects/shop/secrets/group",
            json!({"secrets": {"variables": spy}}),
        ),
        (
            "POST",
            &start,
            json!({"branch": "main", "overrides": {"buildArguments": spy}}),
        ),
    ] {
        let message = developer.call(method, path, Some(body)).await.refusal(403);
        assert!(
            message.contains("Account > Secrets > General > Read"),
            "{path}: {message}"
        );
    }
    developer
        .post(ARGUMENTS, json!({"buildArguments": values}))
        .await
        .data();
    developer
        .post(&start, json!({"branch": "main"}))
        .await
        .data();
}
