//! Every operation of the OpenAPI document is tried by those who may not: without a token, with every
//! permission but the one that it needs, and from another team. Whoever has that one alone gets past.
//! The document says which operations there are, so that none is left out.

use crate::harness::{Answer, Api, Place, Repository, Server};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const READ: &str = "Project > Services > General > Read";
const UPDATE: &str = "Project > Services > General > Update";
const CREATE: &str = "Project > Services > General > Create";

/// An operation, at a place where what its path names is there.
struct Operation {
    method: String,
    path: String,
    /// Whether the path names anything but a team.
    names: bool,
    permission: Option<String>,
}

impl Operation {
    async fn by(&self, api: &Api) -> Answer {
        let body = (!matches!(self.method.as_str(), "GET" | "DELETE")).then(|| json!({}));
        api.call(&self.method, &self.path, body).await
    }

    fn says(&self, answer: &Answer) -> String {
        let Operation { method, path, .. } = self;
        format!("{method} {path}: {} {}", answer.status, answer.body)
    }
}

/// The operations, those that take something away last and from the inside out.
async fn operations(api: &Api, ids: &BTreeMap<&str, String>) -> Vec<Operation> {
    let document = api.get("/v1/openapi.json").await.body;
    let mut operations = Vec::new();
    for (template, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(
                operation["security"][0]["token"].is_array(),
                "{method} {template}"
            );
            operations.push(Operation {
                method: method.to_uppercase(),
                path: filled(template, ids),
                names: template.replace("{teamId}", "").contains('{'),
                permission: operation["x-permission"].as_str().map(str::to_owned),
            });
        }
    }
    operations.sort_by_key(|operation| match operation.method.as_str() {
        "DELETE" => (1, usize::MAX - operation.path.len()),
        _ => (0, operation.path.len()),
    });
    operations
}

/// The path to something: what the test knows no id of has one that nothing has.
fn filled(template: &str, ids: &BTreeMap<&str, String>) -> String {
    let parts = template.split('/').map(|part| {
        let name = part
            .strip_prefix('{')
            .and_then(|part| part.strip_suffix('}'));
        name.map_or(part, |name| {
            ids.get(name).map_or("made-up-id", String::as_str)
        })
    });
    parts.collect::<Vec<_>>().join("/")
}

/// Something of every kind, by the names of its ids in paths.
async fn something_of_everything(
    server: &Server,
    repository: &Repository,
) -> BTreeMap<&'static str, String> {
    let place = Place::named(server, "zebra", "zebra-web", repository, json!({})).await;
    let made = |path: &'static str, body: Value| {
        let api = place.api.clone();
        async move {
            api.post(path, body).await.data()["id"]
                .as_str()
                .unwrap()
                .to_owned()
        }
    };
    let role = made("/v1/teams/default/roles", json!({"name": "Zebra Role"})).await;
    let somebody = json!({"email": "zebra.ann@example.com", "roles": [role]});
    BTreeMap::from([
        ("teamId", "default".to_owned()),
        ("projectId", "zebra".to_owned()),
        ("serviceId", "zebra-web".to_owned()),
        ("buildId", place.build().await),
        (
            "memberId",
            made("/v1/teams/default/members", somebody).await,
        ),
        (
            "resourceTagId",
            made("/v1/tags", json!({"name": "zebra-tag"})).await,
        ),
        ("roleId", role),
    ])
}

/// A token of the organisation, where every permission counts.
fn holder<'p>(server: &Server, permissions: impl IntoIterator<Item = &'p str>) -> Api {
    let mut args = vec!["--organisation"];
    for permission in permissions {
        args.extend(["--permission", permission]);
    }
    server.api_with(&args)
}

#[tokio::test]
async fn every_operation_is_refused_to_those_who_may_not() {
    let server = Server::with()
        .env("BOATYARD_MAX_CONCURRENT_BUILDS", 0)
        .start()
        .await;
    let repository = Repository::with_steps("");
    let ids = something_of_everything(&server, &repository).await;
    let api = server.api();
    let team = json!({"name": "Other", "email": "other@example.com"});
    api.post("/v1/teams", team).await.data();
    let other_team = server.api_with(&["--team", "other", "--role", "admin"]);
    let operations = operations(&api, &ids).await;
    assert!(
        operations.len() > 40,
        "a document of {} operations",
        operations.len()
    );
    let all: BTreeSet<&str> = operations
        .iter()
        .filter_map(|o| o.permission.as_deref())
        .collect();

    for operation in &operations {
        let answer = operation.by(&api.with_token("")).await;
        answer.refusal(401);
        let answer = operation.by(&other_team).await;
        let said = operation.says(&answer);
        if operation.path.starts_with("/v1/teams/default") {
            assert_eq!(answer.status, 404, "{said}");
        } else if operation.names {
            // A body may be refused before it is known that there is no such thing in that team.
            assert!([400, 404].contains(&answer.status), "{said}");
        } else if answer.status == 200 {
            assert!(!answer.body.to_string().contains("zebra"), "{said}");
        }
    }
    for permission in &all {
        let without = holder(
            &server,
            all.iter().copied().filter(|other| other != permission),
        );
        let needed = |operation: &&Operation| operation.permission.as_deref() == Some(permission);
        for operation in operations.iter().filter(needed) {
            let answer = operation.by(&without).await;
            assert_eq!(answer.status, 403, "{}", operation.says(&answer));
            let message = answer.refusal(403);
            assert!(message.contains(&format!("`{permission}`")), "{message}");
        }
    }
    let mut only = BTreeMap::new();
    for permission in &all {
        only.insert(*permission, holder(&server, [*permission]));
    }
    for operation in &operations {
        let caller = match operation.permission.as_deref() {
            Some(permission) => &only[permission],
            None => only.values().next().unwrap(),
        };
        let answer = operation.by(caller).await;
        let past = ![401, 403, 405].contains(&answer.status) && answer.status < 500;
        assert!(past, "{}", operation.says(&answer));
    }
}

#[tokio::test]
async fn who_is_not_shown_build_arguments_writes_a_service_back_without_losing_them() {
    let server = Server::start().await;
    let repository = Repository::with_steps("");
    let arguments = json!({"KEY": "hush"});
    let options = json!({"buildArguments": arguments});
    Place::named(&server, "shop", "web", &repository, options).await;
    let path = "/v1/projects/shop/services/web";
    let writer = holder(&server, [READ, CREATE, UPDATE]);
    let shown = writer.get(path).await.data().clone();
    assert_eq!(shown["buildArguments"], json!(null));
    let body = json!({
        "name": "web",
        "description": "the same in other words",
        "vcsData": {"projectUrl": shown["vcsData"]["projectUrl"], "projectType": "self-hosted"},
        "buildSettings": {"dockerfile": {"dockerFilePath": "/Dockerfile", "dockerWorkDir": "/"}},
    });
    let put = "/v1/projects/shop/services/build";
    writer.call("PUT", put, Some(body)).await.data();
    let kept = server.api().get(path).await.data().clone();
    assert_eq!(kept["description"], "the same in other words");
    assert_eq!(kept["buildArguments"], arguments);
}
