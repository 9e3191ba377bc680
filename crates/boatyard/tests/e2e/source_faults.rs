//! What is wrong with a source, said truthfully: a typed reason and a sentence.

use crate::harness::{Gate, GitServer, Manner, Place, Repository, Server, SshServer, until};
use serde_json::{Value, json};

/// Builds `main` of this address on a server with these switches; how it failed.
async fn failure(switches: &[(&str, &str)], url: &str, reason: &str) -> String {
    let mut server = Server::with();
    for (name, value) in switches {
        server = server.env(name, value);
    }
    let server = server.start().await;
    let place = Place::at(&server, "shop", "web", url, json!({})).await;
    fails(&place, json!({"branch": "main"}), reason).await
}

/// A build that must fail for this reason; its message.
async fn fails(place: &Place, body: Value, reason: &str) -> String {
    let id = place.start(body).await;
    let build = place.ends(&id).await;
    let end = (&build["status"], &build["reason"]);
    let log = place.lines(&id).await;
    assert_eq!(
        end,
        (&json!("FAILURE"), &json!(reason)),
        "{build:#}\n{log:#?}"
    );
    // The log is closed right after the build is concluded.
    place.logs(&id, "==> FAILURE: ").await;
    build["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn no_such_repository_branch_or_commit() {
    let repository = Repository::with_steps("");
    let git = GitServer::start().await;
    let url = git.serves("web", &repository);
    let server = Server::start().await;
    let place = Place::at(&server, "shop", "web", &url, json!({})).await;
    let message = fails(
        &place,
        json!({"branch": "nobody/knows"}),
        "git_ref_not_found",
    )
    .await;
    assert!(message.contains("nobody/knows"), "{message}");
    let sha = "0123456789012345678901234567890123456789";
    for body in [json!({"sha": sha}), json!({"branch": "main", "sha": sha})] {
        let message = fails(&place, body, "git_commit_not_found").await;
        assert!(message.contains(sha), "{message}");
    }
    git.behaves(Manner::Old);
    fails(&place, json!({"sha": sha}), "git_commit_not_found").await;
    let missing = Place::at(&server, "shop", "missing", &git.url("none"), json!({})).await;
    fails(
        &missing,
        json!({"branch": "main"}),
        "git_repository_not_found",
    )
    .await;
}

#[tokio::test]
async fn a_repository_that_goes_while_its_build_waits() {
    let server = Server::with()
        .env("BOATYARD_MAX_CONCURRENT_BUILDS", 1)
        .start()
        .await;
    let gate = Gate::new();
    let slow = Repository::with_steps(&gate.step("true", "true"));
    let blocker = Place::named(&server, "shop", "slow", &slow, json!({})).await;
    let blocking = blocker.build().await;
    gate.reached(&blocker, &blocking).await;
    let repository = Repository::with_steps("");
    let git = GitServer::start().await;
    let url = git.serves("web", &repository);
    let place = Place::at(&server, "shop", "web", &url, json!({})).await;
    let id = place.build().await;
    assert!(place.get(&id).await["sha"].is_string(), "it was there");
    git.drops("web");
    gate.open();
    let build = place.ends(&id).await;
    let end = (&build["status"], &build["reason"]);
    assert_eq!(
        end,
        (&json!("FAILURE"), &json!("git_repository_not_found")),
        "{build}"
    );
}

#[tokio::test]
async fn a_server_that_is_not_there() {
    let repository = Repository::with_steps("");
    let mut git = GitServer::start().await;
    let url = git.serves("web", &repository);
    git.goes_away().await;
    let message = failure(&[], &url, "git_unreachable").await;
    assert!(message.contains(&url), "{message}");
    let message = failure(&[], "https://no-such-host.invalid/a/b", "git_unreachable").await;
    assert!(message.contains("no-such-host.invalid"), "{message}");
    let by_ssh = url.replace("http://", "ssh://git@");
    failure(&[], &by_ssh, "git_unreachable").await;
}

#[tokio::test]
async fn a_server_that_cuts_the_connection_midway_and_the_next_build_is_whole() {
    let repository = Repository::with_steps("");
    let git = GitServer::start().await;
    let url = git.serves("web", &repository);
    let server = Server::start().await;
    let place = Place::at(&server, "shop", "web", &url, json!({})).await;
    git.behaves(Manner::CutsObjects);
    fails(&place, json!({"branch": "main"}), "git_unreachable").await;
    git.behaves(Manner::Well);
    place.reaches(&place.build().await, "SUCCESS").await;
}

#[tokio::test]
async fn a_server_that_hangs() {
    let repository = Repository::with_steps("");
    let git = GitServer::start().await;
    let url = git.serves("web", &repository);
    for manner in [Manner::Hangs, Manner::HangsBeforeObjects] {
        git.behaves(manner);
        let impatient = [("BOATYARD_GIT_STALL_TIMEOUT", "1")];
        failure(&impatient, &url, "git_unreachable").await;
    }
}

#[tokio::test]
async fn a_login_that_is_missing_or_wrong() {
    let repository = Repository::with_steps("");
    let git = GitServer::start().await;
    git.behaves(Manner::WantsLogin("reader", "correct-horse"));
    let url = git.serves("web", &repository);
    failure(&[], &url, "git_auth_failed").await;
    let wrong = url.replace("http://", "http://reader:battery-staple@");
    let message = failure(&[], &wrong, "git_auth_failed").await;
    assert!(!message.contains("battery-staple"), "{message}");
}

#[tokio::test]
async fn a_redirect_is_not_followed_wherever_it_leads() {
    let repository = Repository::with_steps("");
    let git = GitServer::start().await;
    let elsewhere = GitServer::start().await;
    let secret = elsewhere.serves("web", &repository);
    let url = git.serves("web", &repository);
    for to in [
        format!("{secret}/info/refs?service=git-upload-pack"),
        format!("file://{}", repository.path().display()),
        "http://169.254.169.254/latest/meta-data".to_owned(),
    ] {
        git.behaves(Manner::Redirects(to));
        failure(&[], &url, "git_redirected").await;
    }
    assert!(elsewhere.asked().is_empty(), "nobody was sent there");
}

#[tokio::test]
async fn addresses_inside_are_refused_after_name_resolution() {
    let git = GitServer::start().await;
    let closed = [("BOATYARD_OUTBOUND_ALLOW", "")];
    let by_number = git.url("web");
    let by_name = by_number.replace("127.0.0.1", "localhost");
    for url in [
        by_number.as_str(),
        &by_name,
        "http://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/a/b",
        "http://[::1]/a/b",
        "http://[::ffff:127.0.0.1]/a/b",
        "http://0x7f.1/a/b",
        "ssh://git@localhost/a/b",
    ] {
        failure(&closed, url, "git_address_not_allowed").await;
    }
    assert!(git.asked().is_empty(), "nobody was asked");
}

#[tokio::test]
async fn an_ssh_server_is_checked_before_it_is_trusted() {
    let repository = Repository::with_steps("");
    let ssh = SshServer::start().await;
    let url = ssh.url(&repository);
    let with = async |key: &str, hosts: &str, reason: &str| {
        let switches = [
            ("BOATYARD_SSH_KEY", key),
            ("BOATYARD_SSH_KNOWN_HOSTS", hosts),
        ];
        failure(&switches, &url, reason).await
    };
    let (key, hosts) = (ssh.key(), ssh.known_hosts());
    with(&ssh.strangers_key(), &hosts, "git_auth_failed").await;
    with(&key, &ssh.hosts_with_another_key(), "git_host_key_rejected").await;
    let message = with(&key, &ssh.hosts_without_it(), "git_host_key_rejected").await;
    assert!(message.contains("ssh_known_hosts"), "{message}");
    failure(&[], &url, "git_host_key_rejected").await;
}

#[tokio::test]
async fn a_repository_that_takes_more_memory_than_the_plan_has() {
    let server = Server::start().await;
    let repository = Repository::empty();
    repository.becomes_a_bomb();
    let plan = json!({"billing": {"buildPlan": "nf-compute-10"}});
    let place = Place::named(&server, "shop", "bomb", &repository, plan).await;
    let id = place.build().await;
    let build = place.ends(&id).await;
    let end = (&build["status"], &build["reason"]);
    let log = place.lines(&id).await;
    assert_eq!(
        end,
        (&json!("CRASHED"), &json!("out_of_memory")),
        "{build:#}\n{log:#?}"
    );
    assert!(!log.join("\n").contains("==> Building"), "{log:#?}");
    let message = build["message"].as_str().unwrap();
    assert!(
        message.contains("256 MB of plan nf-compute-10"),
        "{message}"
    );
}

#[tokio::test]
async fn git_ends_with_its_worker() {
    let repository = Repository::with_steps("");
    let git = GitServer::start().await;
    let url = git.serves("web", &repository);
    git.behaves(Manner::HangsBeforeObjects);
    // Whatever stands still is not given up for that before the test is.
    let server = Server::with()
        .env("BOATYARD_GIT_STALL_TIMEOUT", 1000)
        .start()
        .await;
    let place = Place::at(&server, "shop", "web", &url, json!({})).await;
    let id = place.build().await;
    git.is_asked_for_objects().await;
    place.reaches(&id, "CLONING").await;
    for pid in server.workers() {
        let pid = rustix::process::Pid::from_raw(pid as i32).unwrap();
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
    let build = place.ends(&id).await;
    let end = (&build["status"], &build["reason"]);
    assert_eq!(end, (&json!("CRASHED"), &json!("worker_lost")), "{build}");
    until("no git to run", async || {
        server.leftovers().is_empty().then_some(())
    })
    .await;
}
