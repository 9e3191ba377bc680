//! Figures of the whole service for Prometheus, and who may read them.

use crate::harness::{Place, Repository, Server, until};

/// The sample of a series, by its name and labels as they are written.
fn figure(text: &str, series: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(series))?;
    line.trim().parse().ok()
}

async fn scrape(server: &Server) -> String {
    let answer = server.api().with_token("").get("/metrics").await;
    assert_eq!(answer.status, 200);
    answer.body.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_happens_is_counted() {
    let server = Server::start().await;
    let repository = Repository::with_steps("RUN echo counted");
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    let build = place.reaches(&id, "SUCCESS").await;
    let image = build["registry"]["uri"].as_str().unwrap();
    assert!(image.ends_with(&id));
    let text = scrape(&server).await;
    let at_least = |series: &str, least: f64| {
        let found = figure(&text, series);
        assert!(found >= Some(least), "{series}: {found:?}\n{text}");
    };
    at_least("boatyard_info{version=\"0.1.0\"}", 1.0);
    at_least("boatyard_builds{status=\"QUEUED\"}", 0.0);
    at_least("boatyard_builds_running", 0.0);
    at_least(
        "boatyard_builds_concluded_total{status=\"SUCCESS\",reason=\"none\"}",
        1.0,
    );
    at_least("boatyard_build_wait_seconds_count", 1.0);
    at_least(
        "boatyard_build_phase_seconds_count{phase=\"BUILDING\"}",
        1.0,
    );
    at_least(
        "boatyard_build_seconds_bucket{status=\"SUCCESS\",le=\"+Inf\"}",
        1.0,
    );
    at_least("boatyard_registry_bytes_total{direction=\"in\"}", 100_000.0);
    at_least("boatyard_log_bytes_total", 100.0);
    at_least("process_resident_memory_bytes", 1_000_000.0);
    at_least("process_open_fds", 5.0);
    let route = "/v1/projects/{projectId}/services/{serviceId}/build/{buildId}";
    at_least(
        &format!("boatyard_http_requests_total{{route=\"{route}\",method=\"GET\",status=\"200\"}}"),
        1.0,
    );
    // A build's id would be a series for ever.
    assert!(!text.contains(&id), "{text}");
}

#[tokio::test]
async fn where_others_reach_the_server_figures_need_a_token() {
    let mut server = Server::with()
        .env("BOATYARD_METRICS_PUBLIC", false)
        .start()
        .await;
    let nobody = server.api().with_token("");
    nobody.get("/metrics").await.refusal(401);
    nobody
        .with_token("guess")
        .get("/metrics")
        .await
        .refusal(401);
    assert_eq!(server.api().get("/metrics").await.status, 200);
    server.terminate();
    // A public address is an invitation to others.
    server.set("BOATYARD_METRICS_PUBLIC", "true");
    server.set("BOATYARD_PUBLIC_URL", "https://ci.example.com");
    server.launch().await;
    assert_eq!(nobody.get("/metrics").await.status, 200);
}

#[tokio::test]
async fn a_database_that_is_away_shows() {
    let server = Server::start().await;
    let database = server.data_dir().join("boatyard.db");
    let connection = rusqlite::Connection::open(database).unwrap();
    connection
        .execute_batch("ALTER TABLE builds RENAME TO builds_away")
        .unwrap();
    let text = until("the failure to be counted", async || {
        let text = scrape(&server).await;
        figure(&text, "boatyard_database_errors_total{kind=\"refused\"}").map(|_| text)
    })
    .await;
    let queued = figure(&text, "boatyard_builds{status=\"QUEUED\"}");
    assert!(queued.is_some_and(f64::is_nan), "{text}");
    connection
        .execute_batch("ALTER TABLE builds_away RENAME TO builds")
        .unwrap();
}
