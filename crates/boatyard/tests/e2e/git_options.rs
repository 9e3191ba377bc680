//! What of git a service's builds get besides the files: the folder, its history, large files.

use crate::harness::{GitServer, Manner, Place, Repository, Server, SshServer};
use serde_json::{Value, json};

pub fn configured(configuration: Value) -> Value {
    json!({"buildConfiguration": configuration})
}

async fn builds(place: &Place) -> String {
    let id = place.build().await;
    place.reaches(&id, "SUCCESS").await;
    place.lines(&id).await.join("\n")
}

/// The first commit has the Dockerfile, which prints what `.git` there is.
fn with_tags() -> Repository {
    let repository = Repository::with_steps(
        "COPY .git /git\nRUN cat /git/packed-refs; find /git/refs; ls /git/shallow; true",
    );
    repository.git(&["tag", "v1.0"]);
    repository.git(&["branch", "feature/x"]);
    for n in 0..3 {
        repository.write("version", &n.to_string());
        repository.commit("more");
    }
    repository
}

#[tokio::test]
async fn the_whole_history_comes_only_to_who_asks_for_it() {
    let server = Server::start().await;
    let repository = with_tags();
    let git = GitServer::start().await;
    let url = git.serves("web", &repository);
    let one = configured(json!({"includeGitFolder": true}));
    let one = Place::at(&server, "shop", "one", &url, one).await;
    let log = builds(&one).await;
    assert!(log.contains("/git/shallow\n"), "{log}");
    assert!(!log.contains("v1.0"), "{log}");

    let all = configured(json!({"includeGitFolder": true, "fullGitClone": true}));
    let all = Place::at(&server, "shop", "all", &url, all).await;
    let log = builds(&all).await;
    for part in ["v1.0", "origin/feature/x", "/git/shallow: No such file"] {
        assert!(log.contains(part), "{part}: {log}");
    }
    // A mirror that had one commit gets the rest, and a tag that is new on an old commit.
    let options = json!({"dockerfile": {}, "fullGitClone": true});
    let path = format!("{}/build-options", one.path());
    one.api.post(&path, options).await.data();
    repository.git(&["tag", "v2.0"]);
    let log = builds(&one).await;
    assert!(log.contains("v2.0"), "{log}");
    assert!(log.contains("/git/shallow: No such file"), "{log}");
    // A branch whose name becomes another one's folder.
    repository.git(&["branch", "-D", "feature/x"]);
    repository.git(&["branch", "feature"]);
    builds(&one).await;
}

const SHOWS_LARGE: &str =
    "COPY large.bin part /\nRUN sha256sum /large.bin && wc -c < /part && ls -l /large.bin";

/// A repository with a file that `git lfs` itself has put aside.
pub fn with_large_file() -> (Repository, String) {
    let repository = Repository::with_steps(SHOWS_LARGE);
    let content = "0123456789abcdef".repeat(4096);
    repository.git(&["lfs", "install", "--local"]);
    repository.git(&["lfs", "track", "*.bin"]);
    repository.write("large.bin", &content);
    repository.write("part", "small\n");
    repository.commit("large");
    let pointer = repository.git(&["show", "HEAD:large.bin"]);
    assert!(pointer.starts_with("version https://git-lfs"), "{pointer}");
    let oid = pointer.split_once("sha256:").unwrap().1[..64].to_owned();
    (repository, oid)
}

/// How often somebody asked for what Git LFS keeps.
fn asked_for_large(git: &GitServer) -> usize {
    git.asked().iter().filter(|asked| asked.large).count()
}

#[tokio::test]
async fn large_files_come_from_where_git_lfs_keeps_them() {
    let (repository, oid) = with_large_file();
    let ssh = SshServer::start().await;
    let git = GitServer::start().await;
    git.behaves(Manner::WantsLogin("reader", "hush"));
    let http = git.serves("web", &repository);
    let http = http.replace("http://", "http://reader:hush@");
    // "cmVhZGVyOmh1c2g=" is `reader:hush`.
    let says = format!(
        "[ \"$1\" = {} ] && [ \"$2\" = download ] || exit 1\n\
         echo '{{\"href\": \"{}/info/lfs\", \"header\": {{\"Authorization\": \"Basic cmVhZGVyOmh1c2g=\"}}}}'",
        repository.path().display(),
        git.url("web")
    );
    ssh.offers("git-lfs-authenticate", &says);
    let server = Server::with()
        .env("BOATYARD_SSH_KEY", ssh.key())
        .env("BOATYARD_SSH_KNOWN_HOSTS", ssh.known_hosts())
        .start()
        .await;
    for (service, url) in [
        ("folder", repository.url()),
        ("http", http.clone()),
        ("ssh", ssh.url(&repository)),
    ] {
        let lfs = configured(json!({"enableGitLfs": true}));
        let place = Place::at(&server, "shop", service, &url, lfs).await;
        let log = builds(&place).await;
        assert!(log.contains(&oid), "{service}: {log}");
        assert!(
            log.contains("Git LFS: fetching 1 objects"),
            "{service}: {log}"
        );
    }
    assert_eq!(
        asked_for_large(&git),
        4,
        "for its place and for itself, twice"
    );
    // What is here is not fetched again, and is there beside a `.git`, too.
    let place = Place {
        api: server.api(),
        project: "shop".into(),
        service: "http".into(),
    };
    let path = format!("{}/build-options", place.path());
    let options = json!({"dockerfile": {}, "includeGitFolder": true});
    place.api.post(&path, options).await.data();
    repository.write("part", "larger than before\n");
    repository.commit("more");
    assert!(builds(&place).await.contains(&oid));
    assert_eq!(asked_for_large(&git), 0);
    // Who does not ask for it gets the pointer.
    let place = Place::at(&server, "shop", "pointer", &http, json!({})).await;
    assert!(!builds(&place).await.contains(&oid));
}

#[tokio::test]
async fn large_files_are_fetched_from_nowhere_that_the_operator_has_not_allowed() {
    let server = Server::start().await;
    let (repository, oid) = with_large_file();
    let git = GitServer::start().await;
    let url = git.serves("web", &repository);
    let lfs = configured(json!({"enableGitLfs": true}));
    let place = Place::at(&server, "shop", "web", &url, lfs).await;
    let reason = async |says: &str| {
        let build = place.ends(&place.build().await).await;
        let message = build["message"].as_str().unwrap();
        assert!(message.contains(says), "{build}");
        build["reason"].as_str().unwrap().to_owned()
    };
    let metadata = "http://169.254.169.254/latest".to_owned();
    git.behaves(Manner::KeepsLargeFilesAt(metadata));
    assert_eq!(reason("169.254.169.254").await, "git_address_not_allowed");
    git.behaves(Manner::KeepsLargeFilesAt("file:///etc/passwd".into()));
    assert_eq!(reason("\"file\"").await, "git_lfs_failed");
    // Something else than the commit points to.
    git.behaves(Manner::KeepsLargeFilesAt(format!(
        "{url}/info/refs?service=git-upload-pack"
    )));
    assert_eq!(reason(&oid).await, "git_lfs_failed");
    git.behaves(Manner::Well);
    for (address, expected) in [
        ("http://10.0.0.1/lfs", "git_address_not_allowed"),
        (repository.url().as_str(), "git_lfs_failed"),
        ("ext::sh", "git_lfs_failed"),
    ] {
        repository.write(".lfsconfig", &format!("[lfs]\n\turl = {address}\n"));
        repository.commit("elsewhere");
        assert_eq!(reason("").await, expected, "{address}");
    }
}
