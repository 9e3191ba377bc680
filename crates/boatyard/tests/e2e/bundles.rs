//! Services whose builds get an archive from a URL.

use crate::dockerfiles::skopeo;
use crate::harness::{FileServer, Place, Repository, Server, until};
use serde_json::{Value, json};
use std::process::Command;

/// What `git archive` makes of the repository's commit.
fn archive(repository: &Repository, args: &[&str]) -> Vec<u8> {
    output(
        Command::new("git")
            .current_dir(repository.path())
            .arg("archive")
            .args(args)
            .arg("HEAD"),
    )
}

/// A tar archive of the repository's README under a name that leads out.
fn hostile(repository: &Repository) -> Vec<u8> {
    output(Command::new("tar").current_dir(repository.path()).args([
        "-c",
        "-P",
        "--transform",
        "s,README,../../evil,",
        "README",
    ]))
}

/// Many zeros in few bytes.
fn bomb(repository: &Repository) -> Vec<u8> {
    let zeros = std::fs::File::create(repository.path().join("zeros")).unwrap();
    zeros.set_len(200 << 20).unwrap();
    output(
        Command::new("tar")
            .current_dir(repository.path())
            .args(["-c", "-z", "zeros"]),
    )
}

fn output(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    output.stdout
}

/// A service that builds bundles, each from the beginning.
async fn service(server: &Server) -> Place {
    let api = server.api();
    let project = json!({"name": "shop"});
    api.call("PUT", "/v1/projects", Some(project)).await.data();
    let body = json!({
        "name": "web", "billing": {}, "buildSource": "bundle",
        "buildSettings": {"dockerfile": {
            "dockerFilePath": "/Dockerfile", "dockerWorkDir": "/", "buildkit": {"useCache": false},
        }},
    });
    let made = api.post("/v1/projects/shop/services/build", body).await;
    assert_eq!(made.data()["buildSource"], "bundle");
    let (project, service) = ("shop".to_owned(), "web".to_owned());
    Place {
        api,
        project,
        service,
    }
}

#[tokio::test]
async fn archives_as_people_make_them_become_images() {
    let server = Server::start().await;
    let files = FileServer::start().await;
    let repository = Repository::with_steps("COPY README /\nRUN ls -l / && cat README");
    let place = service(&server).await;
    let plain = files.has("/web.tar", archive(&repository, &["--format=tar"]));
    let zip = files.has("/web.zip", archive(&repository, &["--format=zip"]));
    let in_folder = ["--format=tar.gz", "--prefix=web-1.0/"];
    // By its first bytes, whatever it is called.
    let forge = files.has("/archive/v1.0", archive(&repository, &in_folder));
    let redirected = files.redirects("/latest", &forge);
    for url in [&plain, &zip, &forge, &redirected] {
        let url = format!("{url}?signature=hush");
        let id = place.start(json!({"bundleUrl": url})).await;
        let build = place.reaches(&id, "SUCCESS").await;
        assert_eq!(build.get("sha"), None, "{build}");
        let log = place.lines(&id).await.join("\n");
        assert!(log.contains("a repository"), "{log}");
        assert!(!log.contains("hush"), "{log}");
        let enters = log.contains("folder web-1.0");
        assert_eq!(enters, url.contains("v1.0") || url.contains("latest"));
        assert!(log.contains(&format!("==> Tags: {id}\n")), "{log}");
    }
    let start = [
        "start", "service", "build", "-p", "shop", "-s", "web", "-o", "json",
    ];
    let said = server.boatyard(&[&start[..], &["--bundle-url", &zip]].concat());
    let started: Value = serde_json::from_slice(&said.stdout).unwrap();
    place
        .reaches(started["id"].as_str().unwrap(), "SUCCESS")
        .await;

    let sha = "262ed9817b3cad5142fbceabe0c9e371e390d616";
    let body = json!({"bundleUrl": plain, "sha": sha, "branch": "release"});
    let id = place.start(body).await;
    let build = place.reaches(&id, "SUCCESS").await;
    assert_eq!(
        (&build["sha"], &build["branch"]),
        (&json!(sha), &json!("release"))
    );
    let image = format!("{}/shop/web", server.host());
    let tags = skopeo(&[], &format!("{image}:{sha}"))["RepoTags"].clone();
    assert_eq!(tags.as_array().unwrap().len(), 6 + 2, "{tags}");
    for tag in [sha, "release"] {
        let found = skopeo(&["--config"], &format!("{image}:{tag}"));
        let labels = &found["config"]["Labels"];
        assert_eq!(labels["org.opencontainers.image.source"], plain, "{found}");
        assert_eq!(labels["org.opencontainers.image.revision"], sha);
    }
    let work = server.data_dir().join("work");
    until("the worker to clear its folder away", async || {
        let mut left = std::fs::read_dir(&work).unwrap();
        left.next().is_none().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_bundle_that_is_none_ends_the_build_with_its_reason() {
    let server = Server::with()
        .env("BOATYARD_EPHEMERAL_STORAGE", 64)
        .start()
        .await;
    let files = FileServer::start().await;
    let repository = Repository::empty();
    let place = service(&server).await;
    let text = files.has("/page", b"<html>sign in</html>".to_vec());
    let hostile = files.has("/hostile.tar", hostile(&repository));
    let bomb = files.has("/bomb.tgz", bomb(&repository));
    let large = files.has("/large", vec![0; 65 << 20]);
    let plain = files.has("/no-dockerfile", archive(&repository, &["--format=tar"]));
    let metadata = files.redirects("/redirect", "http://169.254.169.254/latest");
    let own_file = files.redirects("/file", "file:///etc/passwd");
    for (url, reason, says) in [
        (files.url("/none"), "bundle_not_found", "404"),
        (text, "bundle_invalid", "tar, tar.gz or zip"),
        (hostile, "bundle_invalid", "../../evil"),
        (bomb, "bundle_too_large", "64 MB"),
        (large, "bundle_too_large", "64 MB"),
        (metadata, "bundle_address_not_allowed", "169.254.169.254"),
        (own_file, "bundle_address_not_allowed", "file"),
        (
            "http://10.0.0.1/a".into(),
            "bundle_address_not_allowed",
            "10.0.0.1",
        ),
        (
            "http://127.0.0.1:1/a".into(),
            "bundle_unreachable",
            "127.0.0.1",
        ),
        (
            "http://none.invalid/a".into(),
            "bundle_unreachable",
            "none.invalid",
        ),
        (plain, "dockerfile_not_found", "Dockerfile"),
    ] {
        let id = place.start(json!({"bundleUrl": url})).await;
        let build = place.ends(&id).await;
        assert_eq!(build["status"], "FAILURE", "{build}");
        assert_eq!(build["reason"], reason, "{url}: {build}");
        let message = build["message"].as_str().unwrap();
        assert!(message.contains(says), "{url}: {message}");
    }
    let evil = |folder: &std::path::Path| folder.join("evil").exists();
    assert!(!evil(&server.data_dir()) && !evil(&server.data_dir().join("work")));
}

#[tokio::test]
async fn bundles_are_for_services_that_build_them_and_for_no_others() {
    let server = Server::with()
        .env("BOATYARD_GIT_PROTOCOLS", "https,file")
        .start()
        .await;
    let repository = Repository::with_steps("");
    let of_git = Place::named(&server, "shop", "api", &repository, json!({})).await;
    let of_bundles = service(&server).await;
    let url = "https://example.com/web.tar";
    for (place, body, field) in [
        (
            &of_git,
            json!({"branch": "main", "bundleUrl": url}),
            "bundleUrl",
        ),
        (&of_bundles, json!({"branch": "main"}), "bundleUrl"),
        (
            &of_bundles,
            json!({"bundleUrl": "http://example.com/a"}),
            "bundleUrl",
        ),
        (
            &of_bundles,
            json!({"bundleUrl": "file:///etc/passwd"}),
            "bundleUrl",
        ),
        (&of_bundles, json!({"bundleUrl": "web.tar"}), "bundleUrl"),
        (
            &of_bundles,
            json!({"bundleUrl": url, "pullRequestId": 7}),
            "pullRequestId",
        ),
    ] {
        let answer = place
            .api
            .post(&format!("{}/build", place.path()), body)
            .await;
        assert_eq!(answer.fields(), [field], "{:#}", answer.body);
    }
    let lists = [("branches", "branches"), ("pull-requests", "pullRequests")];
    for (path, list) in lists {
        let answer = of_bundles
            .api
            .get(&format!("{}/{path}", of_bundles.path()))
            .await;
        assert_eq!(answer.data()[list], json!([]));
    }
    // It builds a repository from the moment it is given one.
    let source = format!("{}/build-source", of_bundles.path());
    let answer = of_bundles.api.post(&source, json!({})).await;
    assert_eq!(answer.fields(), ["projectUrl"]);
    let vcs = json!({"projectUrl": repository.url(), "projectType": "self-hosted"});
    of_bundles.api.post(&source, vcs).await.data();
    let shown = of_bundles.api.get(&of_bundles.path()).await;
    assert_eq!(shown.data()["buildSource"], "git");
    let id = of_bundles.build().await;
    of_bundles.reaches(&id, "SUCCESS").await;
    // And back, keeping nothing of the repository when it is made anew.
    let body: Value = json!({
        "name": "web", "billing": {}, "buildSource": "bundle",
        "buildSettings": {"dockerfile": {"dockerFilePath": "/Dockerfile", "dockerWorkDir": "/"}},
    });
    let services = "/v1/projects/shop/services/build";
    let put = of_bundles.api.call("PUT", services, Some(body)).await;
    assert_eq!(put.data()["buildSource"], "bundle");
    assert_eq!(put.data().get("vcsData"), None);
}
