//! Where commits come from: git servers over HTTP, ssh and folders, by branch and by commit, with
//! submodules, and a mirror that asks only for what is new.

use crate::harness::{Asked, GitServer, Manner, Place, Repository, Server, SshServer};
use serde_json::{Value, json};

/// A build that must succeed; its log.
async fn builds(place: &Place, body: Value) -> String {
    let id = place.start(body).await;
    place.reaches(&id, "SUCCESS").await;
    place.lines(&id).await.join("\n")
}

fn main() -> Value {
    json!({"branch": "main"})
}

/// A branch and a commit that is neither branch's tip any more.
fn with_history(repository: &Repository) -> String {
    repository.write("version", "old\n");
    let old = repository.commit("old");
    repository.write("version", "new\n");
    repository.commit("new");
    repository.git(&["checkout", "--quiet", "-b", "feature/side", &old]);
    repository.write("version", "side\n");
    repository.commit("side");
    repository.git(&["checkout", "--quiet", "main"]);
    old
}

const SHOWS_VERSION: &str = "COPY version /\nRUN echo \"this is $(cat /version)\"";

/// By branch, by another branch, by a commit that no branch points to.
async fn builds_each_way(place: &Place, old: &str) {
    assert!(builds(place, main()).await.contains("this is new"));
    let side = json!({"branch": "feature/side"});
    assert!(builds(place, side).await.contains("this is side"));
    let exact = json!({"sha": old});
    assert!(builds(place, exact).await.contains("this is old"));
    // The layers are cached by now, so the step prints nothing.
    let on_branch = json!({"branch": "main", "sha": old});
    let log = builds(place, on_branch).await;
    assert!(log.contains(&format!("==> Commit {old}")), "{log}");
}

#[tokio::test]
async fn over_http_by_branch_and_by_commit() {
    let repository = Repository::with_steps(SHOWS_VERSION);
    let old = with_history(&repository);
    let git = GitServer::start().await;
    let url = git.serves("web", &repository);
    let server = Server::start().await;
    let place = Place::at(&server, "shop", "web", &url, json!({})).await;
    builds_each_way(&place, &old).await;
}

#[tokio::test]
async fn over_http_from_a_server_that_hands_out_branches_only() {
    let repository = Repository::with_steps(SHOWS_VERSION);
    let old = with_history(&repository);
    let git = GitServer::start().await;
    git.behaves(Manner::Old);
    let url = git.serves("web", &repository);
    let server = Server::start().await;
    let place = Place::at(&server, "shop", "web", &url, json!({})).await;
    builds_each_way(&place, &old).await;
}

#[tokio::test]
async fn over_ssh_by_branch_and_by_commit() {
    let repository = Repository::with_steps(SHOWS_VERSION);
    let old = with_history(&repository);
    let ssh = SshServer::start().await;
    let server = Server::with()
        .env("BOATYARD_SSH_KEY", ssh.key())
        .env("BOATYARD_SSH_KNOWN_HOSTS", ssh.known_hosts())
        .start()
        .await;
    let place = Place::at(&server, "shop", "web", &ssh.url(&repository), json!({})).await;
    builds_each_way(&place, &old).await;
}

#[tokio::test]
async fn from_a_folder_by_branch_and_by_commit() {
    let repository = Repository::with_steps(SHOWS_VERSION);
    let old = with_history(&repository);
    let server = Server::start().await;
    let place = Place::new(&server, &repository).await;
    builds_each_way(&place, &old).await;
}

#[tokio::test]
async fn with_a_login_that_nobody_gets_to_see() {
    let repository = Repository::with_steps("");
    let git = GitServer::start().await;
    git.behaves(Manner::WantsLogin("reader", "correct-horse"));
    let url = git.serves("private", &repository);
    let url = url.replace("http://", "http://reader:correct-horse@");
    let server = Server::with().env("RUST_LOG", "debug").start().await;
    let place = Place::at(&server, "shop", "web", &url, json!({})).await;
    let log = builds(&place, main()).await;
    let shown = place.api.get(&place.path()).await;
    for (where_, text) in [
        ("the build's log", log),
        ("the server's log", server.log()),
        ("the service as it is shown", shown.data().to_string()),
    ] {
        assert!(!text.contains("correct-horse"), "{where_}: {text}");
    }
    // Written back as it was shown, whole or in part, it goes on working; at another address it does not.
    let vcs =
        json!({"projectUrl": shown.data()["vcsData"]["projectUrl"], "projectType": "self-hosted"});
    let body = json!({
        "name": "web",
        "vcsData": vcs,
        "buildSettings": {"dockerfile": {"dockerFilePath": "/Dockerfile", "dockerWorkDir": "/"}},
    });
    let services = "/v1/projects/shop/services/build";
    place.api.call("PUT", services, Some(body)).await.data();
    builds(&place, main()).await;
    let patch = async |vcs: Value| {
        let path = format!("{services}/web");
        let body = json!({"vcsData": vcs});
        place.api.call("PATCH", &path, Some(body)).await.data();
    };
    patch(vcs).await;
    builds(&place, main()).await;
    patch(json!({"projectUrl": git.serves("other", &repository)})).await;
    let build = place.ends(&place.build().await).await;
    assert_eq!(build["reason"], "git_auth_failed", "{build}");
}

/// Bytes of objects that were served, and how often somebody asked for any.
fn objects(asked: &[Asked]) -> (usize, usize) {
    let requests: Vec<_> = asked.iter().filter(|asked| asked.objects).collect();
    let bytes = requests.iter().map(|asked| asked.bytes).sum();
    (bytes, requests.len())
}

#[tokio::test]
async fn a_second_build_fetches_only_what_is_new() {
    let repository = Repository::with_steps(SHOWS_VERSION);
    repository.write("version", "one\n");
    repository.commit("one");
    let git = GitServer::start().await;
    let url = git.serves("web", &repository);
    let server = Server::start().await;
    let place = Place::at(&server, "shop", "web", &url, json!({})).await;
    builds(&place, main()).await;
    let (first, _) = objects(&git.asked());
    assert!(
        first > 500_000,
        "busybox alone is larger than {first} bytes"
    );

    builds(&place, main()).await;
    let asked = git.asked();
    assert!(!asked.is_empty(), "the branch is looked up");
    assert_eq!(objects(&asked), (0, 0), "nothing is new");

    repository.write("version", "two\n");
    repository.commit("two");
    assert!(builds(&place, main()).await.contains("this is two"));
    let (second, requests) = objects(&git.asked());
    assert_eq!(requests, 1);
    assert!(second < 5_000, "one small file took {second} bytes");
    println!("objects served: {first} bytes at first, {second} for one small commit");
}

/// A repository with another one as submodule, at this address.
pub fn with_submodule(address: &str, part: &Repository) -> Repository {
    let repository = Repository::with_steps("COPY lib/part /part\nRUN echo \"has $(cat /part)\"");
    let modules = format!("[submodule \"lib\"]\n\tpath = lib\n\turl = {address}\n");
    repository.write(".gitmodules", &modules);
    let sha = part.git(&["rev-parse", "HEAD"]);
    let link = format!("160000,{sha},lib");
    repository.git(&["update-index", "--add", "--cacheinfo", &link]);
    repository.git(&["add", ".gitmodules"]);
    repository.git(&["commit", "--quiet", "--message", "a part"]);
    repository
}

pub fn part() -> Repository {
    let part = Repository::empty();
    part.write("part", "the part\n");
    part.commit("part");
    part
}

#[tokio::test]
async fn submodules_come_along() {
    let part = part();
    let git = GitServer::start().await;
    let address = git.serves("part", &part);
    let server = Server::start().await;
    for (service, address) in [("absolute", address.as_str()), ("relative", "../part.git")] {
        let repository = with_submodule(address, &part);
        let url = git.serves(service, &repository);
        let place = Place::at(&server, "shop", service, &url, json!({})).await;
        let log = builds(&place, main()).await;
        assert!(log.contains("has the part"), "{service}: {log}");
    }
}

#[tokio::test]
async fn submodules_over_a_forbidden_protocol_are_refused() {
    let part = part();
    let git = GitServer::start().await;
    let server = Server::with()
        .env("BOATYARD_GIT_PROTOCOLS", "http,file")
        .start()
        .await;
    for (service, address) in [
        ("ssh", "ssh://git@127.0.0.1/part".to_owned()),
        ("helper", "ext::sh".to_owned()),
        // The operator allows folders, but not to a repository from elsewhere.
        ("folder", part.url()),
    ] {
        let repository = with_submodule(&address, &part);
        let url = git.serves(service, &repository);
        let place = Place::at(&server, "shop", service, &url, json!({})).await;
        let build = place.ends(&place.build().await).await;
        let end = (&build["status"], &build["reason"]);
        assert_eq!(
            end,
            (&json!("FAILURE"), &json!("git_protocol_not_allowed")),
            "{build}"
        );
        assert!(
            build["message"].as_str().unwrap().contains("\"lib\""),
            "{build}"
        );
    }
}

#[tokio::test]
async fn submodules_at_a_private_address_are_refused() {
    let part = part();
    let repository = with_submodule("http://10.0.0.1/part.git", &part);
    let server = Server::start().await;
    let place = Place::new(&server, &repository).await;
    let build = place.ends(&place.build().await).await;
    let end = (&build["status"], &build["reason"]);
    assert_eq!(
        end,
        (&json!("FAILURE"), &json!("git_address_not_allowed")),
        "{build}"
    );
}
