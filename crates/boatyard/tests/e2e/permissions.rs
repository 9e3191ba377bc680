//! Every call checks the permission that the contract gives it: with all the others it is refused
//! by name, with that one alone it gets past the check; and every project call exists under its
//! team.

use crate::harness::{Api, Place, Repository, Server};
use serde_json::{Value, json};

const PROJECT_READ: &str = "Project > Projects > Manage > Read";
const PROJECT_CREATE: &str = "Project > Projects > Manage > Create";
const PROJECT_UPDATE: &str = "Project > Projects > Manage > Update";
const PROJECT_DELETE: &str = "Project > Projects > Manage > Delete";
const READ: &str = "Project > Services > General > Read";
const CREATE: &str = "Project > Services > General > Create";
const UPDATE: &str = "Project > Services > General > Update";
const DELETE: &str = "Project > Services > General > Delete";
const BUILD: &str = "Project > Services > Deployment > Deploy Build";
const ALL: [&str; 9] = [
    PROJECT_READ,
    PROJECT_CREATE,
    PROJECT_UPDATE,
    PROJECT_DELETE,
    READ,
    CREATE,
    UPDATE,
    DELETE,
    BUILD,
];

/// Method, path below `/v1/projects`, permission; in an order in which each finds what it needs.
const CALLS: [(&str, &str, &str); 17] = [
    ("GET", "", PROJECT_READ),
    ("POST", "", PROJECT_CREATE),
    ("PUT", "", PROJECT_CREATE),
    ("GET", "/shop", PROJECT_READ),
    ("PATCH", "/shop", PROJECT_UPDATE),
    ("GET", "/shop/services", READ),
    ("POST", "/shop/services/build", CREATE),
    ("PUT", "/shop/services/build", CREATE),
    ("PATCH", "/shop/services/build/web", UPDATE),
    ("GET", "/shop/services/web", READ),
    ("GET", "/shop/services/web/build", READ),
    ("POST", "/shop/services/web/build", BUILD),
    ("GET", "/shop/services/web/build/none-such-1234", READ),
    ("DELETE", "/shop/services/web/build/none-such-1234", BUILD),
    ("GET", "/shop/services/web/build-logs", READ),
    ("DELETE", "/shop/services/web", DELETE),
    ("DELETE", "/shop", PROJECT_DELETE),
];

fn token_with(server: &Server, permissions: &[&str]) -> Api {
    let mut args = vec!["admin", "token", "create"];
    for permission in permissions {
        args.extend(["--permission", *permission]);
    }
    let output = server.boatyard(&args);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let secret = String::from_utf8(output.stdout).unwrap();
    server.api().with_token(secret.trim())
}

fn body_for(method: &str, path: &str) -> Option<Value> {
    match (method, path.rsplit('/').next().unwrap()) {
        ("GET" | "DELETE", _) => None,
        (_, "") => Some(json!({"name": "Third"})),
        _ => Some(json!({})),
    }
}

#[tokio::test]
async fn every_call_checks_its_permission_and_has_a_team_form() {
    let server = Server::start().await;
    let repository = Repository::with_steps("");
    Place::new(&server, &repository).await;
    let paths = |path: &str| {
        ["/v1/projects", "/v1/teams/default/projects"].map(|start| format!("{start}{path}"))
    };
    for permission in ALL {
        let others: Vec<&str> = ALL.into_iter().filter(|p| *p != permission).collect();
        let without = token_with(&server, &others);
        let only = token_with(&server, &[permission]);
        for (method, path, needed) in CALLS.iter().filter(|call| call.2 == permission) {
            for url in paths(path) {
                let body = body_for(method, path);
                let refused = without.call(method, &url, body.clone()).await;
                let message = refused.refusal(403);
                assert!(message.contains(needed), "{method} {url}: {message}");
                server
                    .api()
                    .with_token("")
                    .call(method, &url, body.clone())
                    .await
                    .refusal(401);
                // What removes is tried last, below.
                if *method != "DELETE" || path.contains("none-such") {
                    let status = only.call(method, &url, body).await.status;
                    assert!(
                        ![401, 403, 405].contains(&status),
                        "{method} {url}: {status}"
                    );
                }
            }
        }
    }
    let remover = token_with(&server, &[DELETE]);
    let path = "/v1/teams/default/projects/shop/services/web";
    remover.call("DELETE", path, None).await.data();
    let remover = token_with(&server, &[PROJECT_DELETE]);
    remover
        .call("DELETE", "/v1/projects/shop", None)
        .await
        .data();
}

#[tokio::test]
async fn who_is_not_shown_build_arguments_writes_a_service_back_without_losing_them() {
    let server = Server::start().await;
    let repository = Repository::with_steps("");
    let arguments = json!({"KEY": "hush"});
    let options = json!({"buildArguments": arguments});
    Place::named(&server, "shop", "web", &repository, options).await;
    let path = "/v1/projects/shop/services/web";
    let writer = token_with(&server, &[READ, CREATE]);
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
