//! The record of changes in the server's log: who did what, where, and how it ended.

use crate::harness::{HandWorker, Place, Repository, Server, until};
use serde_json::{Value, json};

/// The lines of the record so far that are about this call.
fn lines(server: &Server, call: &str) -> Vec<String> {
    let call = format!("call=\"{call}\"");
    let log = server.log();
    let mut lines: Vec<_> = log
        .lines()
        .filter(|line| line.contains(" audit: "))
        .collect();
    lines.retain(|line| line.contains(&call));
    lines.into_iter().map(str::to_owned).collect()
}

fn says(line: &str, words: &[&str]) {
    for word in words {
        assert!(line.contains(word), "{word}: {line}");
    }
}

#[tokio::test]
async fn every_change_is_on_the_record_and_every_one_that_was_refused() {
    let server = Server::start().await;
    let place = Place::new(&server, &Repository::with_steps("")).await;
    let path = "/v1/projects/shop/services/build/web";
    let patch = |body: Value| ("PATCH", path, Some(body));
    let (method, path, body) = patch(json!({"buildArguments": {"PASSWORD": "hush-hush"}}));
    place.api.call(method, path, body.clone()).await.data();
    let reader = server.api_with(&["--name", "night watch", "--role", "viewer"]);
    reader.call(method, path, body.clone()).await.refusal(403);
    place
        .api
        .with_token("")
        .call(method, path, body.clone())
        .await
        .refusal(401);
    let nowhere = "/v1/projects/shop/services/build/none";
    place.api.call(method, nowhere, body).await.refusal(404);
    place
        .api
        .call(method, path, Some(json!({"name": "other"})))
        .await
        .refusal(400);
    let recorded = lines(&server, "patch.service.build");
    let [done, lacking, nobody, missing, wrong] = &recorded[..] else {
        panic!("{recorded:#?}");
    };
    let here = ["project=\"shop\"", "service=\"web\"", "address=127.0.0.1"];
    says(
        done,
        &[" done ", "status=200", "team=\"default\"", "token_name="],
    );
    says(
        lacking,
        &[
            " refused ",
            "status=403",
            "error=\"forbidden\"",
            "token_name=\"night watch\"",
        ],
    );
    says(
        nobody,
        &[" refused ", "status=401", "error=\"unauthorized\""],
    );
    assert!(!nobody.contains("token"), "{nobody}");
    says(missing, &["status=404", "service=\"none\""]);
    says(wrong, &["status=400", "error=\"invalid-request\""]);
    for line in [done, lacking, nobody, wrong] {
        says(line, &here);
    }
    assert!(
        !server.log().contains("hush-hush"),
        "what was sent is nobody's business"
    );

    place.api.get(&place.path()).await.data();
    assert!(
        lines(&server, "get.service").is_empty(),
        "a look changes nothing"
    );
    let tag = "/v1/teams/default/tags/line%0Abreak";
    place.api.call("DELETE", tag, None).await.refusal(404);
    let recorded = lines(&server, "delete.tag");
    says(&recorded[0], &["team=\"default\"", "item=\"line\\nbreak\""]);
}

#[tokio::test]
async fn lines_about_builds_say_whose_they_are() {
    let worker = HandWorker::new();
    let server = Server::with()
        .env("BOATYARD_WORKER_PROGRAM", worker.program())
        .start()
        .await;
    let place = Place::new(&server, &Repository::with_steps("")).await;
    let build = place.build().await;
    worker.claims(&server).await;
    let failure = json!({"status": "FAILURE", "reason": "step_failed", "message": "A step failed"});
    worker.calls(&server, "conclude", failure).await;
    for what in ["a worker took the build", "a build concluded"] {
        let line = until(what, async || {
            let log = server.log();
            log.lines()
                .find(|line| line.contains(what))
                .map(str::to_owned)
        });
        let build = format!("build={build}");
        says(&line.await, &["project=shop", "service=web", &build]);
    }
}
