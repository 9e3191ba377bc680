//! What was sealed with a key that is gone: lists show the rest of it and everything else, and it can be
//! given anew, or deleted.

use crate::harness::{Place, Repository, Server};
use serde_json::{Value, json};

const NOTIFICATIONS: &str = "/v1/integrations/notifications";
const REGISTRIES: &str = "/v1/integrations/registries";

/// Writes into a database what no key opens.
fn garble(server: &Server) {
    let database = rusqlite::Connection::open(server.data_dir().join("boatyard.db")).unwrap();
    let garbled = "UPDATE services SET project_url = 'nonsense' WHERE id = 'web';
        UPDATE notification_integrations SET receiver = 'nonsense' WHERE id = 'bell';
        UPDATE registry_credentials SET login = 'nonsense' WHERE id = 'ours'";
    database.execute_batch(garbled).unwrap();
}

/// The ids in a list, those with a problem in brackets.
fn shown(rows: &Value) -> Vec<String> {
    let rows = rows.as_array().unwrap().iter();
    let id = |row: &Value| row["id"].as_str().unwrap().to_owned();
    let shown = rows.map(|row| match row["problem"].is_string() {
        true => format!("({})", id(row)),
        false => id(row),
    });
    shown.collect()
}

#[tokio::test]
async fn one_of_them_that_cannot_be_opened_hides_no_other() {
    let server = Server::with()
        .env("BOATYARD_MAX_CONCURRENT_BUILDS", 0)
        .start()
        .await;
    let repository = Repository::with_steps("");
    let place = Place::new(&server, &repository).await;
    Place::named(&server, "shop", "api", &repository, json!({})).await;
    let api = &place.api;
    let login = json!({"username": "ann", "password": "hush", "scope": {"pull": true}});
    for name in ["ours", "theirs"] {
        let credential = json!({"name": name, "provider": "custom",
            "registryUrl": "https://registry.example.com", "credentials": login});
        api.post(REGISTRIES, credential).await.data();
    }
    for name in ["bell", "gong"] {
        let hook = json!({"name": name, "type": "RAW_WEBHOOK", "secret": "hush",
            "webhook": format!("https://example.com/{name}"), "events": {}});
        api.post(NOTIFICATIONS, hook).await.data();
    }
    garble(&server);
    let list = async |path: &str, key: &str| shown(&api.get(path).await.data()[key]);
    let services = "/v1/projects/shop/services";
    assert_eq!(list(services, "services").await, ["(web)", "api"]);
    assert_eq!(list(REGISTRIES, "credentials").await, ["(ours)", "theirs"]);
    let hooks = list(NOTIFICATIONS, "notificationIntegrations").await;
    assert_eq!(hooks, ["(bell)", "gong"]);
    api.get("/v1/projects/shop").await.data();

    // What is not given anew is asked for, and other changes leave it alone.
    let web = "/v1/projects/shop/services/build/web";
    let words = || Some(json!({"description": "words"}));
    let refused = api.call("PATCH", web, words()).await;
    assert_eq!(refused.fields(), ["vcsData.projectUrl"]);
    let start = format!("{}/build", place.path());
    let refused = api.post(&start, json!({"branch": "main"})).await;
    refused.refusal(409);
    let bell = format!("{NOTIFICATIONS}/bell");
    let refused = api.post(&bell, json!({"name": "ding"})).await;
    assert_eq!(refused.fields(), ["webhook"]);
    let ours = format!("{REGISTRIES}/ours");
    let half = json!({"credentials": {"username": "bob", "scope": {}}});
    let refused = api.call("PATCH", &ours, Some(half)).await;
    assert_eq!(refused.fields(), ["credentials.password"]);

    let url = json!({"vcsData": {"projectUrl": repository.url()}});
    api.call("PATCH", web, Some(url)).await.data();
    place.build().await;
    let webhook = json!({"webhook": "https://example.com/bell"});
    api.post(&bell, webhook).await.data();
    let whole = json!({"credentials": {"username": "bob", "password": "quiet", "scope": {}}});
    api.call("PATCH", &ours, Some(whole)).await.data();
    let read = api.get(&ours).await.data().clone();
    assert_eq!(read["credentials"]["password"], "quiet");
    assert_eq!(list(services, "services").await, ["web", "api"]);
    assert_eq!(list(REGISTRIES, "credentials").await, ["ours", "theirs"]);

    garble(&server);
    for path in [place.path(), bell, ours] {
        api.call("DELETE", &path, None).await.data();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_holds_values_that_are_lost_can_be_deleted() {
    let server = Server::start().await;
    let api = server.api();
    api.post("/v1/projects", json!({"name": "shop"}))
        .await
        .data();
    let (groups, secrets) = ("/v1/projects/shop/secrets", "/v1/secrets");
    let group = json!({"name": "group", "secretType": "arguments", "priority": 1});
    api.post(groups, group).await.data();
    let login = json!({"name": "login", "type": "secret"});
    api.post(secrets, login).await.data();
    let file = server.scratch().join("forge-token");
    std::fs::write(&file, "forge-s3cret").unwrap();
    let forge = "https://git.example.com";
    for name in ["ours", "theirs"] {
        let add = [
            "admin", "vcs", "add", "--kind", "gitea", "--url", forge, "--login", "ann", "--name",
            name,
        ];
        let token = ["--token-file", file.to_str().unwrap()];
        let linked = server.boatyard(&[&add[..], &token].concat());
        assert!(linked.status.success(), "{linked:?}");
    }
    let database = rusqlite::Connection::open(server.data_dir().join("boatyard.db")).unwrap();
    let garbled = "UPDATE secret_groups SET secrets = 'nonsense';
        UPDATE account_secrets SET secrets = 'nonsense';
        UPDATE vcs_links SET token = 'nonsense' WHERE id = 'ours'";
    database.execute_batch(garbled).unwrap();

    let links = api.get("/v1/integrations/vcs").await.data()["vcsAccountLinks"].clone();
    let problems = links.as_array().unwrap().iter();
    let problems: Vec<_> = problems.map(|link| link["problem"].is_string()).collect();
    assert_eq!(problems, [true, false]);
    let token = "/v1/integrations/vcs/custom/ours/token/ours";
    api.call("POST", token, None).await.refusal(503);
    let removed = server.boatyard(&["admin", "vcs", "remove", "ours"]);
    assert!(removed.status.success(), "{removed:?}");
    for path in [format!("{groups}/group"), format!("{secrets}/login")] {
        api.call("DELETE", &path, None).await.data();
        api.call("DELETE", &path, None).await.refusal(404);
    }
}
