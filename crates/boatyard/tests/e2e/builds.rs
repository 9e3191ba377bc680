//! What a service and a call can ask of a build.

use crate::harness::{Place, Repository, Server};
use serde_json::json;

#[tokio::test]
async fn arguments_target_path_and_context_reach_the_build() {
    let server = Server::start().await;
    let repository = Repository::empty();
    std::fs::create_dir(repository.path().join("app")).unwrap();
    std::fs::copy("/bin/busybox", repository.path().join("app/busybox")).unwrap();
    repository.write("app/.dockerignore", "secret.txt\n");
    repository.write("app/secret.txt", "not for the image");
    repository.write(
        "docker/Special",
        "FROM scratch AS base\nCOPY busybox /bin/busybox\n\
         RUN [\"/bin/busybox\", \"--install\", \"-s\", \"/bin\"]\nARG ONE=default\nARG TWO=default\n\
         RUN echo \"one is $ONE and two is $TWO\"\nCOPY . /src\nRUN ls -a /src\n\
         FROM base AS wanted\nRUN echo wanted stage\nFROM base AS last\nRUN echo last stage\n",
    );
    repository.commit("special");
    let place = Place::named(&server, "shop", "special", &repository, json!({
        "buildArguments": {"ONE": "from-the-service", "TWO": "from-the-service"},
        "buildSettings": {"dockerfile": {"dockerFilePath": "/docker/Special", "dockerWorkDir": "/app"}},
        "buildConfiguration": {"dockerfileTarget": "wanted"},
    }))
    .await;
    let body = json!({"branch": "main", "overrides": {"buildArguments": {"TWO": "from-the-call"}}});
    let id = place.start(body).await;
    let build = place.ends(&id).await;
    let log = place.lines(&id).await.join("\n");
    assert_eq!(build["status"], "SUCCESS", "{log}");
    assert!(
        log.contains("one is from-the-service and two is from-the-call"),
        "{log}"
    );
    assert!(
        log.contains("wanted stage") && !log.contains("last stage"),
        "{log}"
    );
    assert!(!log.contains("secret.txt"), "{log}");
    let last = json!({"branch": "main", "overrides": {"docker": {"dockerfileTarget": "last"}}});
    let id = place.start(last).await;
    place.reaches(&id, "SUCCESS").await;
    assert!(place.lines(&id).await.join("\n").contains("last stage"));
}

#[tokio::test]
async fn the_commit_is_the_one_the_branch_had_when_the_build_was_asked_for() {
    let server = Server::with()
        .env("BOATYARD_MAX_CONCURRENT_BUILDS", 1)
        .start()
        .await;
    let slow = Repository::with_steps("RUN echo waiting && sleep 1000000");
    let blocker = Place::named(&server, "shop", "slow", &slow, json!({})).await;
    let blocking = blocker.build().await;
    blocker.logs(&blocking, "waiting").await;
    let repository = Repository::with_steps("");
    let place = Place::named(&server, "shop", "quick", &repository, json!({})).await;
    let asked = repository.git(&["rev-parse", "HEAD"]);
    let id = place.build().await;
    assert_eq!(place.get(&id).await["sha"], asked.as_str());
    repository.write("later", "x");
    repository.commit("later");
    blocker.abort(&blocking).await.data();
    let build = place.ends(&id).await;
    assert_eq!(
        (&build["status"], &build["sha"]),
        (&json!("SUCCESS"), &json!(asked))
    );
}

#[tokio::test]
async fn a_second_build_uses_the_layers_of_the_first() {
    let server = Server::start().await;
    let repository = Repository::with_steps("RUN echo costly");
    let place = Place::new(&server, &repository).await;
    let first = place.build().await;
    place.reaches(&first, "SUCCESS").await;
    repository.write("unrelated.md", "x");
    repository.commit("more");
    let second = place.build().await;
    place.reaches(&second, "SUCCESS").await;
    let log = place.lines(&second).await.join("\n");
    assert!(log.contains("Using cache"), "{log}");
}

#[tokio::test]
async fn deleting_a_service_aborts_what_runs_and_takes_everything_along() {
    let server = Server::start().await;
    let repository = Repository::with_steps("RUN echo waiting && sleep 1000000");
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    place.logs(&id, "waiting").await;
    let gone = place.api.call("DELETE", &place.path(), None).await;
    assert_eq!(gone.data(), &json!({}));
    place
        .api
        .get(&format!("{}/build/{id}", place.path()))
        .await
        .refusal(404);
    crate::harness::until("the worker to be gone", async || {
        server.leftovers().is_empty().then_some(())
    })
    .await;
}
