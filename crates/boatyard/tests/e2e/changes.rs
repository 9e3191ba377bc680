//! Changes that are made at once: none is lost, whatever it was that they changed, and of those that make
//! the same thing one makes it and the others change it.

use crate::harness::{Answer, Api, Place, Repository, Server};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// A change: how, where, what, and where what it says is shown then.
type Change = (&'static str, String, Value, &'static str, Value);

async fn idle(url: &str) -> Server {
    let server = Server::with().env("BOATYARD_MAX_CONCURRENT_BUILDS", 0);
    server.database(url).start().await
}

/// Makes calls, all at once; the answers.
async fn at_once(
    api: &Api,
    calls: impl IntoIterator<Item = (&'static str, String, Value)>,
) -> Vec<Answer> {
    let running = calls.into_iter().map(|(method, path, body)| {
        let api = api.clone();
        tokio::spawn(async move { api.call(method, &path, Some(body)).await })
    });
    let mut answers = Vec::new();
    for call in running.collect::<Vec<_>>() {
        answers.push(call.await.unwrap());
    }
    answers
}

/// Makes all of the changes at once, and finds each of them at `shown`.
async fn all_hold(api: &Api, shown: &str, changes: Vec<Change>) {
    let calls = changes
        .iter()
        .map(|(method, path, body, ..)| (*method, path.clone(), body.clone()));
    for answer in at_once(api, calls.collect::<Vec<_>>()).await {
        answer.data();
    }
    let now = api.get(shown).await.data().clone();
    for (_, path, body, pointer, expected) in changes {
        let found = now.pointer(pointer);
        assert_eq!(found, Some(&expected), "{path} {body}: {now:#}");
    }
}

fn file(text: &str) -> Value {
    json!({"data": STANDARD.encode(text), "encoding": "utf-8"})
}

testkit::for_each_store! {
    async fn a_service_keeps_every_change(url: &str) {
        let server = idle(url).await;
        let place = Place::new(&server, &Repository::with_steps("")).await;
        let patch = "/v1/projects/shop/services/build/web".to_owned();
        let configured = |name: &str, value: Value| json!({"buildConfiguration": {name: value}});
        let options = |name: &str, value: Value| json!({"dockerfile": {}, name: value});
        let changes = vec![
            ("PATCH", patch.clone(), json!({"disabledCI": true}), "/disabledCI", json!(true)),
            ("PATCH", patch.clone(), json!({"description": "words"}), "/description", json!("words")),
            ("PATCH", patch.clone(), configured("dockerfileTarget", json!("app")), "/buildConfiguration/dockerfileTarget", json!("app")),
            ("PATCH", patch.clone(), configured("includeGitFolder", json!(true)), "/buildConfiguration/includeGitFolder", json!(true)),
            ("PATCH", patch.clone(), json!({"buildArguments": {"A": "1"}}), "/buildArguments/A", json!("1")),
            ("POST", format!("{}/build-options", place.path()), options("branchRestrictions", json!(["main"])), "/buildConfiguration/branchRestrictions", json!(["main"])),
            ("POST", format!("{}/build-options", place.path()), options("enableGitLfs", json!(true)), "/buildConfiguration/enableGitLfs", json!(true)),
            ("POST", format!("{}/build-source", place.path()), json!({"projectType": "github"}), "/vcsData/projectType", json!("github")),
        ];
        all_hold(&place.api, &place.path(), changes).await;
        let arguments = format!("{}/build-arguments", place.path());
        let parts = [
            ("buildArguments", json!({"B": "2"})),
            ("buildFiles", json!({"/b": file("b")})),
            ("dockerSecretMounts", json!({"b": file("b")})),
        ];
        let calls = parts.clone().map(|(part, value)| ("POST", arguments.clone(), json!({part: value})));
        for answer in at_once(&place.api, calls).await {
            answer.data();
        }
        let given = place.api.get(&arguments).await.data().clone();
        assert_eq!(given, Value::Object(parts.map(|(part, value)| (part.to_owned(), value)).into_iter().collect()));
    }

    async fn a_group_of_secrets_keeps_every_change(url: &str) {
        let server = idle(url).await;
        let place = Place::new(&server, &Repository::with_steps("")).await;
        place.api.post("/v1/tags", json!({"name": "blue"})).await.data();
        let group = json!({"name": "group", "secretType": "arguments", "priority": 1});
        place.api.post("/v1/projects/shop/secrets", group).await.data();
        let path = "/v1/projects/shop/secrets/group";
        let change = |body: Value, pointer, expected| ("PATCH", path.to_owned(), body, pointer, expected);
        all_hold(&place.api, path, vec![
            change(json!({"description": "words"}), "/description", json!("words")),
            change(json!({"priority": 7}), "/priority", json!(7)),
            change(json!({"type": "config"}), "/type", json!("config")),
            change(json!({"secretType": "environment"}), "/secretType", json!("environment")),
            change(json!({"tags": ["blue"]}), "/tags", json!(["blue"])),
            change(json!({"restrictions": {"restricted": true}}), "/restrictions/restricted", json!(true)),
            change(json!({"restrictions": {"tags": ["blue"]}}), "/restrictions/tags", json!(["blue"])),
            change(json!({"secrets": {"variables": {"A": "1"}}}), "/secrets/variables/A", json!("1")),
            change(json!({"secrets": {"files": {"/a": file("a")}}}), "/secrets/files/~1a", file("a")),
        ]).await;
    }

    async fn what_an_account_has_keeps_every_change(url: &str) {
        let server = idle(url).await;
        let api = server.api();
        for project in ["shop", "bank"] {
            api.post("/v1/projects", json!({"name": project})).await.data();
        }
        let secret = json!({"name": "login", "type": "secret"});
        api.post("/v1/secrets", secret).await.data();
        let change = |path: &str, body: Value, pointer, expected| ("PATCH", path.to_owned(), body, pointer, expected);
        let path = "/v1/secrets/login";
        all_hold(&api, path, vec![
            change(path, json!({"description": "words"}), "/description", json!("words")),
            change(path, json!({"type": "config"}), "/type", json!("config")),
            change(path, json!({"secrets": {"values": {"user": "ann"}}}), "/secrets/values/user", json!("ann")),
            change(path, json!({"secrets": {"files": {"key": file("k")}}}), "/secrets/files/key/data", file("k")["data"].clone()),
        ]).await;

        let login = json!({"username": "ann", "password": "hush", "scope": {"pull": true, "push": true}});
        let credential = json!({"name": "ours", "provider": "custom", "registryUrl": "https://registry.example.com", "credentials": login});
        api.post("/v1/integrations/registries", credential).await.data();
        let path = "/v1/integrations/registries/ours";
        all_hold(&api, path, vec![
            change(path, json!({"credentials": {"username": "bob", "scope": {}}}), "/credentials/username", json!("bob")),
            change(path, json!({"credentials": {"password": "quiet", "scope": {}}}), "/credentials/password", json!("quiet")),
            change(path, json!({"credentials": {"scope": {"push": false}}}), "/credentials/scope/push", json!(false)),
            change(path, json!({"restrictions": {"restricted": true, "projects": ["shop"]}}), "/restrictions/projects", json!(["shop"])),
        ]).await;

        let hook = json!({"name": "bell", "type": "RAW_WEBHOOK", "webhook": "https://example.com/bell", "events": {}});
        api.post("/v1/integrations/notifications", hook).await.data();
        let path = "/v1/integrations/notifications/bell";
        let change = |body: Value, pointer, expected| ("POST", path.to_owned(), body, pointer, expected);
        all_hold(&api, path, vec![
            change(json!({"name": "gong"}), "/name", json!("gong")),
            change(json!({"disabled": true}), "/status/disabled", json!(true)),
            change(json!({"restricted": true, "projects": ["bank"]}), "/projects", json!(["bank"])),
            change(json!({"events": {"trigger:build:start": true}}), "/events/trigger:build:start", json!(true)),
            change(json!({"events": {"trigger:build:success": true}}), "/events/trigger:build:success", json!(true)),
            change(json!({"events": {"trigger:build:failure": true}}), "/events/trigger:build:failure", json!(true)),
        ]).await;
    }

    async fn a_role_and_a_project_keep_every_change(url: &str) {
        let server = idle(url).await;
        let api = server.api();
        api.post("/v1/projects", json!({"name": "shop"})).await.data();
        let path = "/v1/projects/shop";
        let change = |path: &str, body: Value, pointer, expected| ("PATCH", path.to_owned(), body, pointer, expected);
        all_hold(&api, path, vec![
            change(path, json!({"description": "words"}), "/description", json!("words")),
            change(path, json!({"color": "#fff"}), "/color", json!("#fff")),
        ]).await;
        api.post("/v1/teams/default/roles", json!({"name": "Reader"})).await.data();
        let path = "/v1/teams/default/roles/reader";
        let (of_team, of_project) = (json!(["Account > Tags > General > Read"]), json!(["Project > Services > General > Read"]));
        let only = json!({"enabled": true, "projects": ["shop"]});
        all_hold(&api, path, vec![
            change(path, json!({"description": "words"}), "/description", json!("words")),
            change(path, json!({"permissions": {"teamScope": of_team}}), "/permissions/teamScope", of_team),
            change(path, json!({"permissions": {"projectScope": of_project}}), "/permissions/projectScope", of_project),
            change(path, json!({"restrictions": only}), "/restrictions/projects", json!(["shop"])),
        ]).await;
    }

    async fn of_those_who_make_the_same_one_makes_it(url: &str) {
        let server = idle(url).await;
        let api = server.api();
        let service = json!({"name": "web",
            "vcsData": {"projectUrl": "https://example.com/x", "projectType": "self-hosted"},
            "buildSettings": {"dockerfile": {}}});
        for (path, body) in [
            ("/v1/projects", json!({"name": "shop"})),
            ("/v1/projects/shop/services/build", service),
            ("/v1/projects/shop/secrets", json!({"name": "group", "secretType": "arguments", "priority": 1})),
            ("/v1/secrets", json!({"name": "login", "type": "secret"})),
            ("/v1/tags", json!({"name": "blue"})),
            ("/v1/teams/default/roles", json!({"name": "Reader"})),
        ] {
            let same = (0..4).map(|_| ("PUT", path.to_owned(), body.clone()));
            for answer in at_once(&api, same).await {
                answer.data();
            }
        }
    }
}

#[tokio::test]
async fn a_role_is_replaced_by_those_only_who_could_have_made_it() {
    let server = Server::start().await;
    let api = server.api();
    let roles = "/v1/teams/default/roles";
    let deleter = json!({"name": "Deleter",
        "permissions": {"projectScope": ["Project > Projects > Manage > Delete"]}});
    api.post(roles, deleter.clone()).await.data();
    let lesser = server.api_with(&["--permission", "Account > Admin > Roles > Manage"]);
    let emptied = json!({"name": "Deleter"});
    let refused = lesser.call("PUT", roles, Some(emptied)).await;
    let message = refused.refusal(403);
    assert!(message.contains("Projects > Manage > Delete"), "{message}");
    let kept = api.get(&format!("{roles}/deleter")).await.data().clone();
    assert_eq!(
        kept["permissions"]["projectScope"],
        deleter["permissions"]["projectScope"]
    );
}
