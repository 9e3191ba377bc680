//! What may be a secret stays where it belongs: build arguments are for the build alone.

use crate::harness::{Gate, Place, Repository, Server};
use serde_json::json;

/// Every process of the machine whose arguments have this text.
fn processes_that_show(text: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").unwrap();
    let lines = entries.filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok());
    lines
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(text))
        .collect()
}

#[tokio::test]
async fn a_build_argument_is_in_no_process_arguments_and_no_log() {
    // In two halves, so that this test's own text is not what is found.
    let secret = |name: &str| ["hush", name].join("-");
    let (one, two, three) = (secret("service"), secret("call"), secret("docker"));
    let server = Server::with().env("RUST_LOG", "trace").start().await;
    let gate = Gate::new();
    let check = "[ ${#NPM_TOKEN} = 12 ] && [ ${#DEPLOY_KEY} = 9 ] && \
                 [ ${#DOCKER_PASSWORD} = 11 ] && echo all arrived";
    let step = gate.step(check, "true");
    let repository = Repository::with_steps(&format!(
        "ARG NPM_TOKEN\nARG DEPLOY_KEY\nARG DOCKER_PASSWORD\n{step}"
    ));
    let arguments = json!({"buildArguments": {"NPM_TOKEN": one, "DOCKER_PASSWORD": three}});
    let place = Place::named(&server, "shop", "web", &repository, arguments).await;
    let body = json!({"branch": "main", "overrides": {"buildArguments": {"DEPLOY_KEY": two}}});
    let id = place.start(body).await;
    gate.reached(&place, &id).await;
    for secret in [&one, &two, &three] {
        assert_eq!(processes_that_show(secret), Vec::<String>::new());
    }
    gate.open();
    place.reaches(&id, "SUCCESS").await;
    let log = place.lines(&id).await;
    assert!(log.contains(&"all arrived".to_owned()), "{log:#?}");
    for secret in [&one, &two, &three] {
        assert!(
            !log.iter().any(|line| line.contains(secret.as_str())),
            "{log:#?}"
        );
        assert!(!server.log().contains(secret.as_str()), "the server's log");
    }
}
