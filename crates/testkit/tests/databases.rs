//! The databases are real, empty, apart from each other, and gone afterwards.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use testkit::{Postgres, Sqlite};

testkit::for_each_store! {
    async fn every_story_has_a_database_of_its_own(url: &str) {
        if !url.starts_with("postgres://") {
            assert!(!std::path::Path::new(url).exists());
            return;
        }
        let client = connect(url).await;
        client.batch_execute("CREATE TABLE t (n BIGINT)").await.unwrap();
    }
}

async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    client
}

#[tokio::test]
async fn a_database_is_gone_with_its_handle() {
    let database = Postgres::shared().database().await;
    let url = database.url().to_owned();
    let client = connect(&url).await;
    drop(database);
    assert!(client.batch_execute("SELECT 1").await.is_err());
    assert!(
        tokio_postgres::connect(&url, tokio_postgres::NoTls)
            .await
            .is_err()
    );

    let database = Sqlite::temp();
    std::fs::write(database.url(), "x").unwrap();
    let path = database.url().to_owned();
    drop(database);
    assert!(!std::path::Path::new(&path).exists());
}
