//! The image is where `registry.uri` says, and is what was built.

use crate::harness::{Place, Repository, Server};
use serde_json::Value;
use std::process::Command;

fn run(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().unwrap();
    assert!(
        output.status.success(),
        "{program} {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn skopeo_and_buildah_pull_every_tag_of_a_build() {
    let server = Server::start().await;
    let repository = Repository::with_steps("RUN echo built > /proof\nUSER 10001:10001");
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    let build = place.reaches(&id, "SUCCESS").await;
    let uri = build["registry"]["uri"].as_str().unwrap();
    let digest = build["registry"]["digest"].as_str().unwrap();
    let sha = build["sha"].as_str().unwrap();
    for tag in [id.as_str(), sha, "main"] {
        let image = format!("docker://{}/shop/web:{tag}", server.host());
        let inspected = run("skopeo", &["inspect", "--tls-verify=false", &image]);
        let inspected: Value = serde_json::from_str(&inspected).unwrap();
        assert_eq!(inspected["Digest"], digest, "{tag}");
    }
    let copy = server.scratch().join("copy");
    let target = format!("dir:{}", copy.display());
    run(
        "skopeo",
        &[
            "copy",
            "--quiet",
            "--src-tls-verify=false",
            &format!("docker://{uri}"),
            &target,
        ],
    );
    let config = run(
        "skopeo",
        &[
            "inspect",
            "--config",
            "--tls-verify=false",
            &format!("docker://{uri}"),
        ],
    );
    assert!(config.contains("10001:10001"), "{config}");
    let root = server.scratch().join("pulled");
    let root = root.display().to_string();
    let store = [
        "--root",
        &format!("{root}/root"),
        "--runroot",
        &format!("{root}/run"),
    ]
    .map(str::to_owned);
    let pull = [
        &store[0],
        &store[1],
        &store[2],
        &store[3],
        "pull",
        "--quiet",
        "--tls-verify=false",
        uri,
    ];
    run("buildah", &pull);
}

#[tokio::test]
async fn a_token_logs_in_to_the_registry_and_a_stranger_does_not_push() {
    let server = Server::start().await;
    let repository = Repository::with_steps("");
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    let uri = place.reaches(&id, "SUCCESS").await["registry"]["uri"]
        .as_str()
        .unwrap()
        .to_owned();
    let source = format!("docker://{uri}");
    let target = format!("docker://{}/shop/web:copied", server.host());
    let copy = |creds: &str| {
        let mut command = Command::new("skopeo");
        command.args([
            "copy",
            "--quiet",
            "--src-tls-verify=false",
            "--dest-tls-verify=false",
        ]);
        if !creds.is_empty() {
            command.args(["--dest-creds", creds]);
        }
        command.args([&source, &target]).output().unwrap()
    };
    assert!(!copy("").status.success(), "pushing needs a login");
    assert!(!copy("boatyard:boatyard_guess").status.success());
    let made = server.boatyard(&["admin", "token", "create", "--role", "viewer"]);
    let viewer = String::from_utf8(made.stdout).unwrap();
    assert!(
        !copy(&format!("boatyard:{}", viewer.trim()))
            .status
            .success(),
        "a viewer does not push"
    );
    let copied = copy(&format!("boatyard:{}", server.token()));
    assert!(
        copied.status.success(),
        "{}",
        String::from_utf8_lossy(&copied.stderr)
    );
}
