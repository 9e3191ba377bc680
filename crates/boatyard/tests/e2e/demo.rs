//! `boatyard demo`: the bundled sample, any repository, and a clean end however it comes.

use crate::harness::{DebianMirror, Demo, GitServer, Manner, Repository};

/// What a demo that was stopped exits with: 128 and the number of SIGINT.
const INTERRUPTED: i32 = 130;

#[tokio::test]
async fn the_bundled_sample_is_built_listed_and_pulled() {
    let mut demo = Demo::start(&["--arg", "GREETING=Ahoy"]);
    assert_eq!(demo.ends().await, 0, "{}", demo.said());
    let said = demo.said();
    for part in [
        "Ahoy, built as",
        "BUILDING",
        "ID ",
        "SUCCESS",
        "its digest is the one that was built: sha256:",
    ] {
        assert!(said.contains(part), "no {part:?} in:\n{said}");
    }
    assert!(!said.contains("token"), "nobody can use it:\n{said}");
    demo.left_nothing();
}

#[tokio::test]
async fn any_repository_is_built_from_any_branch() {
    let repository = Repository::with_steps("RUN echo this is main");
    repository.git(&["checkout", "--quiet", "-b", "feature/other"]);
    std::fs::rename(
        repository.path().join("Dockerfile"),
        repository.path().join("Special"),
    )
    .unwrap();
    let text = std::fs::read_to_string(repository.path().join("Special")).unwrap();
    repository.write("Special", &text.replace("main", "the other branch"));
    repository.commit("other");
    repository.git(&["checkout", "--quiet", "main"]);

    let mut demo = Demo::start(&["--repo", &repository.url()]);
    assert_eq!(demo.ends().await, 0, "{}", demo.said());
    assert!(demo.said().contains("this is main"), "{}", demo.said());
    demo.left_nothing();

    let server = GitServer::start().await;
    let url = server.serves("yours", &repository);
    let special = ["--branch", "feature/other", "--dockerfile", "/Special"];
    let mut demo = Demo::start(&[&["--repo", &url][..], &special[..]].concat());
    assert_eq!(demo.ends().await, 0, "{}", demo.said());
    assert!(demo.said().contains("this is the other branch"));
    demo.left_nothing();
}

#[tokio::test]
async fn an_ordinary_dockerfile_comes_from_the_mirror_that_is_named() {
    let mirror = DebianMirror::start();
    let repository = Repository::with_dockerfile("FROM debian:12\nRUN cat /etc/os-release\n");
    let mut demo = Demo::with(
        &["--repo", &repository.url()],
        &[("BOATYARD_REGISTRY_MIRRORS", mirror.value())],
    );
    demo.says("(bookworm)").await;
    assert_eq!(demo.ends().await, 0, "{}", demo.said());
    assert!(demo.said().contains("(bookworm)"), "{}", demo.said());
}

#[tokio::test]
async fn what_cannot_be_built_is_said_and_exits_otherwise() {
    let repository = Repository::with_steps("RUN exit 3");
    let gone = format!("{}-gone", repository.url());
    for (args, said) in [
        (vec!["--repo", &repository.url()], "exited with code 3"),
        (
            vec!["--repo", &repository.url(), "--branch", "nope"],
            "no branch \"nope\"",
        ),
        (vec!["--repo", &gone], "was not found"),
        (vec!["--repo", "nonsense"], "not a repository address"),
    ] {
        let mut demo = Demo::start(&args);
        assert_ne!(demo.ends().await, 0, "{args:?}: {}", demo.said());
        assert!(demo.said().contains(said), "{args:?}: {}", demo.said());
        demo.left_nothing();
    }
}

#[tokio::test]
async fn ctrl_c_ends_it_cleanly_in_every_phase() {
    let server = GitServer::start().await;
    let repository = Repository::with_steps("RUN echo a step that lasts && sleep 1000000");
    let url = server.serves("slow", &repository);
    // The last one is stopped while it lists and pulls.
    for (manner, args, point) in [
        (Manner::Well, vec!["--repo", &url], "==> Starting a server"),
        (
            Manner::Well,
            vec!["--repo", &url],
            "==> Creating the project",
        ),
        (Manner::HangsBeforeObjects, vec!["--repo", &url], "Cloning"),
        (Manner::Well, vec!["--repo", &url], ": RUN echo a step"),
        (Manner::Well, vec![], "Uploading"),
        (Manner::Well, vec![], "==> The list of builds"),
    ] {
        server.behaves(manner);
        let mut demo = Demo::start(&args);
        demo.says(point).await;
        demo.interrupt();
        assert_eq!(demo.ends().await, INTERRUPTED, "{point}: {}", demo.said());
        assert!(
            !demo.said().contains("goes on"),
            "nothing goes on: {}",
            demo.said()
        );
        demo.left_nothing();
    }
}
