//! How the databases go about what is asked often: never through the history.

use crate::place::Place;

/// What `EXPLAIN` says, with statistics as they are in a database that has been running.
async fn plan(url: &str, statement: &str) -> String {
    if !url.starts_with("postgres") {
        let path = url.strip_prefix("sqlite:").unwrap_or(url);
        let database = rusqlite::Connection::open(path).unwrap();
        let mut explained = database
            .prepare(&format!("EXPLAIN QUERY PLAN {statement}"))
            .unwrap();
        let steps = explained
            .query_map([], |row| row.get::<_, String>(3))
            .unwrap();
        return steps.map(Result::unwrap).collect::<Vec<_>>().join("\n");
    }
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .unwrap();
    let driver = tokio::spawn(connection);
    client.batch_execute("ANALYZE").await.unwrap();
    let steps = client
        .query(&format!("EXPLAIN {statement}"), &[])
        .await
        .unwrap();
    drop(client);
    driver.await.unwrap().unwrap();
    let steps: Vec<String> = steps.iter().map(|row| row.get(0)).collect();
    steps.join("\n")
}

testkit::for_each_store! {
    async fn what_is_open_is_found_without_the_history(url: &str) {
        let place = Place::new(url).await;
        let first = place.accept().await;
        let ending = store::Ending {
            status: domain::Status::Aborted,
            reason: None,
            message: "enough".into(),
            image: None,
            usage: None,
        };
        place.store.conclude_by_server(&first.uid, None, &ending).await.unwrap();
        place.store.copy_newest_build(&place.service, 20_000).await.unwrap();
        let waiting = place.accept().await;
        let uid = &place.service.uid;
        for condition in [
            &format!("service_uid = '{uid}' AND concluded_at IS NULL ORDER BY number"),
            "concluded_at IS NULL AND status NOT IN ('QUEUED', 'UNSCHEDULABLE')",
            "concluded_at IS NULL AND status = 'QUEUED'",
        ] {
            let plan = plan(url, &format!("SELECT * FROM builds WHERE {condition}")).await;
            // They hold what is open only.
            let small = ["builds_unfinished", "builds_open", "builds_in_phase"];
            let small = small.iter().any(|index| plan.contains(index));
            assert!(small, "{condition}: {plan}");
        }
        let found = place.store.unfinished_builds(uid).await.unwrap();
        assert_eq!(found, [waiting]);
    }
}
