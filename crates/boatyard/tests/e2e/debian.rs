//! Ordinary Dockerfiles, as people have them: a Debian base image and packages from its archive.

use crate::harness::until_within;
use crate::harness::{DebianMirror, Place, Repository, Server};
use serde_json::json;
use std::time::Duration;

/// A whole distribution is pulled, changed and pushed, on a machine that may be busy.
const PATIENCE: Duration = Duration::from_secs(200);

async fn built(place: &Place, id: &str) -> Vec<String> {
    let build = until_within(PATIENCE, "the build to end", async || {
        let build = place.get(id).await;
        (build["concluded"] == true).then_some(build)
    })
    .await;
    let log = place.lines(id).await;
    assert_eq!(build["status"], "SUCCESS", "{log:#?}");
    log
}

async fn server_behind(mirror: &DebianMirror) -> Server {
    Server::with()
        .env("BOATYARD_REGISTRY_MIRRORS", mirror.value())
        .start()
        .await
}

#[tokio::test]
async fn a_dockerfile_on_debian_that_installs_packages_builds_as_it_is() {
    let mirror = DebianMirror::start();
    let server = server_behind(&mirror).await;
    let repository = Repository::with_dockerfile(
        "FROM debian:12\n\
         RUN apt-get update && apt-get install -y --no-install-recommends hello \\\n    \
         && rm -rf /var/lib/apt/lists/*\n\
         RUN hello --greeting \"installed from the archive\"\n\
         CMD [\"hello\"]\n",
    );
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    let log = built(&place, &id).await;
    assert!(log.iter().any(|line| line == "installed from the archive"));
    let log = log.join("\n");
    assert!(
        !log.contains("/etc/containers"),
        "the host's names of images do not count: {log}"
    );
}

#[tokio::test]
async fn stages_copy_from_each_other_and_from_other_images() {
    let mirror = DebianMirror::start();
    let server = server_behind(&mirror).await;
    let repository = Repository::with_dockerfile(
        "ARG RELEASE=nothing-of-that-name\n\
         FROM debian:${RELEASE} AS build\n\
         RUN echo made in the first stage > /made\n\
         FROM docker.io/library/debian:bookworm-slim\n\
         COPY --from=build /made /made\n\
         COPY --from=debian:12 /etc/debian_version /version-of-another-image\n\
         RUN cat /made && grep ^12 /version-of-another-image && test ! -e /never\n",
    );
    let release = json!({"buildArguments": {"RELEASE": "bookworm"}});
    let place = Place::named(&server, "shop", "web", &repository, release).await;
    let id = place.build().await;
    let log = built(&place, &id).await;
    assert!(log.iter().any(|line| line == "made in the first stage"));
}

#[tokio::test]
async fn a_base_image_that_is_nowhere_is_named() {
    let mirror = DebianMirror::start();
    let server = server_behind(&mirror).await;
    let repository = Repository::with_dockerfile("FROM debian:no-such-release\nRUN true\n");
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    let build = place.ends(&id).await;
    assert_eq!(
        (&build["status"], &build["reason"]),
        (&json!("FAILURE"), &json!("base_image_not_found"))
    );
    let message = build["message"].as_str().unwrap();
    assert!(message.contains("debian:no-such-release"), "{message}");
}

#[tokio::test]
async fn a_mirror_that_is_down_is_named() {
    let server = Server::with()
        .env(
            "BOATYARD_REGISTRY_MIRRORS",
            "registry.invalid=127.0.0.1:1,quay.io=127.0.0.1:1",
        )
        .start()
        .await;
    let repository = Repository::with_dockerfile("FROM registry.invalid/team/base:1\nRUN true\n");
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    let build = place.ends(&id).await;
    assert_eq!(
        (&build["status"], &build["reason"]),
        (&json!("FAILURE"), &json!("registry_unreachable"))
    );
    let message = build["message"].as_str().unwrap();
    for named in ["127.0.0.1:1/team/base:1", "registry.invalid"] {
        assert!(message.contains(named), "{message}");
    }
}
