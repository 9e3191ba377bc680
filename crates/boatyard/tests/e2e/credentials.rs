//! Logins to registries: who may see and use them, and what they open.

use crate::harness::{Api, Place, PrivateRegistry, Repository, Server};
use serde_json::{Value, json};

const PATH: &str = "/v1/integrations/registries";

/// A credential for the private registry, that pulls and pushes.
fn private(registry: &PrivateRegistry) -> Value {
    json!({
        "name": "Private",
        "provider": "custom",
        "registryUrl": format!("http://{}/", registry.host()),
        "credentials": {
            "username": PrivateRegistry::USER,
            "password": PrivateRegistry::password(),
            "scope": {"pull": true, "push": true},
        },
    })
}

async fn patch(api: &Api, path: &str, body: Value) {
    api.call("PATCH", path, Some(body)).await.data();
}

#[tokio::test]
async fn images_go_to_a_projects_own_registry_and_base_images_come_from_a_private_one() {
    let registry = PrivateRegistry::start().await;
    let server = Server::with().env("RUST_LOG", "trace").start().await;
    let api = server.api();
    api.post(PATH, private(&registry)).await.data();
    let custom = json!({"enabled": true, "configuration": {"credentialId": "private"}});
    let made = json!({"name": "shop", "region": "local", "customRegistry": custom});
    let made = api.post("/v1/projects", made).await.data().clone();
    assert_eq!(
        made["customRegistry"]["configuration"]["provider"],
        "custom"
    );

    let repository = Repository::with_steps("RUN echo made in the shop > /proof");
    let base = Place::named(&server, "shop", "base", &repository, json!({})).await;
    let id = base.build().await;
    let build = base.reaches(&id, "SUCCESS").await;
    let image = format!("{}/shop/base", registry.host());
    assert_eq!(build["registry"]["uri"], format!("{image}:{id}"));
    assert!(
        build["registry"]["size"].as_i64().unwrap() > 100_000,
        "{build}"
    );
    let sha = build["sha"].as_str().unwrap();
    for tag in [&id, sha, "main"] {
        let digest = registry.digest(&format!("{image}:{tag}"));
        assert_eq!(
            digest.as_deref(),
            build["registry"]["digest"].as_str(),
            "{tag}"
        );
    }
    let ours = format!("{}/v2/shop/base/manifests/{id}", server.url());
    assert_eq!(
        reqwest::get(&ours).await.unwrap().status(),
        404,
        "not here, too"
    );

    // The same image again is a matter of tags, there as here.
    let again = base.build().await;
    base.reaches(&again, "SUCCESS").await;
    let log = base.lines(&again).await;
    assert!(
        log.iter()
            .any(|line| line.contains("only its tags are new")),
        "{log:#?}"
    );
    assert!(registry.digest(&format!("{image}:{again}")).is_some());

    let steps = format!("FROM {image}:main\nRUN cat /proof\n");
    let repository = Repository::with_dockerfile(&steps);
    let with = json!({"buildConfiguration": {"dockerCredentials": ["private"]}});
    let web = Place::named(&server, "bank", "web", &repository, with).await;
    let id = web.build().await;
    web.reaches(&id, "SUCCESS").await;
    let log = web.lines(&id).await;
    assert!(log.contains(&"made in the shop".to_owned()), "{log:#?}");

    let wrong = json!({"credentials": {"password": "wrong-wrong", "scope": {}}});
    patch(&api, &format!("{PATH}/private"), wrong).await;
    repository.write(
        "Dockerfile",
        &format!("FROM {image}:{sha}\nRUN cat /proof\n"),
    );
    repository.commit("another tag");
    let build = web.ends(&web.build().await).await;
    let said = build["message"].as_str().unwrap();
    assert_eq!(build["reason"], "registry_auth_failed", "{said}");
    assert!(said.contains("refused the login `private`"), "{said}");
    assert!(said.contains(&registry.host()), "{said}");
    let build = base.ends(&base.build().await).await;
    let said = build["message"].as_str().unwrap();
    assert_eq!(build["reason"], "registry_auth_failed", "{said}");

    let right = json!({
        "credentials": {"password": PrivateRegistry::password(), "scope": {}},
        "restrictions": {"restricted": true, "projects": ["shop"]},
    });
    patch(&api, &format!("{PATH}/private"), right).await;
    let id = web.build().await;
    let build = web.ends(&id).await;
    assert_eq!(build["status"], "FAILURE", "{build}");
    web.logs(&id, "`private` is gone, or is not for this project")
        .await;
    base.reaches(&base.build().await, "SUCCESS").await;
    for secret in [PrivateRegistry::password().as_str(), "wrong-wrong"] {
        assert!(!server.log().contains(secret), "the server's log");
    }
}

#[tokio::test]
async fn a_registry_that_is_away_or_not_allowed_is_told_apart() {
    let server = Server::with()
        .env("BOATYARD_OUTBOUND_ALLOW", "127.0.0.0/30")
        .start()
        .await;
    let api = server.api();
    for (name, host) in [("Away", "127.0.0.1:1"), ("Elsewhere", "127.0.1.1:1")] {
        let login = json!({"username": "me", "password": "hush-hush", "scope": {"pull": true}});
        let body = json!({
            "name": name, "provider": "custom", "registryUrl": host, "credentials": login,
        });
        api.post(PATH, body).await.data();
    }
    let with = json!({"buildConfiguration": {"dockerCredentials": ["away", "elsewhere"]}});
    for (host, reason, words) in [
        ("127.0.0.1:1", "registry_unreachable", "cannot be reached"),
        (
            "127.0.1.1:1",
            "registry_address_not_allowed",
            "may not be contacted",
        ),
    ] {
        let repository = Repository::with_dockerfile(&format!("FROM {host}/a/b:1\n"));
        let name = reason.replace('_', "-");
        let place = Place::named(&server, "shop", &name, &repository, with.clone()).await;
        let build = place.ends(&place.build().await).await;
        let said = build["message"].as_str().unwrap();
        assert_eq!(build["reason"], reason, "{said}");
        assert!(said.contains(words) && said.contains(host), "{said}");
    }
}

#[tokio::test]
async fn a_credential_is_shown_to_whom_it_may_be_and_used_where_it_may_be() {
    let server = Server::start().await;
    let api = server.api();
    for name in ["shop", "bank"] {
        let project = json!({"name": name, "region": "local"});
        api.post("/v1/projects", project).await.data();
    }
    let hub = json!({
        "name": "Our Hub",
        "provider": "dockerhub",
        "credentials": {"username": "us", "password": "hush-hush", "scope": {"pull": true}},
        "restrictions": {"restricted": true, "projects": ["shop"]},
    });
    let made = api.post(PATH, hub.clone()).await.data().clone();
    assert_eq!(
        (&made["id"], &made["registryUrl"]),
        (&json!("our-hub"), &json!("docker.io"))
    );
    assert!(!made.to_string().contains("hush-hush"), "{made}");
    assert!(api.post(PATH, hub).await.refusal(409).contains("our-hub"));

    let list = api.get(PATH).await.body;
    assert_eq!(list["pagination"]["count"], 1);
    let listed = &list["data"]["credentials"][0];
    assert_eq!(
        listed["credentials"],
        json!({"scope": {"pull": true, "push": false}})
    );
    let path = format!("{PATH}/our-hub");
    let got = api.get(&path).await.data().clone();
    assert_eq!(got["credentials"]["password"], "hush-hush");
    assert_eq!(
        got["restrictions"],
        json!({"restricted": true, "projects": ["shop"]})
    );

    let url = "https://example.com/a/b";
    let with = json!({"buildConfiguration": {"dockerCredentials": ["our-hub"]}});
    let place = Place::at(&server, "shop", "web", url, with.clone()).await;
    let shown = api.get(&place.path()).await.data().clone();
    assert_eq!(
        shown["buildConfiguration"]["dockerCredentials"],
        json!(["our-hub"])
    );
    let other = Place::at(&server, "bank", "web", url, json!({})).await;
    let services = "/v1/projects/bank/services/build/web";
    let refused = other.api.call("PATCH", services, Some(with)).await;
    assert_eq!(
        refused.fields(),
        ["buildConfiguration.dockerCredentials[0]"]
    );
    let custom = json!({"customRegistry": {"configuration": {"credentialId": "our-hub"}}});
    let refused = api.call("PATCH", "/v1/projects/shop", Some(custom)).await;
    assert_eq!(
        refused.fields(),
        ["customRegistry.configuration.credentialId"]
    );

    let token = |args: &[&str]| {
        let words = [&["admin", "token", "create", "--name", "t"], args].concat();
        let output = server.boatyard(&words);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let secret = said
            .split_whitespace()
            .find(|word| word.starts_with("boatyard_"));
        api.with_token(secret.unwrap_or_else(|| panic!("{said}")))
    };
    let bank = token(&["--role", "admin", "--project", "bank"]);
    assert_eq!(bank.get(&path).await.status, 404);
    assert_eq!(bank.get(PATH).await.body["pagination"]["count"], 0);
    // Of one that other projects use, too, a project's token sees the name, and changes nothing.
    let both = json!({"restrictions": {"restricted": true, "projects": ["shop", "bank"]}});
    api.call("PATCH", &path, Some(both)).await.data();
    assert_eq!(bank.get(PATH).await.body["pagination"]["count"], 1);
    bank.get(&path).await.refusal(404);
    let evil = json!({"credentials": {"username": "evil", "password": "hush", "scope": {}}});
    bank.call("PATCH", &path, Some(evil.clone()))
        .await
        .refusal(404);
    bank.call("DELETE", &path, None).await.refusal(404);
    let mut for_all = evil;
    for_all["name"] = "For All".into();
    for_all["provider"] = "dockerhub".into();
    assert_eq!(
        bank.post(PATH, for_all).await.fields(),
        ["restrictions.restricted"]
    );
    let viewer = token(&["--role", "viewer"]);
    assert!(
        viewer
            .get(&path)
            .await
            .refusal(403)
            .contains("Read Encrypted")
    );

    assert_eq!(api.call("DELETE", &path, None).await.data(), &json!({}));
    assert_eq!(api.get(&path).await.status, 404);
}

#[tokio::test]
async fn what_a_credential_cannot_be_is_refused_by_name() {
    let server = Server::start().await;
    let api = server.api();
    let login = json!({"username": "me", "password": "hush", "scope": {"pull": true}});
    for (body, fields) in [
        (
            json!({"provider": "custom", "credentials": login}),
            vec!["registryUrl"],
        ),
        (
            json!({"provider": "custom", "registryUrl": "http://example.com", "credentials": login}),
            vec!["registryUrl"],
        ),
        (
            json!({"provider": "custom", "registryUrl": server.host(), "credentials": login}),
            vec!["registryUrl"],
        ),
        (
            json!({"provider": "dockerhub", "registryUrl": "ghcr.io", "credentials": login}),
            vec!["registryUrl"],
        ),
        (json!({"provider": "github"}), vec!["credentials"]),
        (
            json!({"provider": "github", "credentials": {"scope": {"pull": false}}}),
            vec!["credentials.scope", "credentials.username"],
        ),
        (
            json!({"provider": "ecr", "registryUrl": "1.dkr.ecr.eu-west-1.amazonaws.com",
                   "aws": {"region": "eu-west-1"}, "credentials": login}),
            vec!["aws", "credentials.username"],
        ),
        (
            json!({"provider": "gar", "registryUrl": "europe-docker.pkg.dev",
                   "credentials": {"password": "hush", "scope": {}}}),
            vec!["credentials.password"],
        ),
        (
            json!({"provider": "acr", "registryUrl": "x.azurecr.io", "integrationId": "x",
                   "credentials": login}),
            vec!["integrationId"],
        ),
        (
            json!({"provider": "legacy", "credentials": login}),
            vec!["provider"],
        ),
        (
            json!({"provider": "gitlab", "credentials": login,
                   "restrictions": {"restricted": true, "projects": ["nowhere"]}}),
            vec!["restrictions.projects[0]"],
        ),
    ] {
        let mut body = body;
        body["name"] = json!("Example");
        let answer = api.post(PATH, body.clone()).await;
        assert_eq!(answer.fields(), fields, "{body}: {:#}", answer.body);
    }
}
