//! The README's tour works as it is written.

use crate::harness::{Repository, Server};
use std::process::Command;

const README: &str = include_str!("../../../../README.md");

/// The shell blocks of the tour, from the second terminal on; the first starts the server.
fn tour() -> String {
    let (_, tour) = README.split_once("In a second terminal").unwrap();
    let (tour, _) = tour.split_once("**From another machine**").unwrap();
    let blocks: Vec<&str> = tour
        .split("```sh\n")
        .skip(1)
        .map(|block| block.split_once("```").unwrap().0)
        .collect();
    assert_eq!(blocks.len(), 2, "{tour}");
    blocks.concat()
}

#[tokio::test]
async fn the_tour_works_as_written() {
    let server = Server::start().await;
    let repository = Repository::with_steps("RUN echo touring");
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_boatyard"));
    // What a tour in a test cannot take from the README: whose repository, which port, and that
    // the image is fetched without a Docker daemon.
    let replaced = [
        (
            "export PATH=\"$PWD/target/release:$PATH\"".to_owned(),
            format!(
                "export PATH=\"{}:$PATH\"",
                program.parent().unwrap().display()
            ),
        ),
        ("https://github.com/you/web".to_owned(), repository.url()),
        (
            "docker pull 127.0.0.1:8484/".to_owned(),
            format!(
                "skopeo inspect --tls-verify=false docker://{}/",
                server.host()
            ),
        ),
    ];
    let mut script = format!("set -e\n{}", tour());
    for (written, here) in replaced {
        assert!(script.contains(&written), "the README has no {written:?}");
        script = script.replace(&written, &here);
    }
    let output = Command::new("sh")
        .args(["-c", &script])
        .env("BOATYARD_HOST", server.url())
        .env("BOATYARD_DATA_DIR", server.data_dir())
        .env_remove("BOATYARD_TOKEN")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}\n{said}\n{errors}");
    assert!(
        said.contains("touring") && said.contains("SUCCESS"),
        "{said}"
    );
    assert!(said.contains("\"Digest\": \"sha256:"), "{said}");
}
