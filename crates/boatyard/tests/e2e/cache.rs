//! What is kept between builds, for whom.

use crate::dockerfiles::skopeo;
use crate::harness::{Gate, Place, Repository, Server, until};
use serde_json::{Value, json};

#[tokio::test]
async fn cache_mounts_are_kept_for_the_service_and_for_nobody_else() {
    let server = Server::start().await;
    let repository = Repository::with_steps(
        "ARG N\nRUN --mount=type=cache,target=/kept echo entry $N >> /kept/list && cat /kept/list",
    );
    let web = Place::new(&server, &repository).await;
    let api = Place::named(&server, "shop", "api", &repository, json!({})).await;
    let entries = async |place: &Place, n: u32| {
        let arguments = json!({"buildArguments": {"N": n.to_string()}});
        let id = place
            .start(json!({"branch": "main", "overrides": arguments}))
            .await;
        place.reaches(&id, "SUCCESS").await;
        let lines = place.lines(&id).await;
        lines
            .into_iter()
            .filter(|line| line.starts_with("entry"))
            .collect::<Vec<_>>()
    };
    assert_eq!(entries(&web, 1).await, ["entry 1"]);
    assert_eq!(entries(&web, 2).await, ["entry 1", "entry 2"]);
    assert_eq!(entries(&api, 3).await, ["entry 3"]);
}

/// Whether the build ran the step that says this.
async fn ran(place: &Place, id: &str, says: &str) -> bool {
    place.lines(id).await.iter().any(|line| line == says)
}

async fn built(place: &Place) -> String {
    let id = place.build().await;
    place.reaches(&id, "SUCCESS").await;
    id
}

#[tokio::test]
async fn a_cache_that_is_reset_is_gone_for_the_next_build_and_stays_for_one_that_runs() {
    let server = Server::start().await;
    let gate = Gate::new();
    let repository = Repository::with_steps("RUN echo costly");
    let dockerfile = std::fs::read_to_string(repository.path().join("Dockerfile")).unwrap();
    let gated = format!("{dockerfile}{}\n", gate.step("true", "true"));
    repository.write("Gated", &gated);
    repository.commit("gated");
    let place = Place::new(&server, &repository).await;
    let other = Place::named(&server, "shop", "api", &repository, json!({})).await;
    let gated = json!({"docker": {"dockerFilePath": "/Gated"}});
    let running = json!({"branch": "main", "overrides": gated});
    let running = place.start(running).await;
    gate.reached(&place, &running).await;
    let reset = async || {
        let path = format!("{}/build-cache", place.path());
        let answer = place.api.call("DELETE", &path, None).await;
        assert_eq!(answer.data(), &json!({}));
    };
    reset().await;
    gate.open();
    place.reaches(&running, "SUCCESS").await;
    assert!(ran(&place, &running, "costly").await);
    built(&other).await;
    // Begun after the reset: what the one before it left is not for this one.
    let next = built(&place).await;
    assert!(ran(&place, &next, "costly").await);
    let again = built(&place).await;
    assert!(!ran(&place, &again, "costly").await, "layers are cached");
    reset().await;
    let fresh = built(&place).await;
    assert!(ran(&place, &fresh, "costly").await);
    // Another service keeps its own.
    let kept = built(&other).await;
    assert!(!ran(&other, &kept, "costly").await);
    // The disk is free without another build.
    let caches = server.data_dir().join("cache");
    reset().await;
    until("the generations before to be removed", async || {
        let services = std::fs::read_dir(&caches).unwrap().flatten();
        let generations = services
            .filter(|entry| entry.file_name() != "git")
            .flat_map(|entry| std::fs::read_dir(entry.path()).unwrap().flatten())
            .filter(|entry| entry.file_type().unwrap().is_dir());
        let names: Vec<_> = generations.map(|entry| entry.file_name()).collect();
        (names == ["generation-0"]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn labels_that_change_with_every_commit_leave_the_layers_cached() {
    let server = Server::start().await;
    let repository = Repository::with_steps("RUN echo costly\nLABEL kind=\"the author's\"");
    let place = Place::new(&server, &repository).await;
    let label = |build: &Value, name: &str| {
        let uri = build["registry"]["uri"].as_str().unwrap();
        skopeo(&["--config"], uri)["config"]["Labels"][name].clone()
    };
    let mut digests = Vec::new();
    for (note, runs) in [("first", true), ("second", false), ("", false)] {
        if !note.is_empty() {
            repository.write(".dockerignore", ".dockerignore\n");
            repository.commit(note);
        }
        let id = built(&place).await;
        let build = place.get(&id).await;
        assert_eq!(ran(&place, &id, "costly").await, runs, "{note}");
        assert_eq!(
            label(&build, "org.opencontainers.image.revision"),
            build["sha"]
        );
        assert_eq!(
            label(&build, "org.opencontainers.image.source"),
            repository.url()
        );
        assert_eq!(label(&build, "kind"), "the author's");
        digests.push(build["registry"]["digest"].clone());
    }
    assert_ne!(digests[0], digests[1]);
    assert_eq!(
        digests[1], digests[2],
        "the same commit makes the same image"
    );
}
