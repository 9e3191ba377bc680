//! Storage that runs out: what a build may write, what a service may keep, what a disk holds.

use crate::harness::{Gate, GitServer, Manner, Place, Repository, Server, until};
use serde_json::json;

/// A step that writes so many MB that no compression makes smaller.
fn writes(mb: u32) -> String {
    format!("dd if=/dev/urandom of=/big bs=1M count={mb}")
}

#[tokio::test]
async fn a_build_that_writes_more_than_its_ephemeral_storage_is_stopped() {
    let server = Server::with()
        .env("BOATYARD_EPHEMERAL_STORAGE", 64)
        .start()
        .await;
    let gate = Gate::new();
    let repository = Repository::with_steps(&gate.step(&writes(100), "true"));
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    let build = place.ends(&id).await;
    let end = (&build["status"], &build["reason"]);
    assert_eq!(
        end,
        (&json!("FAILURE"), &json!("storage_limit_exceeded")),
        "{build}"
    );
    let message = build["message"].as_str().unwrap();
    assert!(message.contains("64 MB"), "{message}");
    until("nothing of the build to run", async || {
        server.leftovers().is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_is_written_to_a_cache_mount_counts() {
    let server = Server::with()
        .env("BOATYARD_EPHEMERAL_STORAGE", 64)
        .start()
        .await;
    let write = "dd if=/dev/urandom of=/kept/big bs=1M count=100";
    let step = format!("RUN --mount=type=cache,target=/kept {write} && sleep 1000000");
    let repository = Repository::with_steps(&step);
    let place = Place::new(&server, &repository).await;
    let build = place.ends(&place.build().await).await;
    let end = (&build["status"], &build["reason"]);
    let reason = json!("storage_limit_exceeded");
    assert_eq!(end, (&json!("FAILURE"), &reason), "{build}");
}

/// Makes 15,000 folders in each other, 1500 at a time: no path says more.
const DEEP: &str = "RUN mkdir /deep; for i in 1 2 3 4 5 6 7 8 9 10; do \
    below=/more$(printf '/d%.0s' $(seq 1500)); \
    mkdir -p $below && mv /deep $below/ && mv /more /deep; done; sleep 1000000";

#[tokio::test]
async fn folders_too_deep_to_measure_end_the_build_and_are_cleared_away() {
    let server = Server::with()
        .env("BOATYARD_EPHEMERAL_STORAGE", 64)
        .start()
        .await;
    for use_cache in [true, false] {
        let repository = Repository::with_steps(DEEP);
        let settings = json!({"buildSettings": {"dockerfile": {
            "dockerFilePath": "/Dockerfile",
            "dockerWorkDir": "/",
            "buildEngine": "buildkit",
            "buildkit": {"useCache": use_cache},
        }}});
        let name = if use_cache { "cached" } else { "uncached" };
        let place = Place::named(&server, "shop", name, &repository, settings).await;
        let build = place.ends(&place.build().await).await;
        assert_eq!(build["reason"], "storage_limit_exceeded", "{build}");
        let message = build["message"].as_str().unwrap();
        assert!(message.contains("levels deep"), "{message}");
        until("nothing of the build to be left", async || {
            let work = std::fs::read_dir(server.data_dir().join("work")).unwrap();
            (server.leftovers().is_empty() && work.count() == 0).then_some(())
        })
        .await;
        let dockerfile = std::fs::read_to_string(repository.path().join("Dockerfile")).unwrap();
        repository.write("Dockerfile", &dockerfile.replace(DEEP, "RUN true"));
        repository.commit("shallow");
        place.reaches(&place.build().await, "SUCCESS").await;
    }
}

#[tokio::test]
async fn a_services_own_ephemeral_storage_counts() {
    let server = Server::with()
        .env("BOATYARD_EPHEMERAL_STORAGE", 64)
        .start()
        .await;
    let repository = Repository::with_steps(&format!("RUN {} && sleep 3", writes(100)));
    let settings = json!({"buildSettings": {
        "dockerfile": {"dockerFilePath": "/Dockerfile", "dockerWorkDir": "/"},
        "storage": {"ephemeralStorage": {"storageSize": 16384}},
    }});
    let place = Place::named(&server, "shop", "roomy", &repository, settings).await;
    place.reaches(&place.build().await, "SUCCESS").await;
}

#[tokio::test]
async fn a_repository_larger_than_the_ephemeral_storage() {
    let gate = Gate::new();
    let repository = Repository::with_steps(&gate.step("true", "true"));
    let small = repository.git(&["rev-parse", "HEAD"]);
    // What the build gets of it is small; what has to be fetched for that is not.
    repository.write("after", "x");
    repository.commit("after");
    repository.git(&["checkout", "--quiet", "-b", "large"]);
    let noise = repository.path().join("noise");
    let written = std::process::Command::new("dd")
        .args(["if=/dev/urandom", "bs=1M", "count=100"])
        .arg(format!("of={}", noise.display()))
        .output();
    assert!(written.unwrap().status.success());
    repository.commit("large");
    repository.git(&["checkout", "--quiet", "main"]);
    let git = GitServer::start().await;
    let url = git.serves("web", &repository);
    git.behaves(Manner::Old);
    let server = Server::with()
        .env("BOATYARD_EPHEMERAL_STORAGE", 64)
        .start()
        .await;
    let place = Place::at(&server, "shop", "web", &url, json!({})).await;
    let wanted = json!({"branch": "main", "sha": small});
    let build = place.ends(&place.start(wanted.clone()).await).await;
    let end = (&build["status"], &build["reason"]);
    let reason = json!("storage_limit_exceeded");
    assert_eq!(end, (&json!("FAILURE"), &reason), "{build}");
    until("nothing of the build to run", async || {
        server.leftovers().is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_cache_that_outgrew_its_limit_is_emptied_after_the_build() {
    for (limit, kept) in [(1, false), (1000, true)] {
        let server = Server::with()
            .env("BOATYARD_CACHE_STORAGE", limit)
            .start()
            .await;
        let repository = Repository::with_steps("RUN echo costly");
        let place = Place::new(&server, &repository).await;
        let first = place.build().await;
        place.reaches(&first, "SUCCESS").await;
        until("the worker to have tidied", async || {
            server.leftovers().is_empty().then_some(())
        })
        .await;
        repository.write("unrelated.md", "x");
        repository.commit("more");
        let second = place.build().await;
        place.reaches(&second, "SUCCESS").await;
        let log = place.lines(&second).await.join("\n");
        assert_eq!(log.contains("Using cache"), kept, "{limit} MB: {log}");
    }
}

#[tokio::test]
async fn a_full_disk_during_a_step() {
    let server = Server::with().disk("cache", 128).start().await;
    let repository = Repository::with_steps(&format!("RUN {}", writes(300)));
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    let build = place.ends(&id).await;
    let end = (&build["status"], &build["reason"]);
    let log = place.lines(&id).await;
    assert_eq!(
        end,
        (&json!("FAILURE"), &json!("disk_full")),
        "{build}\n{log:#?}"
    );
    server.resize_disk("cache", 1024);
    place.reaches(&place.build().await, "SUCCESS").await;
}

#[tokio::test]
async fn a_full_disk_during_the_clone() {
    let server = Server::with().disk("cache", 8).start().await;
    let repository = Repository::with_steps("");
    let big: String = (0..3_000_000u32)
        .map(|n| format!("{:x}", n.wrapping_mul(2_654_435_761)))
        .collect();
    repository.write("big", &big);
    repository.commit("big");
    let place = Place::new(&server, &repository).await;
    let build = place.ends(&place.build().await).await;
    let end = (&build["status"], &build["reason"]);
    assert_eq!(end, (&json!("FAILURE"), &json!("disk_full")), "{build}");
    server.resize_disk("cache", 512);
    place.reaches(&place.build().await, "SUCCESS").await;
}

#[tokio::test]
async fn a_full_disk_where_the_build_has_its_folder() {
    let server = Server::with().disk("work", 1).start().await;
    let repository = Repository::with_steps("");
    let place = Place::new(&server, &repository).await;
    let build = place.ends(&place.build().await).await;
    let end = (&build["status"], &build["reason"]);
    assert_eq!(end, (&json!("FAILURE"), &json!("disk_full")), "{build}");
    server.resize_disk("work", 512);
    place.reaches(&place.build().await, "SUCCESS").await;
}

#[tokio::test]
async fn a_full_disk_under_the_registry() {
    let server = Server::with().disk("registry", 8).start().await;
    let repository = Repository::with_steps(&format!("RUN {}", writes(30)));
    let place = Place::new(&server, &repository).await;
    let build = place.ends(&place.build().await).await;
    let end = (&build["status"], &build["reason"]);
    assert_eq!(end, (&json!("FAILURE"), &json!("disk_full")), "{build}");
    assert!(build["registry"]["uri"].is_null(), "{build}");
    server.resize_disk("registry", 512);
    place.reaches(&place.build().await, "SUCCESS").await;
}

#[tokio::test]
async fn a_full_disk_under_the_logs_holds_lines_back_and_loses_none() {
    let server = Server::with().disk("logs", 1).start().await;
    let many = "i=0; while [ $i -lt 40000 ]; do echo \"line $i of many, long enough to count\"; i=$((i+1)); done";
    let repository = Repository::with_steps(&format!("RUN {many}"));
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    until("the logs' disk to be full", async || {
        server
            .log()
            .contains("no space left for logs")
            .then_some(())
    })
    .await;
    assert_eq!(place.get(&id).await["concluded"], false);
    server.resize_disk("logs", 64);
    place.reaches(&id, "SUCCESS").await;
    let answer = server.boatyard(&[
        "get",
        "service",
        "build-logs",
        "--project",
        "shop",
        "--service",
        "web",
        "--build",
        &id,
    ]);
    let text = String::from_utf8_lossy(&answer.stdout).into_owned();
    let numbers: Vec<usize> = text
        .lines()
        .filter_map(|line| {
            line.split_once("line ")?
                .1
                .strip_suffix(" of many, long enough to count")?
                .parse()
                .ok()
        })
        .collect();
    assert!(
        numbers.iter().copied().eq(0..40_000),
        "{} lines, {:?} …",
        numbers.len(),
        numbers.iter().take(5).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_full_disk_under_everything() {
    let server = Server::with().disk("", 96).start().await;
    let repository = Repository::with_steps(&format!("RUN {}", writes(300)));
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    let build = place.ends(&id).await;
    let end = (&build["status"], &build["reason"]);
    assert_eq!(end, (&json!("FAILURE"), &json!("disk_full")), "{build}");
    place
        .logs(&id, "==> FAILURE: The machine's disk is full")
        .await;
    server.resize_disk("", 3072);
    place.reaches(&place.build().await, "SUCCESS").await;
}

/// How many git mirrors there are, and how many services' caches.
fn mirrors_and_caches(server: &Server) -> (usize, usize) {
    let count = |folder: &str, part: &str| {
        let entries = std::fs::read_dir(server.data_dir().join(folder)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.contains(part)).count()
    };
    // Caches are named by their services' uids, which have hyphens.
    (count("cache/git", ".git"), count("cache", "-"))
}

#[tokio::test]
async fn mirrors_over_their_limit_and_caches_without_a_service_go_at_the_next_look() {
    let mut server = Server::with().env("BOATYARD_GIT_CACHE", 0).start().await;
    let repository = Repository::with_steps("RUN echo costly");
    let kept = Place::named(&server, "shop", "kept", &repository, json!({})).await;
    kept.reaches(&kept.build().await, "SUCCESS").await;
    let gone = Place::named(&server, "shop", "gone", &repository, json!({})).await;
    gone.reaches(&gone.build().await, "SUCCESS").await;
    assert_eq!(mirrors_and_caches(&server), (2, 2));
    gone.api.call("DELETE", &gone.path(), None).await.data();
    until("no worker to use the caches", async || {
        server.leftovers().is_empty().then_some(())
    })
    .await;
    // The look is at every start, and each hour. What cannot be removed, because its lock cannot be
    // had, keeps nothing else, whatever comes first.
    server.terminate();
    for name in 0..8 {
        let stubborn = format!("cache/stubborn{name}/lock");
        std::fs::create_dir_all(server.data_dir().join(stubborn)).unwrap();
    }
    server.launch().await;
    until(
        "mirrors and the deleted service's cache to be gone",
        async || (mirrors_and_caches(&server) == (0, 1)).then_some(()),
    )
    .await;
    repository.write("unrelated.md", "x");
    repository.commit("more");
    let id = kept.build().await;
    kept.reaches(&id, "SUCCESS").await;
    let log = kept.lines(&id).await.join("\n");
    assert!(log.contains("Using cache"), "{log}");
}
