//! The database behind the store's back.

/// Runs a command.
pub async fn run(url: &str, command: &str) {
    if let Some(path) = sqlite(url) {
        let database = rusqlite::Connection::open(path).unwrap();
        database.execute_batch(command).unwrap();
        return;
    }
    client(url, async |client| {
        client.batch_execute(command).await.unwrap()
    })
    .await;
}

/// Whether a text is anywhere in it: in a file of SQLite's, or a column of PostgreSQL's.
pub async fn holds(url: &str, text: &str) -> bool {
    if let Some(path) = sqlite(url) {
        let folder = std::path::Path::new(path).parent().unwrap();
        let files = std::fs::read_dir(folder).unwrap();
        return files
            .map(|file| std::fs::read(file.unwrap().path()).unwrap())
            .any(|bytes| {
                bytes
                    .windows(text.len())
                    .any(|part| part == text.as_bytes())
            });
    }
    let mut found = false;
    client(url, async |client| {
        let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'";
        for table in client.query(tables, &[]).await.unwrap() {
            let table: String = table.get(0);
            let count = format!("SELECT count(*) FROM {table} t WHERE strpos(t::text, $1) > 0");
            let row = client.query_one(&count, &[&text]).await.unwrap();
            found |= row.get::<_, i64>(0) > 0;
        }
    })
    .await;
    found
}

fn sqlite(url: &str) -> Option<&str> {
    let file = !url.starts_with("postgres");
    file.then(|| url.strip_prefix("sqlite:").unwrap_or(url))
}

async fn client(url: &str, work: impl AsyncFnOnce(&tokio_postgres::Client)) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .unwrap();
    let driver = tokio::spawn(connection);
    work(&client).await;
    drop(client);
    driver.await.unwrap().unwrap();
}
