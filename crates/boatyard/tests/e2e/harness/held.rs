//! A database that nobody else can write to for a while.

/// It, until it is let go.
pub enum HeldDatabase {
    Sqlite { _transaction: rusqlite::Connection },
    Postgres(tokio_postgres::Client, tokio::task::JoinHandle<()>),
}

impl HeldDatabase {
    /// Takes hold of the database: facts about the whole store can be read, and not written.
    pub async fn at(url: &str) -> HeldDatabase {
        if !url.starts_with("postgres") {
            let database = rusqlite::Connection::open(url).unwrap();
            database.execute_batch("BEGIN IMMEDIATE").unwrap();
            return HeldDatabase::Sqlite {
                _transaction: database,
            };
        }
        let connected = tokio_postgres::connect(url, tokio_postgres::NoTls).await;
        let (client, connection) = connected.unwrap();
        let driver = tokio::spawn(async move { connection.await.unwrap() });
        let hold = "BEGIN; LOCK TABLE facts IN EXCLUSIVE MODE";
        client.batch_execute(hold).await.unwrap();
        HeldDatabase::Postgres(client, driver)
    }

    /// Lets others write again.
    pub async fn let_go(self) {
        if let HeldDatabase::Postgres(client, driver) = self {
            drop(client);
            driver.await.unwrap();
        }
    }
}
