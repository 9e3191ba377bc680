//! The OpenAPI document against the contract: every call is there, under its path, with its
//! permission, in all its forms.

use crate::harness::{Place, Repository, Server};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// The contract's list of calls.
const CONTRACT: &str = include_str!("../contract/endpoints.json");

/// What exists with a team in front, too.
const OWNED: [&str; 4] = [
    "/v1/projects",
    "/v1/integrations",
    "/v1/secrets",
    "/v1/tags",
];

struct Call {
    name: String,
    method: String,
    path: String,
    permission: Option<String>,
    paginated: bool,
}

fn contract() -> Vec<Call> {
    let calls: Vec<Value> = serde_json::from_str(CONTRACT).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let call = |call: &Value| Call {
        name: text(&call["call"]).replace("(cli login)", "login"),
        method: text(&call["method"])
            .split(' ')
            .next()
            .unwrap()
            .to_lowercase(),
        path: text(&call["path"]).split('?').next().unwrap().to_owned(),
        permission: call["permission"].as_str().map(str::to_owned),
        paginated: call["paginated"] == true,
    };
    calls.iter().map(call).collect()
}

impl Call {
    /// The paths under which the call must be.
    fn paths(&self) -> Vec<String> {
        let owned = OWNED.iter().any(|start| self.path.starts_with(start));
        let mut paths = vec![self.path.clone()];
        if owned {
            paths.push(self.path.replacen("/v1/", "/v1/teams/{teamId}/", 1));
        }
        paths
    }

    /// What the document says wrongly about the call at `path`.
    fn wrong(&self, document: &Value, path: &str) -> Option<String> {
        // Templates name their parameters as they like.
        let operation = &document["paths"][path][&self.method];
        if operation.is_null() {
            return Some("is missing".to_owned());
        }
        let names = operation["x-calls"].as_array().unwrap();
        if !names.contains(&Value::from(self.name.as_str())) {
            return Some(format!("is called {names:?}"));
        }
        let permission = operation["x-permission"].as_str();
        // Where the contract names no permission, the server may ask for one of its own.
        if self.permission.is_some() && permission != self.permission.as_deref() {
            return Some(format!("needs {permission:?}"));
        }
        let parameters: BTreeSet<&str> = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        let paging = ["per_page", "page", "cursor"];
        (self.paginated && !paging.iter().all(|name| parameters.contains(name)))
            .then(|| format!("is not paginated: {parameters:?}"))
    }
}

#[tokio::test]
async fn the_document_has_every_call_of_the_contract() {
    let server = Server::start().await;
    let document = server
        .api()
        .with_token("")
        .get("/v1/openapi.json")
        .await
        .body;
    assert_eq!(document["openapi"], "3.1.0");
    let mut wrong = BTreeSet::new();
    for call in contract() {
        for path in call.paths() {
            if let Some(problem) = call.wrong(&document, &path) {
                wrong.insert(format!("{} at {path} {problem}", call.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn the_typescript_client_is_made_from_this_document() {
    let server = Server::start().await;
    let document = server.api().get("/v1/openapi.json").await.body;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../clients/typescript/openapi.json");
    let text = format!("{document:#}\n");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    assert!(
        std::fs::read_to_string(&file).unwrap() == text,
        "the document changed: run this test with UPDATE_DOCS=1, then `make node-tests`"
    );
}

/// What schemathesis looks for: no server error, no answer that the document does not have.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_schema_conformance,unsupported_method,ignored_auth";
/// The forms of calls with a team in front, which are the same handlers.
const TEAM_FORMS: &str = r"^/v1/teams/\{teamId\}/(projects|integrations|secrets|tags)";

#[tokio::test]
async fn schemathesis_finds_no_server_error_and_no_undocumented_answer() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let program = root.join("target/schemathesis/bin/schemathesis");
    assert!(
        program.is_file(),
        "run `scripts/install-schemathesis` first"
    );
    // Builds are accepted, and no worker ever comes.
    let server = Server::with()
        .env("BOATYARD_MAX_CONCURRENT_BUILDS", 0)
        .env("BOATYARD_RATE_LIMIT", 0)
        .start()
        .await;
    let repository = Repository::with_steps("");
    Place::new(&server, &repository).await;
    let output = tokio::process::Command::new(program)
        .arg("--config-file")
        .arg(root.join("tests/schemathesis/schemathesis.toml"))
        .args(["run", &format!("{}/v1/openapi.json", server.url())])
        .args([
            "--header",
            &format!("Authorization: Bearer {}", server.token()),
        ])
        .args(["--phases", "examples,coverage,fuzzing"])
        .args([
            "--max-examples",
            "10",
            "--workers",
            "1",
            "--seed",
            "1",
            "--no-color",
        ])
        .args(["--continue-on-failure", "--checks", CHECKS])
        .args(["--exclude-path-regex", TEAM_FORMS])
        .current_dir(server.scratch())
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
}

#[tokio::test]
async fn people_read_the_document_on_a_page() {
    let server = Server::start().await;
    let page = reqwest::get(format!("{}/v1/docs", server.url()))
        .await
        .unwrap();
    assert_eq!(page.status(), 200);
    let text = page.text().await.unwrap();
    assert!(text.contains("/v1/openapi.json"));
}
