//! The Docker engine pulls what was built, logs in, and pushes.

use super::harness::{Docker, Subject};
use crate::harness::{Place, Repository, Server};
use serde_json::Value;

/// A server that has built `shop/web`; the build.
async fn built(server: &Server) -> Value {
    let repository = Repository::with_steps("RUN echo built > /proof\nUSER 10001:10001");
    let place = Place::new(server, &repository).await;
    let id = place.build().await;
    place.reaches(&id, "SUCCESS").await
}

#[tokio::test]
async fn docker_pulls_a_build_as_its_uri_says() {
    let server = Server::start().await;
    let build = built(&server).await;
    let uri = build["registry"]["uri"].as_str().unwrap();
    let digest = build["registry"]["digest"].as_str().unwrap();
    let docker = Docker::start().await;
    docker.says(&["pull", uri]);
    assert_eq!(docker.digest(uri), digest);
    let user = docker.says(&["image", "inspect", "--format", "{{.Config.User}}", uri]);
    assert_eq!(user, "10001:10001");
    docker.says(&["image", "rm", "--force", uri]);
    let by_digest = format!("{}/shop/web@{digest}", server.host());
    docker.says(&["pull", &by_digest]);
    assert_eq!(docker.digest(&by_digest), digest);
}

#[tokio::test]
async fn docker_logs_in_and_pushes() {
    let server = Server::start().await;
    let build = built(&server).await;
    let uri = build["registry"]["uri"].as_str().unwrap();
    let docker = Docker::start().await;
    docker.says(&["pull", uri]);
    let pushed = format!("{}/shop/web:from-docker", server.host());
    docker.says(&["tag", uri, &pushed]);
    assert!(
        !docker.call(&["push", &pushed]).status.success(),
        "no login yet"
    );
    assert!(!docker.login(&server.host(), "boatyard_guess"));
    let made = server.boatyard(&["admin", "token", "create", "--role", "viewer"]);
    let viewer = String::from_utf8(made.stdout).unwrap();
    assert!(docker.login(&server.host(), viewer.trim()));
    assert!(
        !docker.call(&["push", &pushed]).status.success(),
        "a viewer does not push"
    );
    assert!(docker.login(&server.host(), &server.token()));
    let said = docker.says(&["push", &pushed]);
    let it = Subject::seen_by(&server, Some(&server.token()));
    let named = it.get_manifest("shop/web", "from-docker").await.is(200);
    let digest = named.header("docker-content-digest");
    assert!(said.contains(digest), "{said}");
    // And to a repository that has none of the layers yet: mounted from the other.
    let elsewhere = format!("{}/shop/copy:v1", server.host());
    docker.says(&["tag", uri, &elsewhere]);
    let said = docker.says(&["push", &elsewhere]);
    assert!(said.contains("Mounted from shop/web"), "{said}");
    docker.says(&["image", "rm", "--force", uri, &pushed, &elsewhere]);
    docker.says(&["pull", &elsewhere]);
    assert_eq!(docker.digest(&elsewhere), digest);
}

#[tokio::test]
async fn docker_needs_a_login_to_pull_where_strangers_could_come() {
    let server = Server::with()
        .env("BOATYARD_PUBLIC_URL", "https://ci.example.com")
        .start()
        .await;
    let build = built(&server).await;
    let image = format!("{}/shop/web:main", server.host());
    let docker = Docker::start().await;
    assert!(!docker.call(&["pull", &image]).status.success());
    assert!(docker.login(&server.host(), &server.token()));
    docker.says(&["pull", &image]);
    assert_eq!(docker.digest(&image), build["registry"]["digest"]);
    docker.says(&["logout", &server.host()]);
    docker.says(&["image", "rm", "--force", &image]);
    assert!(!docker.call(&["pull", &image]).status.success());
}
