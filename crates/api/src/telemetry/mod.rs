//! Figures of the whole service for Prometheus, at `/metrics`. Each room counts what it does through
//! the `metrics` facade; here is what is counted, in words, and where it is read. No figure is by
//! build, project or token: a series for each would stay for ever, and would tell who builds what.

mod http;
mod scrape;

pub(crate) use http::record;
pub(crate) use scrape::scrape;

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Bounds of requests' latencies, in seconds.
const REQUESTS: [f64; 11] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0,
];
/// Bounds of what takes as long as builds do, in seconds.
const BUILDS: [f64; 13] = [
    0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 3600.0, 7200.0,
];
/// How often what was counted is put together, so that it takes no room until somebody looks.
const UPKEEP: Duration = Duration::from_secs(5);

/// The figures of this process.
#[derive(Clone)]
pub struct Telemetry {
    figures: PrometheusHandle,
    process: Collector,
}

impl Telemetry {
    /// Counts everything in this process from now on. Once a process.
    ///
    /// # Errors
    /// When something counts already.
    pub fn install() -> Result<Telemetry, BuildError> {
        let http = Matcher::Full("boatyard_http_request_seconds".to_owned());
        let figures = PrometheusBuilder::new()
            .set_buckets(&BUILDS)?
            .set_buckets_for_metric(http, &REQUESTS)?
            .install_recorder()?;
        let process = Collector::default();
        process.describe();
        describe();
        metrics::gauge!("boatyard_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
        Ok(Telemetry { figures, process })
    }

    /// Keeps what was counted small, until `stop`.
    pub async fn keep(self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(UPKEEP);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => self.figures.run_upkeep(),
            }
        }
    }

    /// Everything, in Prometheus' text format.
    fn render(&self) -> String {
        self.process.collect();
        self.figures.render()
    }
}

fn describe() {
    let bytes = Unit::Bytes;
    let seconds = Unit::Seconds;
    describe_gauge!("boatyard_info", "The version of the server; always 1");
    describe_gauge!("boatyard_builds", "Builds that are not over, by status");
    describe_gauge!("boatyard_builds_running", "Builds that a worker has");
    describe_gauge!(
        "boatyard_builds_longest_seconds",
        seconds,
        "How long the oldest build in a status has been in it; of QUEUED the longest wait"
    );
    describe_counter!(
        "boatyard_builds_concluded_total",
        "Builds that ended, by status and reason"
    );
    describe_histogram!(
        "boatyard_build_wait_seconds",
        seconds,
        "From the acceptance of a build until a worker took it"
    );
    describe_histogram!(
        "boatyard_build_phase_seconds",
        seconds,
        "How long builds were in a status"
    );
    describe_histogram!(
        "boatyard_build_seconds",
        seconds,
        "From a worker's taking a build to its end, by how it ended"
    );
    describe_counter!(
        "boatyard_http_requests_total",
        "Requests, by route, method and status"
    );
    describe_histogram!(
        "boatyard_http_request_seconds",
        seconds,
        "Until the answer began, by route and method"
    );
    describe_counter!(
        "boatyard_registry_bytes_total",
        bytes,
        "Content of blobs that the registry got (in) or gave (out)"
    );
    describe_counter!(
        "boatyard_repository_looks_total",
        "Looks at repositories for new commits, by how they went"
    );
    describe_counter!("boatyard_log_bytes_total", bytes, "Text of build logs");
    describe_counter!(
        "boatyard_database_errors_total",
        "Failures of the database, by kind"
    );
}
