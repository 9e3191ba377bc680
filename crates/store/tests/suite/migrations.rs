//! Migrations go forward only, and a history that is not this program's stops it.

use store::{Store, StoreError};

/// Runs a command on the database behind the store's back.
async fn run(url: &str, command: &str) {
    if !url.starts_with("postgres") {
        let path = url.strip_prefix("sqlite:").unwrap_or(url);
        let database = rusqlite::Connection::open(path).unwrap();
        database.execute_batch(command).unwrap();
        return;
    }
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .unwrap();
    let driver = tokio::spawn(connection);
    client.batch_execute(command).await.unwrap();
    drop(client);
    driver.await.unwrap().unwrap();
}

async fn refused(url: &str) -> String {
    match Store::open(url).await {
        Err(error @ StoreError::Migration(_)) => error.to_string(),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was opened"),
    }
}

testkit::for_each_store! {
    async fn a_migration_that_was_changed_after_it_ran_is_refused(url: &str) {
        drop(Store::open(url).await.unwrap());
        drop(Store::open(url).await.unwrap());
        run(url, "UPDATE refinery_schema_history SET checksum = '1' WHERE version = 1").await;
        let message = refused(url).await;
        assert!(message.contains("foundation"), "{message}");
    }

    async fn a_database_of_a_newer_program_is_refused(url: &str) {
        drop(Store::open(url).await.unwrap());
        run(url, "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) \
            VALUES (99, 'tomorrow', '2030-01-01T00:00:00Z', '1')").await;
        let message = refused(url).await;
        assert!(message.contains("tomorrow"), "{message}");
    }
}
