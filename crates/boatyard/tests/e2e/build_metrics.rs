//! What builds use: measured while they run, kept with them, and only from who holds the build.

use crate::harness::{Gate, HandWorker, Place, Repository, Server, until};
use serde_json::{Value, json};

impl Place {
    /// The metrics of a build.
    async fn metrics(&self, query: &str) -> Value {
        let path = format!("{}/build-metrics?{query}", self.path());
        self.api.get(&path).await.data().clone()
    }
}

/// The values of one metric.
fn values(metrics: &Value, name: &str) -> Vec<f64> {
    let points = metrics[name]["values"][0]["data"].as_array().unwrap();
    let value = |point: &Value| point["value"].as_f64().unwrap();
    points.iter().map(value).collect()
}

fn last(metrics: &Value, name: &str) -> f64 {
    values(metrics, name).last().copied().unwrap_or(0.0)
}

#[tokio::test]
async fn a_build_is_measured_while_it_runs_and_afterwards() {
    let server = Server::start().await;
    let gate = Gate::new();
    let work = "dd if=/dev/zero of=/large bs=1M count=64; \
                i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
    let repository = Repository::with_steps(&gate.step(work, "true"));
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    gate.reached(&place, &id).await;
    let live = until("the build's figures", async || {
        let live = place
            .metrics(&format!("queryType=single&buildId={id}"))
            .await;
        (last(&live, "diskUsage") >= 64.0).then_some(live)
    })
    .await;
    assert_eq!(live["cpu"]["metricInfo"]["metricUnit"], "vCPU");
    assert_eq!(
        live["cpu"]["values"][0]["metadata"]["containerId"],
        id.as_str()
    );
    assert!(last(&live, "memory") > 0.5, "{live:#}");
    gate.open();
    let build = place.reaches(&id, "SUCCESS").await;

    let range = place
        .metrics(&format!("queryType=range&buildId={id}"))
        .await;
    let highest = |name: &str| values(&range, name).into_iter().fold(0.0, f64::max);
    assert_eq!(range["cpu"]["metricInfo"]["metricResolution"], 1);
    assert!(values(&range, "cpu").len() > 1, "{range:#}");
    assert!(highest("cpu") > 0.05, "{range:#}");
    // The layers that were pushed.
    assert!(highest("networkEgress") > 1.0, "{range:#}");
    for (name, unit) in [("cpu", "vCPU"), ("memory", "mb"), ("networkEgress", "kbps")] {
        let figures = &build["metrics"][name];
        let (average, peak) = (figures["average"].as_f64(), figures["peak"].as_f64());
        assert!(Some(0.0) < average && average <= peak, "{build:#}");
        assert!(peak >= Some(highest(name)), "{build:#} {range:#}");
        assert_eq!(figures["unit"], unit);
    }
    let disk = build["metrics"]["diskUsage"]["peak"].as_f64();
    assert!(disk >= Some(64.0), "{build:#}");
}

#[tokio::test]
async fn only_who_holds_the_build_says_what_it_uses() {
    let worker = HandWorker::new();
    let server = worker.served().await;
    let place = Place::new(&server, &Repository::with_steps("")).await;
    let id = place.build().await;
    worker.claims(&server).await;
    let began = 1_700_000_000_000_i64;
    let sample = |second: i64, cpu: u64| json!({"ts": began + second * 1000, "values": [cpu, 2048, 1250, null, null]});
    let first = json!({"samples": [sample(1, 500), sample(2, 1500)]});
    worker.calls(&server, "samples", first.clone()).await.data();
    // An answer got lost.
    worker.calls(&server, "samples", first).await.data();
    let more = json!({"samples": [sample(2, 9999), sample(4, 1000)]});
    worker.calls(&server, "samples", more.clone()).await.data();

    let all = format!("queryType=range&buildId={id}");
    assert_eq!(values(&place.metrics(&all).await, "cpu"), [0.5, 1.5, 1.0]);
    let narrow = format!("{all}&startTime=2023-11-14T22:13:22Z&duration=1&metricTypes=cpu");
    let narrow = place.metrics(&narrow).await;
    assert_eq!(values(&narrow, "cpu"), [1.5]);
    assert_eq!(narrow.as_object().unwrap().len(), 1);
    let then = format!("queryType=single&buildId={id}&timestamp=2023-11-14T22:13:23.999Z");
    let then = place.metrics(&then).await;
    assert_eq!(
        (values(&then, "cpu"), values(&then, "networkIngress")),
        (vec![1.5], vec![10.0])
    );
    assert_eq!(values(&then, "diskUsage"), [0.0; 0]);

    place.abort(&id).await.data();
    worker.calls(&server, "samples", more).await.refusal(410);
    let build = place.get(&id).await;
    let cpu = json!({"average": 1.0, "peak": 1.5, "unit": "vCPU"});
    assert_eq!(build["metrics"]["cpu"], cpu);
    assert_eq!(build["metrics"]["memory"]["peak"], 2.0);
    assert_eq!(build["metrics"]["diskUsage"], Value::Null);
    until("the log to be sealed", async || {
        place
            .lines(&id)
            .await
            .last()?
            .starts_with("==> ABORTED")
            .then_some(())
    })
    .await;
    assert_eq!(values(&place.metrics(&all).await, "cpu"), [0.5, 1.5, 1.0]);

    let path = format!("{}/build-metrics", place.path());
    let wrong = format!("{path}?queryType=single&duration=x&metricTypes=requests&timestamp=now");
    let fields = place.api.get(&wrong).await.fields();
    for field in ["duration", "metricTypes", "timestamp"] {
        assert!(fields.iter().any(|named| named == field), "{fields:?}");
    }
    place
        .api
        .get(&format!("{path}?buildId=none"))
        .await
        .refusal(404);
}
