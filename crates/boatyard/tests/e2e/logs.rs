//! Logs: ranges with filters, in both directions, while the build runs and after; tails.

use crate::harness::{HandWorker, Place, Repository, Server, Tail, until};
use serde_json::{Value, json};

const STEPS: &str = "RUN for i in 1 2 3 4 5 6 7 8 9; do echo line-$i; done";

async fn texts(place: &Place, query: &str) -> Vec<String> {
    let answer = place
        .api
        .get(&format!("{}/build-logs?{query}", place.path()))
        .await;
    let lines = answer.data().as_array().unwrap().clone();
    lines
        .iter()
        .map(|line| line["log"].as_str().unwrap().to_owned())
        .collect()
}

testkit::for_each_store! {
    async fn a_range_is_filtered_limited_and_turned_around(url: &str) {
        let server = Server::with().database(url).start().await;
        let repository = Repository::with_steps(STEPS);
        let place = Place::new(&server, &repository).await;
        let id = place.build().await;
        place.reaches(&id, "SUCCESS").await;
        let printed = r"regexIncludes=^line-%5Cd$";
        let nine = texts(&place, &format!("queryType=range&buildId={id}&{printed}")).await;
        assert_eq!(nine, (1..=9).map(|i| format!("line-{i}")).collect::<Vec<_>>());
        let last = texts(&place, &format!("buildId={id}&{printed}&direction=backward&lineLimit=2")).await;
        assert_eq!(last, ["line-9", "line-8"]);
        let without = texts(&place, &format!("buildId={id}&textNotIncludes=line-")).await;
        assert!(!without.is_empty() && without.iter().all(|line| !line.contains("line-")));
        let newest = texts(&place, "textIncludes=line-3").await;
        assert!(!newest.is_empty(), "without an id, the newest build's");
        let answer = place.api.get(&format!("{}/build-logs?buildId={id}", place.path())).await;
        let lines = answer.data().as_array().unwrap().clone();
        let time = |line: &Value| line["ts"].as_str().unwrap().to_owned();
        assert!(lines.iter().map(time).is_sorted());
        assert_eq!(lines[0]["containerId"], id.as_str());
        let middle = time(&lines[lines.len() / 2]);
        let later = texts(&place, &format!("buildId={id}&startTime={middle}")).await;
        assert!(later.len() < lines.len() && !later.is_empty());
        let none = texts(&place, &format!("buildId={id}&endTime=2020-01-01T00:00:00Z")).await;
        assert!(none.is_empty());
        for bad in ["regexIncludes=(", "startTime=noon", "lineLimit=0", "direction=up",
            "textIncludes=a&textNotIncludes=b", "queryType=guess", "duration=-1"] {
            place.api.get(&format!("{}/build-logs?{bad}", place.path())).await.refusal(400);
        }
    }
}

/// A whole log of many megabytes at once would be too much for server and client.
#[tokio::test]
async fn a_tail_from_the_beginning_comes_in_small_messages() {
    let worker = HandWorker::new();
    let server = worker.served().await;
    let repository = Repository::with_steps("");
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    worker.claims(&server).await;
    let text = "x".repeat(1000);
    let line = |number: usize| format!("{number} {text}");
    for first in (0..5000).step_by(1000) {
        let lines: Vec<_> = (first..first + 1000)
            .map(|number| json!({"ts": 1_700_000_000_000_000_i64, "text": line(number)}))
            .collect();
        let chunk = json!({"first_seq": first, "lines": lines});
        assert_eq!(worker.calls(&server, "logs", chunk).await.status, 200);
    }
    for query in ["startTime=2020-01-01T00:00:00Z", "lineLimit=5000"] {
        let query = format!("buildId={id}&{query}");
        let mut tail = Tail::open(&server, &place, &query, &server.token()).await;
        assert_eq!(tail.verdict().await["auth"], "successful");
        let (mut next, mut largest) = (0, 0);
        while next < 5000 {
            let message = tail.next().await.unwrap();
            largest = largest.max(message.to_string().len());
            for sent in message["data"].as_array().unwrap() {
                assert_eq!(sent["log"], line(next));
                next += 1;
            }
        }
        assert!(largest < 1024 * 1024, "{query}: {largest} bytes at once");
    }
}

/// As when the disk was full when it should have been written.
#[tokio::test]
async fn a_tail_of_a_build_that_left_no_log_ends() {
    let mut server = Server::with()
        .env("BOATYARD_MAX_CONCURRENT_BUILDS", 0)
        .start()
        .await;
    let repository = Repository::with_steps("");
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    place.abort(&id).await.data();
    place.logs(&id, "==> ABORTED").await;
    server.terminate();
    let logs = server.data_dir().join("logs");
    std::fs::remove_dir_all(logs.join("sealed")).unwrap();
    server.launch().await;
    assert!(place.lines(&id).await.is_empty());
    let mut tail = Tail::open(&server, &place, &format!("buildId={id}"), &server.token()).await;
    assert_eq!(tail.verdict().await["auth"], "successful");
    assert!(tail.messages().await.is_empty());
}

testkit::for_each_store! {
    /// Tails come without a token at first, all of them from a proxy's one address.
    async fn tails_are_counted_by_their_tokens(url: &str) {
        let limit = 40;
        let server = Server::with()
            .env("BOATYARD_RATE_LIMIT", limit)
            .env("BOATYARD_MAX_CONCURRENT_BUILDS", 0)
            .database(url)
            .start()
            .await;
        let repository = Repository::with_steps("");
    let place = Place::new(&server, &repository).await;
        let id = place.build().await;
        let query = format!("buildId={id}");
        let guess = place.api.with_token("boatyard_guess");
        for _ in 0..limit {
            guess.get("/v1/login").await.refusal(401);
            let mut tail = Tail::open(&server, &place, &query, "boatyard_guess").await;
            assert_eq!(tail.verdict().await["auth"], "failed");
        }
        guess.get("/v1/login").await.refusal(429);
        let mut opened = 0;
        let refused = until("the token's window to be used up", async || {
            let mut tail = Tail::open(&server, &place, &query, &server.token()).await;
            let verdict = tail.verdict().await;
            if verdict["auth"] == "successful" {
                opened += 1;
                return None;
            }
            Some(verdict["message"].as_str().unwrap().to_owned())
        })
        .await;
        // The rest of the window went to making the place.
        assert!(opened > limit / 2, "{opened}");
        assert_eq!(refused, "More than 40 requests an hour. Try again later.");
        place.api.get("/v1/login").await.refusal(429);
    }
}
