//! Who is told about builds: in which words, how often, and who is not.

use crate::harness::{
    Api, HandWorker, Place, Received, Receiver, Repository, Server, ServerBuilder, until,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const PATH: &str = "/v1/integrations/notifications";

/// A server whose builds wait until they are aborted.
fn waiting() -> ServerBuilder {
    Server::with().env("BOATYARD_MAX_CONCURRENT_BUILDS", 0)
}

/// The pause before what failed is sent again, in milliseconds.
const RETRY: &str = "BOATYARD_NOTIFICATION_RETRY_MS";

/// An integration for every event; its id.
async fn integrate(api: &Api, kind: &str, webhook: &str, more: Value) -> String {
    let mut body = json!({
        "name": format!("To {}", kind.replace('_', " ")),
        "type": kind,
        "webhook": webhook,
        "events": {
            "trigger:build:start": true,
            "trigger:build:success": true,
            "trigger:build:failure": true,
            "trigger:build:abort": true,
        },
    });
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    let made = api.post(PATH, body).await;
    made.data()["id"].as_str().unwrap().to_owned()
}

/// Starts a build and aborts it before it starts: one event.
async fn abort_one(place: &Place) -> String {
    let id = place.build().await;
    place.abort(&id).await.data();
    id
}

async fn shown(api: &Api, id: &str) -> Value {
    api.get(&format!("{PATH}/{id}")).await.data().clone()
}

fn admin(server: &Server, args: &[&str]) -> Value {
    let output = server.boatyard(&[&["admin", "notifications"], args, &["-o", "json"]].concat());
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

testkit::for_each_store! {
    async fn a_webhook_is_told_in_the_contracts_words(url: &str) {
        let worker = HandWorker::new();
        let server = Server::with()
            .database(url)
            .env("BOATYARD_WORKER_PROGRAM", worker.program())
            .start()
            .await;
        let place = Place::new(&server, &Repository::with_steps("")).await;
        let receiver = Receiver::start().await;
        let secret = json!({"secret": "hush"});
        let id = integrate(&place.api, "RAW_WEBHOOK", &receiver.url("/bell"), secret).await;
        let build = place.build().await;
        worker.claims(&server).await;
        receiver.got(1).await;
        let message = "A step failed: `RUN <b>make</b>`";
        let failure = json!({"status": "FAILURE", "reason": "step_failed", "message": message});
        worker.calls(&server, "conclude", failure).await;
        let [start, end]: [Received; 2] = receiver.got(2).await.try_into().unwrap();
        let list = place.api.get(&format!("{}/build", place.path())).await;
        let ended = list.data()["builds"][0].clone();
        assert_eq!(ended["id"], build.as_str());
        assert_eq!(end.body, json!({
            "event": "build:failure",
            "data": {
                "build": ended,
                "project": {"id": "shop", "name": "shop"},
                "service": {"id": "web", "name": "web"},
            },
        }));
        assert_eq!(start.body["event"], "build:start");
        assert_eq!(start.body["data"]["build"]["status"], "STARTING");
        for told in [&start, &end] {
            assert_eq!(told.path, "/bell");
            assert_eq!(told.says("id"), Some(id.as_str()));
            assert_eq!(told.says("name"), Some("To RAW WEBHOOK"));
            assert_eq!(told.says("token"), Some("hush"));
            assert_eq!(told.says("event-type"), told.body["event"].as_str());
        }
        assert_ne!(start.says("event-id"), end.says("event-id"));
        let list = admin(&server, &["list"]);
        let states: Vec<_> = list.as_array().unwrap().iter().map(|d| &d["event"]).collect();
        assert_eq!(states, ["build:failure", "build:start"]);
    }

    async fn what_was_on_its_way_when_the_server_was_killed_is_sent_again(url: &str) {
        let mut server = waiting().database(url).start().await;
        let place = Place::new(&server, &Repository::with_steps("")).await;
        let receiver = Receiver::start().await;
        integrate(&place.api, "RAW_WEBHOOK", &receiver.url("/"), json!({})).await;
        receiver.hangs();
        let build = abort_one(&place).await;
        receiver.got(1).await;
        server.kill();
        receiver.goes_on();
        server.launch().await;
        let told = receiver.got(2).await;
        assert_eq!(told[0].says("event-id"), told[1].says("event-id"), "to be told apart");
        assert_eq!(told[1].body["data"]["build"]["id"], build);
    }

    async fn who_is_away_is_told_later_and_who_fails_is_told_again(url: &str) {
        let server = waiting().database(url).env(RETRY, 50).start().await;
        let place = Place::new(&server, &Repository::with_steps("")).await;
        let (away, failing) = (Receiver::absent().await, Receiver::start().await);
        let id = integrate(&place.api, "RAW_WEBHOOK", &away.url("/"), json!({})).await;
        let named = json!({"name": "Failing"});
        integrate(&place.api, "RAW_WEBHOOK", &failing.url("/"), named).await;
        failing.answers(&[500, 302]);
        abort_one(&place).await;
        let told = failing.got(3).await;
        let ids: BTreeSet<_> = told.iter().map(|told| told.says("event-id")).collect();
        assert_eq!(ids.len(), 1, "{told:#?}");
        let status = until("the absent one to be missed", async || {
            let status = shown(&place.api, &id).await["status"].clone();
            (status["numberOfFailedRequests"].as_i64()? > 0).then_some(status)
        })
        .await;
        assert!(status["lastError"].as_str().unwrap().contains("refused"), "{status}");
        assert!(status["timeOfFirstFailedRequest"].is_string());
        away.comes();
        let told = away.got(1).await;
        assert_eq!(told[0].says("event-id"), *ids.first().unwrap(), "it is the same event");
        until("the failures to be forgotten", async || {
            let status = shown(&place.api, &id).await["status"].clone();
            (status["numberOfFailedRequests"] == 0).then_some(())
        })
        .await;
    }

    async fn a_private_address_is_not_contacted_until_the_operator_allows_it(url: &str) {
        let mut server = waiting()
            .database(url)
            .env(RETRY, 0)
            .env("BOATYARD_OUTBOUND_ALLOW", "")
            .start()
            .await;
        let place = Place::new(&server, &Repository::with_steps("")).await;
        let receiver = Receiver::start().await;
        for (name, host) in [("Number", "127.0.0.1"), ("Word", "localhost")] {
            let webhook = format!("http://{host}:{}/", receiver.port());
            integrate(&place.api, "RAW_WEBHOOK", &webhook, json!({"name": name})).await;
        }
        abort_one(&place).await;
        let dead = until("both to be given up", async || {
            let dead = admin(&server, &["dead"]).as_array().unwrap().clone();
            (dead.len() == 2).then_some(dead)
        })
        .await;
        for delivery in &dead {
            let error = delivery["lastError"].as_str().unwrap();
            assert!(error.contains("private or reserved"), "{error}");
            assert_eq!(delivery["tries"], 14);
        }
        assert!(receiver.received().is_empty());
        server.terminate();
        server.set("BOATYARD_OUTBOUND_ALLOW", "127.0.0.0/8");
        server.launch().await;
        let one = dead[0]["id"].as_str().unwrap();
        assert!(server.boatyard(&["admin", "notifications", "retry", one]).status.success());
        receiver.got(1).await;
        let rest = server.boatyard(&["admin", "notifications", "retry", "--all"]);
        assert_eq!(String::from_utf8_lossy(&rest.stdout), "Trying 1 delivery again.\n");
        receiver.got(2).await;
    }
}

#[tokio::test]
async fn chats_are_told_in_their_own_words() {
    let server = waiting().start().await;
    let place = Place::new(&server, &Repository::with_steps("")).await;
    let receiver = Receiver::start().await;
    for (kind, path) in [
        ("SLACK", "/slack"),
        ("DISCORD", "/discord"),
        ("TEAMS", "/teams"),
        ("TEAMS_WORKFLOWS", "/workflow"),
    ] {
        integrate(&place.api, kind, &receiver.url(path), json!({})).await;
    }
    let build = abort_one(&place).await;
    let told = receiver.got(4).await;
    let title = format!("web: build {build} was aborted");
    for (path, at) in [
        ("/slack", "/text"),
        ("/discord", "/embeds/0/title"),
        ("/teams", "/title"),
        ("/workflow", "/attachments/0/content/body/0/text"),
    ] {
        let told = told.iter().find(|told| told.path == path).unwrap();
        assert_eq!(told.body.pointer(at), Some(&json!(title)), "{told:#?}");
        assert_eq!(told.says("event-id"), None, "that is for webhooks");
    }
}

#[tokio::test]
async fn a_receiver_that_hangs_holds_up_no_other() {
    let server = waiting().start().await;
    let place = Place::new(&server, &Repository::with_steps("")).await;
    let (stuck, quick) = (Receiver::start().await, Receiver::start().await);
    integrate(
        &place.api,
        "RAW_WEBHOOK",
        &stuck.url("/"),
        json!({"name": "Stuck"}),
    )
    .await;
    integrate(
        &place.api,
        "RAW_WEBHOOK",
        &quick.url("/"),
        json!({"name": "Quick"}),
    )
    .await;
    stuck.hangs();
    for _ in 0..3 {
        abort_one(&place).await;
    }
    quick.got(3).await;
    assert_eq!(stuck.got(1).await.len(), 1, "one at a time");
    stuck.goes_on();
    stuck.got(3).await;
}

#[tokio::test]
async fn restrictions_hold_and_who_is_gone_or_disabled_is_told_nothing() {
    let server = waiting().start().await;
    let repository = Repository::with_steps("");
    let place = Place::new(&server, &repository).await;
    let other = Place::named(&server, "other", "web", &repository, json!({})).await;
    let receiver = Receiver::start().await;
    let api = &place.api;
    let only = json!({"name": "Only", "restricted": true, "projects": ["shop"]});
    integrate(api, "RAW_WEBHOOK", &receiver.url("/only"), only).await;
    let off = json!({"name": "Off", "disabled": true});
    let off = integrate(api, "RAW_WEBHOOK", &receiver.url("/off"), off).await;
    let gone = json!({"name": "Gone"});
    let gone = integrate(api, "RAW_WEBHOOK", &receiver.url("/gone"), gone).await;
    let gone = format!("{PATH}/{gone}");
    api.call("DELETE", &gone, None).await.data();
    api.get(&gone).await.refusal(404);
    abort_one(&other).await;
    abort_one(&place).await;
    let all = integrate(
        api,
        "RAW_WEBHOOK",
        &receiver.url("/all"),
        json!({"name": "All"}),
    )
    .await;
    abort_one(&place).await;
    let told = receiver.got(3).await;
    let paths: Vec<_> = told.iter().map(|told| told.path.as_str()).collect();
    assert_eq!(
        paths.iter().filter(|path| **path == "/only").count(),
        2,
        "{paths:?}"
    );
    assert!(paths.contains(&"/all"));
    assert_eq!(shown(api, &off).await["status"]["disabled"], true);
    let off = format!("{PATH}/{off}");
    api.post(&off, json!({"disabled": false})).await.data();
    api.post(
        &format!("{PATH}/{all}"),
        json!({"events": {"trigger:build:abort": false}}),
    )
    .await
    .data();
    abort_one(&place).await;
    let told = receiver.got(5).await;
    let last: BTreeSet<_> = told[3..].iter().map(|told| told.path.as_str()).collect();
    assert_eq!(last, BTreeSet::from(["/off", "/only"]));
}

#[tokio::test]
async fn what_cannot_be_honoured_is_refused_by_name() {
    let server = waiting().start().await;
    Place::new(&server, &Repository::with_steps("")).await;
    let api = server.api();
    let refused = async |body: Value| api.post(PATH, body).await.fields();
    assert_eq!(
        refused(json!({})).await,
        ["name", "type", "webhook", "events"]
    );
    let wrong = json!({
        "name": "x",
        "type": "DISCORD",
        "webhook": "ftp://example.com/",
        "secret": "hush",
        "projects": ["shop", "none"],
        "restrictions": {"tags": {"items": ["backend"]}},
        "events": {"trigger:job-run:start": true, "trigger:cdn:action-delay": false, "build": true},
    });
    let fields = [
        "name",
        "webhook",
        "secret",
        "projects",
        "restrictions.tags.items",
        "events.build",
        "events.trigger:job-run:start",
        "projects",
        "restrictions.tags.items[0]",
    ];
    assert_eq!(refused(wrong).await, fields);
    let other = json!({"type": "EMAIL"});
    assert_eq!(refused(other).await, ["type"]);
    let id = integrate(&api, "TEAMS", "https://example.com/", json!({})).await;
    let taken = json!({"name": "To TEAMS", "type": "TEAMS", "webhook": "https://example.com/", "events": {}});
    let message = api.post(PATH, taken).await.refusal(409);
    assert!(message.contains(&id), "{message}");
    let change = json!({"type": "SLACK", "secret": "hush"});
    let changed = api.post(&format!("{PATH}/{id}"), change).await;
    assert_eq!(changed.fields(), ["type", "secret"]);
}

#[tokio::test]
async fn who_sees_some_projects_is_told_of_no_others() {
    let server = waiting().start().await;
    let repository = Repository::with_steps("");
    let place = Place::new(&server, &repository).await;
    Place::named(&server, "other", "web", &repository, json!({})).await;
    let hook = "https://example.com/";
    let all = integrate(&place.api, "TEAMS", hook, json!({})).await;
    let mine = json!({"restricted": true, "projects": ["shop"]});
    let mine = integrate(&place.api, "SLACK", hook, mine).await;
    let made = server.boatyard(&[
        "admin",
        "token",
        "create",
        "--role",
        "admin",
        "--project",
        "shop",
    ]);
    let secret = String::from_utf8(made.stdout).unwrap();
    let api = server.api().with_token(secret.trim());
    let list = api.get(PATH).await;
    let list = list.data()["notificationIntegrations"].as_array().unwrap();
    assert_eq!(list.len(), 1);
    assert_eq!(list[0]["id"], mine.as_str());
    api.get(&format!("{PATH}/{all}")).await.refusal(404);
    api.call("DELETE", &format!("{PATH}/{all}"), None)
        .await
        .refusal(404);
    let body = |more: Value| {
        let mut body = json!({"name": "More", "type": "TEAMS", "webhook": hook, "events": {}});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };
    assert_eq!(
        api.post(PATH, body(json!({}))).await.fields(),
        ["restricted"]
    );
    let other = json!({"restricted": true, "projects": ["other"]});
    assert_eq!(api.post(PATH, body(other)).await.fields(), ["projects"]);
    let wider = api
        .post(&format!("{PATH}/{mine}"), json!({"restricted": false}))
        .await;
    assert_eq!(wider.fields(), ["restricted"]);
    let team = format!("/v1/teams/default/integrations/notifications/{mine}");
    api.post(&team, json!({"name": "Renamed"})).await.data();
    assert_eq!(shown(&api, &mine).await["name"], "Renamed");
}

#[tokio::test]
async fn a_secret_does_not_go_along_to_another_server() {
    let server = Server::start().await;
    let api = server.api();
    let secret = json!({"secret": "hush"});
    let id = integrate(&api, "RAW_WEBHOOK", "https://example.com/bell", secret).await;
    let path = format!("{PATH}/{id}");
    let moved = |webhook: &str| json!({"webhook": webhook});
    for elsewhere in [
        "https://evil.example.com/bell",
        "http://example.com/bell",
        "https://example.com:8443/bell",
    ] {
        let answer = api.post(&path, moved(elsewhere)).await;
        assert_eq!(answer.fields(), ["secret"], "{elsewhere}");
    }
    assert_eq!(
        shown(&api, &id).await["webhook"],
        "https://example.com/bell"
    );
    api.post(&path, moved("https://example.com/gong"))
        .await
        .data();
    let again = json!({"webhook": "https://other.example.com/bell", "secret": "other"});
    api.post(&path, again).await.data();
    let without = json!({"webhook": "https://third.example.com/bell", "secret": ""});
    api.post(&path, without).await.data();
    api.post(&path, moved("https://example.com/bell"))
        .await
        .data();
}
