//! Logs: ranges, whole logs, and tails that survive.

use crate::fake::{Fake, build};
use crate::person::Person;
use serde_json::{Value, json};

const LOGS: &str = "boatyard get service build-logs -p shop -s web";

fn numbered(range: impl Iterator<Item = usize>) -> String {
    range.map(|n| format!("line {n}\n")).collect()
}

async fn fake_with(lines: usize) -> Fake {
    let fake = Fake::start().await;
    fake.change(|world| world.builds = vec![build(1)]);
    for n in 1..=lines {
        fake.writes(&format!("line {n}"));
    }
    fake
}

#[tokio::test]
async fn without_a_build_the_newest_ones_whole_log_is_shown() {
    let fake = fake_with(12_000).await;
    let done = Person::at(&fake).types(LOGS).await;
    assert_eq!(done.err, "the newest build: calm-sea-1 (SUCCESS)\n");
    assert_eq!(done.well(), numbered(1..=12_000));
}

#[tokio::test]
async fn the_empty_log_of_a_build_that_waits_comes_with_the_reason() {
    let fake = fake_with(0).await;
    let held = json!({ "concluded": false, "message": "no machine is so large" });
    fake.moves("UNSCHEDULABLE", held);
    let done = Person::at(&fake).types(LOGS).await;
    let note = "the newest build: calm-sea-1 (UNSCHEDULABLE: no machine is so large)\n";
    assert_eq!(done.err, note);
}

/// A log with so many lines of one moment, and two later ones.
async fn crowded(lines: usize) -> String {
    let fake = fake_with(0).await;
    fake.change(|world| {
        for n in 1..=lines + 2 {
            let second = if n <= lines { 2 } else { 3 };
            let ts = format!("2026-11-24T08:00:0{second}Z");
            let line = json!({ "containerId": "c", "log": format!("line {n}"), "ts": ts });
            world.log.push(line);
        }
    });
    Person::at(&fake).types(LOGS).await.well()
}

#[tokio::test]
async fn a_moment_with_more_lines_than_a_page_does_not_stop_the_reader() {
    assert_eq!(crowded(7000).await, numbered(1..=7002));
    // The server gives at most 10,000 lines at once, so 100 of this moment are out of reach.
    let shown = crowded(10_100).await;
    assert_eq!(shown.lines().count(), 10_002);
    assert!(shown.ends_with("line 10102\n"));
}

#[tokio::test]
async fn the_last_lines_come_in_reading_order() {
    let fake = fake_with(30).await;
    let person = Person::at(&fake);
    let last = person
        .types(&format!("{LOGS} -b calm-sea-1 --lines 3"))
        .await
        .well();
    assert_eq!(last, numbered(28..=30));
    let first = person
        .types(&format!("{LOGS} -b calm-sea-1 -l 2 --direction forward"))
        .await
        .well();
    assert_eq!(first, numbered(1..=2));
    let newest = person
        .types(&format!("{LOGS} -b calm-sea-1 -l 2 -d backward"))
        .await
        .well();
    assert_eq!(newest, "line 30\nline 29\n");
}

#[tokio::test]
async fn ranges_and_filters_reach_the_server_as_the_contract_names_them() {
    let fake = fake_with(3).await;
    let person = Person::at(&fake);
    let line = format!("{LOGS} --since 10m --end 2026-11-24T08:30:00Z --text-includes 2");
    assert_eq!(person.types(&line).await.well(), "line 2\n");
    assert_eq!(
        fake.calls().pop().unwrap(),
        "GET /v1/projects/shop/services/web/build-logs?queryType=range\
         &buildId=calm-sea-1&startTime=2026-11-24T07%3A55%3A00Z&endTime=2026-11-24T08%3A30%3A00Z\
         &direction=forward&textIncludes=2"
    );
}

#[tokio::test]
async fn programs_get_objects() {
    let fake = fake_with(2).await;
    let person = Person::at(&fake);
    let range = person
        .types(&format!("{LOGS} -b calm-sea-1 -o json"))
        .await
        .well();
    let range: Vec<Value> = serde_json::from_str(&range).unwrap();
    assert_eq!((range.len(), &range[1]["log"]), (2, &json!("line 2")));
    let tail = person
        .types(&format!("{LOGS} -b calm-sea-1 --tail -o json"))
        .await
        .well();
    let tail: Vec<Value> = tail
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(tail, range);
    let yaml = person
        .types(&format!("{LOGS} -b calm-sea-1 --tail -o yaml"))
        .await
        .well();
    let yaml: Vec<Value> = serde_saphyr::from_str(&yaml).unwrap();
    assert_eq!(yaml, range);
    let stamped = person
        .types(&format!("{LOGS} -b calm-sea-1 -t"))
        .await
        .well();
    assert!(
        stamped.starts_with("2026-11-24T08:00:01.000Z line 1\n"),
        "{stamped}"
    );
}

#[tokio::test]
async fn a_tail_follows_until_the_build_concludes() {
    let fake = fake_with(20).await;
    fake.moves("BUILDING", json!({ "concluded": false }));
    let person = Person::at(&fake);
    let line = format!("{LOGS} --tail");
    let (done, ()) = tokio::join!(person.types(&line), async {
        fake.until(|world| {
            world
                .calls
                .iter()
                .any(|call| call.contains("queryType=tail"))
        })
        .await;
        fake.writes("line 21");
        fake.writes("line 22");
        fake.moves("SUCCESS", json!({ "concluded": true }));
    });
    let shown = done.well();
    assert!(shown.starts_with("line 1"), "{shown}");
    assert!(shown.ends_with("line 21\nline 22\n"), "{shown}");
}

#[tokio::test]
async fn a_dropped_tail_goes_on_without_repeating_or_losing_a_line() {
    let fake = fake_with(5).await;
    fake.moves("BUILDING", json!({ "concluded": false }));
    fake.change(|world| world.breaks.extend([3, 1, 0, 2]));
    let person = Person::at(&fake);
    let line = format!("{LOGS} -b calm-sea-1 --tail --lines 5");
    let (done, ()) = tokio::join!(person.types(&line), async {
        let tails = |count: usize| {
            let fake = &fake;
            async move {
                let is_tail = |call: &&String| call.contains("queryType=tail");
                fake.until(|world| world.calls.iter().filter(is_tail).count() >= count)
                    .await;
            }
        };
        for round in 2..=5 {
            tails(round).await;
            for n in 0..4 {
                fake.writes(&format!("line {}", 6 + (round - 2) * 4 + n));
            }
        }
        fake.moves("FAILURE", json!({ "concluded": true }));
    });
    assert_eq!(done.well(), numbered(1..=21));
}

#[tokio::test]
async fn a_tail_with_a_wrong_token_says_so() {
    let fake = fake_with(1).await;
    let client = cli::Client::new(&fake.host(), "stolen").unwrap();
    let path = cli::BuildPath {
        project: "shop".into(),
        service: "web".into(),
        build: "calm-sea-1".into(),
    };
    let mut tail = client.tail(path, cli::TailOptions::default());
    let error = tail.next().await.unwrap().unwrap_err();
    assert_eq!(error.api().map(|e| e.status), Some(401));
    assert_eq!(error.to_string(), "bad token");
    assert!(tail.next().await.is_none());
}

#[tokio::test]
async fn a_service_without_builds_leads_to_the_first_one() {
    let fake = Fake::start().await;
    let text = Person::at(&fake).types(LOGS).await.failed();
    assert!(text.contains("has no builds yet"), "{text}");
    assert!(
        text.contains("boatyard start service build --project shop --service web"),
        "{text}"
    );
}
