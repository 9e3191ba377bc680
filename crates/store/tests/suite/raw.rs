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

/// Whether a text is anywhere in the database's files, be it in a row, in what is left of one, or in what
/// the database notes of them.
pub async fn remains(url: &str, text: &str) -> bool {
    if sqlite(url).is_some() {
        return holds(url, text).await;
    }
    const FILES: &str = "SELECT count(*)
        FROM pg_database d, LATERAL pg_ls_dir('base/' || d.oid) file
        WHERE d.datname = current_database()
            AND position($1 IN pg_read_binary_file('base/' || d.oid || '/' || file, 0, 1000000000, true)) > 0";
    let mut found = 0;
    client(url, async |client| {
        client.batch_execute("CHECKPOINT").await.unwrap();
        let row = client.query_one(FILES, &[&text.as_bytes()]).await.unwrap();
        found = row.get::<_, i64>(0);
    })
    .await;
    found > 0
}

/// Runs a command and leaves what it began open for as long as the work takes.
pub async fn during(url: &str, command: &str, work: impl AsyncFnOnce()) {
    if let Some(path) = sqlite(url) {
        let database = rusqlite::Connection::open(path).unwrap();
        database.execute_batch(command).unwrap();
        return work().await;
    }
    client(url, async |client| {
        client.batch_execute(command).await.unwrap();
        work().await;
    })
    .await;
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
