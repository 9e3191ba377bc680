//! Pull requests from forks name other repositories and images: they are opened as nobody.

use crate::forks::LOOKS;
use crate::git_options::{configured, with_large_file};
use crate::harness::{GitServer, Manner, Place, PrivateRegistry, Repository, Server, SshServer};
use crate::sources::{part, with_submodule};
use serde_json::{Value, json};

/// How the build of something ends: as what, and why.
async fn end(place: &Place, what: Value) -> (Value, String) {
    let id = place.start(what).await;
    let build = place.ends(&id).await;
    let log = place.lines(&id).await.join("\n");
    let reason = build["reason"].as_str().unwrap_or("none").to_owned();
    println!("{log}");
    (build["status"].clone(), reason)
}

fn fork() -> Value {
    json!({"pullRequestId": 2})
}

fn main() -> Value {
    json!({"branch": "main"})
}

fn refused(reason: &str) -> (Value, String) {
    (json!("FAILURE"), reason.to_owned())
}

fn built() -> (Value, String) {
    (json!("SUCCESS"), "none".to_owned())
}

#[tokio::test]
async fn a_forks_submodules_are_fetched_without_the_repositorys_login() {
    let server = Server::start().await;
    let git = GitServer::start().await;
    git.behaves(Manner::WantsLogin("reader", "hush"));
    let part = part();
    let absolute = git.serves("part", &part);
    for (service, address) in [("absolute", absolute.as_str()), ("relative", "../part.git")] {
        let repository = with_submodule(address, &part);
        repository.has_forks_pull_request(2, |_| {});
        let url = git.serves(service, &repository);
        let url = url.replace("http://", "http://reader:hush@");
        let place = Place::at(&server, "shop", service, &url, json!({})).await;
        // Also what an earlier build has fetched is not there for it.
        assert_eq!(end(&place, main()).await, built());
        assert_eq!(end(&place, fork()).await, refused("git_auth_failed"));
    }
}

#[tokio::test]
async fn a_forks_submodules_are_fetched_without_the_operators_key_or_folders() {
    let ssh = SshServer::start().await;
    let server = Server::with()
        .env("BOATYARD_SSH_KEY", ssh.key())
        .env("BOATYARD_SSH_KNOWN_HOSTS", ssh.known_hosts())
        .start()
        .await;
    let part = part();
    for (service, address, reason) in [
        ("ssh", ssh.url(&part), "git_auth_failed"),
        ("folder", part.url(), "git_protocol_not_allowed"),
    ] {
        let repository = with_submodule(&address, &part);
        repository.has_forks_pull_request(2, |_| {});
        let url = if service == "ssh" {
            ssh.url(&repository)
        } else {
            repository.url()
        };
        let place = Place::at(&server, "shop", service, &url, json!({})).await;
        assert_eq!(end(&place, main()).await, built());
        assert_eq!(end(&place, fork()).await, refused(reason), "{service}");
    }
}

#[tokio::test]
async fn a_fork_gets_the_repositorys_large_files_and_nobody_elses() {
    let server = Server::start().await;
    let (repository, oid) = with_large_file();
    repository.has_forks_pull_request(2, |_| {});
    let git = GitServer::start().await;
    git.behaves(Manner::WantsLogin("reader", "hush"));
    let url = git.serves("web", &repository);
    let private = git.serves("private", &repository);
    let login = url.replace("http://", "http://reader:hush@");
    let lfs = configured(json!({"enableGitLfs": true}));
    let place = Place::at(&server, "shop", "web", &login, lfs.clone()).await;
    let id = place.start(fork()).await;
    place.reaches(&id, "SUCCESS").await;
    let log = place.lines(&id).await.join("\n");
    assert!(log.contains(&oid), "{log}");
    // The same from another place of the same server, which wants the same login.
    let config = format!("[lfs]\n\turl = {private}/info/lfs\n");
    repository.has_forks_pull_request(2, |repository| {
        repository.write(".lfsconfig", &config);
        repository.git(&["add", ".lfsconfig"]);
    });
    repository.write(".lfsconfig", &config);
    repository.commit("elsewhere");
    let fresh = Place::at(&server, "shop", "fresh", &login, lfs).await;
    assert_eq!(end(&fresh, main()).await, built());
    assert_eq!(end(&fresh, fork()).await, refused("git_lfs_failed"));
}

#[tokio::test]
async fn a_fork_builds_on_no_image_of_this_server_and_without_logins_to_others() {
    let registry = PrivateRegistry::start().await;
    let server = Server::start().await;
    let login = json!({
        "name": "Private",
        "provider": "custom",
        "registryUrl": format!("http://{}/", registry.host()),
        "credentials": {
            "username": PrivateRegistry::USER,
            "password": PrivateRegistry::password(),
            "scope": {"pull": true, "push": true},
        },
    });
    let api = server.api();
    api.post("/v1/integrations/registries", login).await.data();
    let repository = Repository::with_steps(LOOKS);
    repository.has_forks_pull_request(2, |_| {});
    let ours = Place::new(&server, &repository).await;
    assert_eq!(end(&ours, main()).await, built());
    let custom = json!({"enabled": true, "configuration": {"credentialId": "private"}});
    let project = json!({"name": "own", "region": "local", "customRegistry": custom});
    api.post("/v1/projects", project).await.data();
    let theirs = Place::named(&server, "own", "web", &repository, json!({})).await;
    assert_eq!(end(&theirs, main()).await, built());

    // A fork's image stays here.
    let id = theirs.start(fork()).await;
    let build = theirs.reaches(&id, "SUCCESS").await;
    let here = format!("{}/own/web:{id}", server.host());
    assert_eq!(build["registry"]["uri"], here);

    for (project, image, reason) in [
        (
            "shop",
            format!("{}/shop/web:main", server.host()),
            "base_image_not_found",
        ),
        (
            "bank",
            format!("{}/own/web:main", registry.host()),
            // Nothing on this machine is, without a login.
            "registry_unreachable",
        ),
    ] {
        let dockerfile = format!("FROM {image}\nRUN echo I have it\n");
        let repository = Repository::with_dockerfile(&dockerfile);
        repository.has_forks_pull_request(2, |_| {});
        let with = json!({"buildConfiguration": {"dockerCredentials": ["private"]}});
        let place = Place::named(&server, project, "copy", &repository, with).await;
        assert_eq!(end(&place, main()).await, built());
        assert_eq!(end(&place, fork()).await, refused(reason), "{image}");
    }
}

/// Builds a commit by its sha, alone and as one of `main`.
async fn ends_by_sha(place: &Place, sha: &str) -> [(Value, String); 2] {
    let alone = end(place, json!({"sha": sha})).await;
    [
        alone,
        end(place, json!({"sha": sha, "branch": "main"})).await,
    ]
}

#[tokio::test]
async fn a_commit_that_a_call_names_is_on_a_branch_or_tag_of_the_repository() {
    let server = Server::start().await;
    let git = GitServer::start().await;
    for filters in ["true", "false"] {
        let repository = Repository::with_steps("ARG NPM_TOKEN\nRUN echo \"token=${#NPM_TOKEN}\"");
        repository.git(&["config", "uploadpack.allowFilter", filters]);
        let old = repository.git(&["rev-parse", "HEAD"]);
        repository.write("change", "later");
        repository.commit("later");
        repository.git(&["checkout", "--quiet", "--detach"]);
        let tagged = repository.commit("on a tag");
        repository.git(&["tag", "-m", "one", "v1", &tagged]);
        repository.commit("on another tag");
        repository.git(&["tag", "v2"]);
        repository.git(&["checkout", "--quiet", "main"]);
        let forks = repository.has_forks_pull_request(2, |_| {});
        let url = git.serves(&format!("filters-{filters}"), &repository);
        let arguments = json!({"buildArguments": {"NPM_TOKEN": "hush-token"}});
        let place = Place::at(&server, "shop", &format!("web-{filters}"), &url, arguments).await;
        // Twice: what was fetched for the first one says nothing.
        for _ in 0..2 {
            let not_there = refused("git_commit_not_found");
            assert_eq!(
                ends_by_sha(&place, &forks).await,
                [not_there.clone(), not_there]
            );
        }
        for sha in [&old, &tagged] {
            assert_eq!(ends_by_sha(&place, sha).await, [built(), built()]);
        }
        // The pull request's is built as such, named or not.
        let id = place.start(json!({"pullRequestId": 2, "sha": forks})).await;
        assert_eq!(place.reaches(&id, "SUCCESS").await["fromFork"], true);
        let log = place.lines(&id).await.join("\n");
        assert!(log.contains("token=0"), "{log}");
        // Once it is merged, it is the repository's.
        repository.git(&["merge", "--quiet", "--ff-only", &forks]);
        assert_eq!(ends_by_sha(&place, &forks).await, [built(), built()]);
        repository.commit("and the branch goes on");
        assert_eq!(ends_by_sha(&place, &forks).await, [built(), built()]);
    }
}
