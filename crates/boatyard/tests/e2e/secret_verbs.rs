//! Groups of secrets, secrets of the account and tags by the command line's verbs.

use crate::harness::{Place, Repository, Server};
use serde_json::{Value, json};

/// Runs a command that has to succeed; what it shows.
fn shows(server: &Server, args: &[&str]) -> String {
    let done = server.boatyard(args);
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{args:?}: {errors}");
    String::from_utf8(done.stdout).unwrap()
}

/// The same as JSON.
fn data(server: &Server, args: &[&str]) -> Value {
    let shown = shows(server, &[args, &["-o", "json"]].concat());
    serde_json::from_str(&shown).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_made_shown_changed_and_deleted() {
    let server = Server::start().await;
    Place::new(&server, &Repository::with_steps("")).await;
    let of = ["--project", "shop"];
    let one = ["--project", "shop", "--secret", "stage"];
    let with = |words: &[&'static str], more: &[&'static str]| [words, more].concat();
    let made = shows(
        &server,
        &with(
            &[
                "create",
                "secret",
                "--name",
                "Stage",
                "--var",
                "STAGE=hush-hush",
            ],
            &of,
        ),
    );
    assert!(
        made.contains("Variables") && made.contains("STAGE"),
        "{made}"
    );
    assert!(
        !made.contains("hush-hush"),
        "a table shows no values: {made}"
    );
    let listed = data(&server, &with(&["list", "secrets"], &of));
    let stage = &listed["secrets"][0];
    let said = (
        &stage["id"],
        &stage["secretType"],
        &stage["priority"],
        &stage["type"],
    );
    assert_eq!(
        said,
        (
            &json!("stage"),
            &json!("arguments"),
            &json!(0),
            &json!("secret")
        )
    );
    shows(
        &server,
        &with(&["patch", "secret", "--priority", "7"], &one),
    );
    shows(
        &server,
        &with(&["update", "secret", "--type", "config"], &one),
    );
    let file = server.scratch().join("stage.yaml");
    std::fs::write(&file, "secrets:\n  variables:\n    STAGE: test\n").unwrap();
    let file = file.to_str().unwrap();
    shows(
        &server,
        &[&["patch", "secret", "--file", file], &one[..]].concat(),
    );
    let stage = data(&server, &with(&["get", "secret"], &one));
    assert_eq!(stage["secrets"]["variables"], json!({"STAGE": "test"}));
    assert_eq!(
        (&stage["priority"], &stage["type"]),
        (&json!(7), &json!("config"))
    );
    let asked = server.boatyard(&with(&["delete", "secret"], &one));
    assert!(!asked.status.success(), "nobody was there to confirm it");
    shows(&server, &with(&["delete", "secret", "--force"], &one));
    assert!(shows(&server, &with(&["list", "secrets"], &of)).contains("no groups of secrets"));
    let gone = server.boatyard(&with(&["get", "secret"], &one));
    let said = String::from_utf8_lossy(&gone.stderr);
    assert!(!gone.status.success() && said.contains("stage"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_of_the_account_is_made_shown_changed_and_deleted() {
    let server = Server::start().await;
    let one = ["--secret", "package-token"];
    let made = shows(
        &server,
        &[
            "create",
            "global-secret",
            "--name",
            "Package Token",
            "--value",
            "npm=hush-hush",
        ],
    );
    assert!(
        made.contains("npm") && !made.contains("hush-hush"),
        "{made}"
    );
    shows(
        &server,
        &[
            &["patch", "global-secret", "--value", "npm=other"],
            &one[..],
        ]
        .concat(),
    );
    let secret = data(&server, &[&["get", "global-secret"], &one[..]].concat());
    assert_eq!(secret["secrets"]["values"], json!({"npm": "other"}));
    assert_eq!(secret["type"], "secret");
    assert!(shows(&server, &["list", "global-secrets"]).contains("package-token"));
    shows(
        &server,
        &[&["delete", "global-secret", "--force"], &one[..]].concat(),
    );
    assert_eq!(
        data(&server, &["list", "global-secrets"])["secrets"],
        json!([])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_is_made_shown_changed_and_deleted() {
    let server = Server::start().await;
    shows(
        &server,
        &["add", "tag", "--name", "Web", "--color", "#EF233C"],
    );
    shows(
        &server,
        &[
            "put",
            "tag",
            "--name",
            "Web",
            "--description",
            "seen by all",
        ],
    );
    shows(
        &server,
        &["patch", "tag", "--tag", "web", "--color", "#123456"],
    );
    let tag = data(&server, &["get", "tag", "--tag", "web"]);
    assert_eq!(
        (&tag["color"], &tag["description"]),
        (&json!("#123456"), &json!("seen by all"))
    );
    assert!(shows(&server, &["list", "tags"]).contains("#123456"));
    shows(&server, &["delete", "tag", "--tag", "web", "--force"]);
    assert_eq!(data(&server, &["list", "tags"])["tags"], json!([]));
}
