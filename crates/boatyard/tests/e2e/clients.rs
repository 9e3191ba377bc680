//! The published clients are the judges: the JavaScript client and the command line, unmodified.

use crate::harness::{Repository, Server};
use std::path::Path;
use std::process::Command;

/// Runs node's tests in a folder of the repository against a server.
fn judge(folder: &str, scripts: &[&str], server: &Server, repository: &Repository) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(folder);
    assert!(
        folder.join("node_modules").is_dir(),
        "run `make node-tests` first"
    );
    let output = Command::new("node")
        .args(["--test", "--test-reporter=spec", "--test-timeout=300000"])
        .args(scripts)
        .current_dir(&folder)
        .env("BOATYARD_HOST", server.url())
        .env("BOATYARD_TOKEN", server.token())
        .env("BOATYARD_REPOSITORY", repository.url())
        .env(
            "BOATYARD_CONTRACT",
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract/endpoints.json"),
        )
        .env("HOME", server.scratch())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Where the published clients are.
const PUBLISHED: &str = "tests/clients";
/// Where ours is.
const OURS: &str = "clients/typescript";

testkit::for_each_store! {
    async fn the_javascript_client_drives_a_build_from_nothing_to_an_image(url: &str) {
        let server = Server::with().database(url).start().await;
        let steps = "RUN for i in 1 2 3; do echo tick $i; sleep 0.2; done; \
            if [ -n \"$LASTING\" ]; then echo it lasts; sleep 1000000; fi";
        let repository = Repository::with_steps(&format!("ARG LASTING\n{steps}"));
        judge(PUBLISHED, &["js-client.test.mjs"], &server, &repository);
    }

    async fn the_javascript_client_makes_every_call(url: &str) {
        let server = Server::with().database(url).start().await;
        let repository = Repository::with_dockerfile(
            "FROM scratch AS last\nCOPY busybox /bin/busybox\n\
             RUN [\"/bin/busybox\", \"--install\", \"-s\", \"/bin\"]\n\
             ARG WORD\nARG SHARED\nARG SECONDS=0\n\
             RUN --mount=type=secret,id=token echo built for every call; \
                 echo word=$WORD shared=$SHARED; sleep $SECONDS; \
                 if [ -f /run/secrets/token ]; then \
                 echo $(wc -c < /run/secrets/token) letters of the token; fi\n",
        );
        judge(PUBLISHED, &["every-call.test.mjs"], &server, &repository);
    }

    async fn the_command_line_drives_a_build_from_nothing_to_an_image(url: &str) {
        let server = Server::with().database(url).start().await;
        let steps = "RUN echo built by the published command line; \
            if [ -n \"$LASTING\" ]; then echo it lasts; sleep 1000000; fi";
        let repository = Repository::with_steps(&format!("ARG LASTING\n{steps}"));
        judge(PUBLISHED, &["cli.test.mjs"], &server, &repository);
    }
}

#[tokio::test]
async fn our_typescript_client_drives_a_build_in_node_and_as_a_browser_has_it() {
    let server = Server::start().await;
    let steps = "RUN echo built for the typed client; \
        if [ -n \"$LASTING\" ]; then echo it lasts; sleep 1000000; fi";
    let repository = Repository::with_steps(&format!("ARG LASTING\n{steps}"));
    let scripts = ["test/client.test.mjs", "test/browser.test.mjs"];
    judge(OURS, &scripts, &server, &repository);
}

#[tokio::test]
async fn what_the_published_rules_refuse_is_refused_by_name() {
    let server = Server::with()
        .env("BOATYARD_MAX_CONCURRENT_BUILDS", 0)
        .start()
        .await;
    let repository = Repository::with_steps("");
    judge(PUBLISHED, &["validation.test.mjs"], &server, &repository);
}
