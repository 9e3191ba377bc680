//! Finding builds, what they use, and asking for them again.

use crate::fake::{Fake, build};
use crate::person::Person;
use serde_json::json;

#[tokio::test]
async fn lists_are_filtered_by_the_server() {
    let fake = Fake::start().await;
    fake.change(|world| world.builds = vec![build(1)]);
    Person::at(&fake)
        .types(
            "boatyard list builds -p shop -s web --status FAILURE --branch feature/x --sha 12c15e7 \
             --created-after 2026-11-24 --created-before 1795507272",
        )
        .await
        .well();
    assert_eq!(
        fake.calls(),
        [
            "GET /v1/projects/shop/services/web/build?status=FAILURE&branch=feature%2Fx&sha=12c15e7\
          &createdAfter=2026-11-24T00%3A00%3A00Z&createdBefore=2026-11-24T08%3A01%3A12Z"
        ]
    );
}

#[tokio::test]
async fn a_filter_that_nothing_fits_does_not_say_that_nothing_was_built() {
    let fake = Fake::start().await;
    fake.change(|world| world.builds = Vec::new());
    let person = Person::at(&fake);
    let all = person.types("boatyard list builds -p shop -s web").await;
    assert!(all.well().contains("no builds yet"));
    let crashed = "boatyard list builds -p shop -s web --status CRASHED";
    assert_eq!(person.types(crashed).await.well(), "no builds like that\n");
}

#[tokio::test]
async fn what_a_build_uses_is_a_table_by_time() {
    let fake = Fake::start().await;
    let person = Person::at(&fake);
    let line = "boatyard get service build-metrics -p shop -s web -b calm-sea-1 --type cpu --type disk-usage \
                --start 2026-11-24T08:00:00Z --duration 60";
    assert_eq!(
        person.types(line).await.well(),
        "\
TIME                   CPU (vCPU)   MEMORY (MB)
2026-11-24T08:00:01Z   0.25         93.5
2026-11-24T08:00:02Z   1.00         1024
"
    );
    let single = "boatyard get service build-metrics -p shop -s web --timestamp 1795507272";
    person.types(single).await.well();
    let path = "GET /v1/projects/shop/services/web/build-metrics";
    assert_eq!(
        fake.calls(),
        [
            format!(
                "{path}?queryType=range&buildId=calm-sea-1&metricTypes=cpu&metricTypes=diskUsage\
                 &startTime=2026-11-24T08%3A00%3A00Z&duration=60"
            ),
            format!("{path}?queryType=single&timestamp=2026-11-24T08%3A01%3A12Z"),
        ]
    );
}

#[tokio::test]
async fn a_retry_shows_the_new_build() {
    let fake = Fake::start().await;
    fake.change(|world| world.builds = vec![build(1)]);
    let done = Person::at(&fake)
        .types("boatyard retry service build -p shop -s web -b calm-sea-1")
        .await;
    assert!(done.out.contains("joyous-view-6290"), "{}", done.out);
    let path = "POST /v1/projects/shop/services/web/build/calm-sea-1/retry {}";
    assert_eq!(fake.calls(), [path]);
}

#[tokio::test]
async fn one_build_tells_its_phases_its_use_and_its_place_in_line() {
    let fake = Fake::start().await;
    fake.change(|world| {
        let mut waiting = build(2);
        waiting["status"] = json!("QUEUED");
        waiting["concluded"] = json!(false);
        waiting["queue"] = json!({"position": 3, "expectedStart": "2026-11-24T08:06:30.000Z"});
        waiting["retryOf"] = json!("calm-sea-1");
        let mut done = build(1);
        done["phases"] = json!([
            {"status": "QUEUED", "startedAt": "2026-11-24T08:00:00.500Z", "seconds": 0.2},
            {"status": "BUILDING", "startedAt": "2026-11-24T08:00:00.700Z", "seconds": 70.1},
            {"status": "SUCCESS", "startedAt": "2026-11-24T08:01:10.800Z"},
        ]);
        done["metrics"] = json!({"cpu": {"average": 0.451, "peak": 1.0, "unit": "vCPU"}});
        world.builds = vec![waiting, done];
    });
    let person = Person::at(&fake);
    let get = "boatyard get service build -p shop -s web -b";
    let waiting = person.types(&format!("{get} calm-sea-2")).await.well();
    assert!(
        waiting.contains("number 3 in line, may start in 1m 30s\n"),
        "{waiting}"
    );
    assert!(waiting.contains("Retry of   calm-sea-1\n"), "{waiting}");
    let done = person.types(&format!("{get} calm-sea-1")).await.well();
    assert!(done.contains("queued 0.2s, building 1m 10s\n"), "{done}");
    assert!(done.contains("cpu 0.45 (peak 1.00) vCPU\n"), "{done}");
}
