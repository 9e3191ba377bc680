//! What somebody on the server's machine does.

use crate::harness::{Place, Repository, Server};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;

#[tokio::test]
async fn the_first_start_makes_a_token_that_only_its_owner_reads() {
    let mut server = Server::start().await;
    let token = server.token();
    let path = server.data_dir().join("admin.token");
    assert_eq!(
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(server.log().contains(&token), "it is printed once");
    server.terminate();
    server.launch().await;
    assert_eq!(server.token(), token, "and stays");
    assert_eq!(server.log().matches(&token).count(), 1);
    server.api().get("/v1/login").await.data();
}

#[tokio::test]
async fn the_command_line_finds_the_server_by_its_data_folder() {
    let mut server = Server::start().await;
    let list = ["list", "projects"];
    let found = server.boatyard_beside_data(&list);
    assert!(found.status.success(), "{found:?}");
    server.kill();
    let gone = server.boatyard_beside_data(&list);
    let text = String::from_utf8_lossy(&gone.stderr);
    let nobody = format!(
        "no server of the data folder {} is running",
        server.data_dir().display()
    );
    assert!(text.contains(&nobody), "{text}");
    server.launch().await;
    assert!(server.boatyard_beside_data(&list).status.success());
    assert!(server.terminate());
    assert!(!server.data_dir().join("server.address").exists());
}

#[tokio::test]
async fn a_revoked_token_stops_working_at_once() {
    let server = Server::start().await;
    let made = server.boatyard(&[
        "admin", "token", "create", "--name", "ci", "--role", "viewer",
    ]);
    let secret = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    let api = server.api().with_token(&secret);
    api.get("/v1/projects").await.data();
    let listed = server.boatyard(&["admin", "token", "list"]);
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(!listed.contains(&secret));
    let id = listed
        .lines()
        .find(|line| line.contains("ci"))
        .unwrap()
        .split(' ')
        .next()
        .unwrap();
    assert!(
        server
            .boatyard(&["admin", "token", "revoke", id])
            .status
            .success()
    );
    api.get("/v1/projects").await.refusal(401);
}

testkit::for_each_store! {
    async fn a_build_says_who_started_it_when_the_token_is_long_revoked(url: &str) {
        let server = Server::with()
            .env("BOATYARD_MAX_CONCURRENT_BUILDS", 0)
            .database(url)
            .start()
            .await;
        let repository = Repository::with_steps("");
        let mut place = Place::new(&server, &repository).await;
        let admin = place.api.clone();
        let made = server.boatyard(&[
            "admin", "token", "create", "--name", "night run", "--role", "builder",
        ]);
        let secret = String::from_utf8(made.stdout).unwrap();
        place.api = admin.with_token(secret.trim());
        let id = place.build().await;
        place.api = admin;
        let creator = place.get(&id).await["createdBy"].clone();
        let token = creator["tokenId"].as_str().unwrap();
        let revoked = server.boatyard(&["admin", "token", "revoke", token]);
        assert!(revoked.status.success());
        let build = place.get(&id).await;
        assert_eq!(build["createdBy"]["tokenName"], "night run");
        let list = place.api.get(&format!("{}/build", place.path())).await;
        assert_eq!(list.data()["builds"][0]["createdBy"], build["createdBy"]);
    }
}

#[tokio::test]
async fn tokens_are_listed_for_people_and_for_programs() {
    let server = Server::start().await;
    let make = ["admin", "token", "create", "--name", "ci"];
    server.boatyard(&[&make[..], &["--role", "builder", "--project", "shop"]].concat());
    let list = |more: &[&str]| {
        let output = server.boatyard(&[&["admin", "token", "list"], more].concat());
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let words: Vec<Vec<String>> = list(&[])
        .lines()
        .map(|line| line.split_whitespace().map(str::to_owned).collect())
        .collect();
    assert_eq!(
        words[0],
        [
            "ID", "NAME", "TEAM", "ROLE", "PROJECTS", "CREATED", "EXPIRES"
        ]
    );
    assert_eq!(words[1][1..5], ["administrator", "all", "admin", "all"]);
    assert_eq!(words[2][1..5], ["ci", "default", "builder", "shop"]);
    let json: Value = serde_json::from_str(&list(&["-o", "json"])).unwrap();
    assert_eq!(json[0]["projects"], Value::Null);
    assert_eq!(json[1]["projects"], json!(["shop"]));
    assert!(list(&["-o", "yaml"]).contains("name: ci\n"));
}

/// As `boatyard … | head` when head has seen enough.
#[tokio::test]
async fn a_reader_that_goes_away_is_no_error() {
    let server = Server::start().await;
    for line in [
        "completion bash",
        "list projects",
        "admin token list",
        "admin doctor",
        "admin token create --role viewer",
    ] {
        let args: Vec<&str> = line.split(' ').collect();
        let output = server.boatyard_unread(&args);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(141), "{line}: {text}");
        assert!(!text.contains("roken pipe"), "{line}: {text}");
    }
}

#[tokio::test]
async fn a_second_server_on_the_same_data_says_so() {
    let server = Server::start().await;
    let second = server.boatyard(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(!second.status.success());
    let text = String::from_utf8_lossy(&second.stderr);
    assert!(
        text.contains("another server uses the data folder"),
        "{text}"
    );
}

testkit::for_each_store! {
    async fn a_second_server_on_the_same_database_says_so(url: &str) {
        let mut server = Server::with().database(url).start().await;
        let other = tempfile::tempdir().unwrap();
        let other = other.path().to_str().unwrap();
        let start = ["serve", "--listen", "127.0.0.1:0", "--data-dir", other];
        let second = server.boatyard(&start);
        let text = String::from_utf8_lossy(&second.stderr);
        assert!(!second.status.success());
        assert!(text.contains("another server uses this database"), "{text}");
        server.kill();
        server.launch().await;
    }
}

/// Refused at the start, rather than by every build.
#[tokio::test]
async fn switches_that_mean_nothing_keep_the_server_from_starting() {
    let server = Server::start().await;
    for (switch, value, words) in [
        (
            "--registry-mirrors",
            "foo",
            "BOATYARD_REGISTRY_MIRRORS must hold",
        ),
        (
            "--worker-program",
            "/nope",
            "worker_program: cannot read /nope",
        ),
        ("--lease", "0", "it is a number of seconds"),
        (
            "--public-url",
            "https://ci.example.com/path",
            "end with the host",
        ),
    ] {
        let start = ["serve", "--listen", "127.0.0.1:0", switch, value];
        let refused = server.boatyard(&start);
        let text = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success(), "{switch} {value}");
        assert!(text.contains(words), "{text}");
    }
}

testkit::for_each_store! {
    async fn a_folder_is_not_served_with_a_database_that_does_not_know_it(url: &str) {
        let mut server = Server::with().database(url).start().await;
        server.terminate();
        let other = tempfile::tempdir().unwrap();
        let other = format!("sqlite:{}", other.path().join("other.db").display());
        let wrong = ["serve", "--listen", "127.0.0.1:0", "--database-url", &other];
        let refused = server.boatyard_beside_data(&wrong);
        let text = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success());
        assert!(text.contains("belongs to the database"), "{text}");
        let wrong = ["admin", "token", "list", "--database-url", &other];
        let refused = server.boatyard_beside_data(&wrong);
        assert!(!refused.status.success(), "a token there would open nothing here");
        server.launch().await;
    }
}

/// A folder that an operator made open to everybody: what is put into it is not.
#[tokio::test]
async fn what_lies_in_the_data_folder_is_nobody_elses_business() {
    let server = Server::start().await;
    let repository = Repository::with_steps("");
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    place.reaches(&id, "SUCCESS").await;
    for entry in std::fs::read_dir(server.data_dir()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", entry.path().display());
    }
}

#[tokio::test]
async fn the_doctor_names_what_is_there() {
    let server = Server::start().await;
    let output = server.boatyard(&["admin", "doctor"]);
    let text = String::from_utf8_lossy(&output.stdout);
    for name in [
        "git",
        "buildah",
        "runc",
        "isolation",
        "control groups",
        "disk",
    ] {
        assert!(text.contains(name), "{text}");
    }
    assert!(output.status.success(), "{text}");
    assert!(text.contains("builds are nobody here"), "{text}");
}
