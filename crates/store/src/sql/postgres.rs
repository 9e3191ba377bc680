//! PostgreSQL: pooled connections, prepared statements, real row locks.

use super::{Row, Value};
use crate::StoreError;
use deadpool_postgres::{
    ClientWrapper, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime,
};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Config, NoTls};

/// A pooled connection.
pub(crate) type Client = Object;

const CONNECTIONS: usize = 16;
const WAIT: std::time::Duration = std::time::Duration::from_secs(10);
/// Any number will do, as long as every server uses the same one.
const MIGRATION_LOCK: i64 = 0x0b0a_72a2d;

pub(crate) struct Postgres {
    config: Box<Config>,
    pool: Pool,
}

impl Postgres {
    pub(crate) async fn open(url: &str) -> Result<(Self, refinery::Report), StoreError> {
        let config: Config = url.parse()?;
        let manager = Manager::from_config(
            config.clone(),
            NoTls,
            ManagerConfig {
                recycling_method: RecyclingMethod::Fast,
            },
        );
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(WAIT))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|e| StoreError::corrupt(e.to_string()))?;
        let config = Box::new(config);
        let postgres = Postgres { config, pool };
        let report = postgres.migrate().await?;
        Ok((postgres, report))
    }

    /// How it is reached.
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Two servers may start at once: one migrates, the other waits and finds it done.
    async fn migrate(&self) -> Result<refinery::Report, StoreError> {
        let mut client = self.client().await?;
        client
            .execute("SELECT pg_advisory_lock($1)", &[&MIGRATION_LOCK])
            .await?;
        let report = {
            let raw: &mut tokio_postgres::Client = &mut client;
            crate::migrate::runner().run_async(raw).await
        };
        client
            .execute("SELECT pg_advisory_unlock($1)", &[&MIGRATION_LOCK])
            .await?;
        Ok(report?)
    }

    pub(crate) async fn client(&self) -> Result<Client, StoreError> {
        Ok(self.pool.get().await?)
    }

    /// A connection outside the pool, which ends when it is dropped: what is set on it concerns nobody else.
    pub(crate) async fn client_apart(&self) -> Result<ClientWrapper, StoreError> {
        Ok(Object::take(self.client().await?))
    }

    pub(crate) async fn begin(&self) -> Result<Transaction, StoreError> {
        let client = self.client().await?;
        client.batch_execute("BEGIN").await?;
        Ok(Transaction {
            client: Some(client),
        })
    }
}

/// A connection inside a transaction. Dropped without a commit, the connection is closed, which
/// rolls back: a connection with an open transaction must not go back to the pool.
pub(crate) struct Transaction {
    client: Option<Client>,
}

impl Transaction {
    #[allow(
        clippy::expect_used,
        reason = "taken only by commit, which consumes self, and drop"
    )]
    pub(crate) fn client(&self) -> &Client {
        self.client
            .as_ref()
            .expect("a transaction keeps its connection until it ends")
    }

    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        self.client().batch_execute("COMMIT").await?;
        drop(self.client.take());
        Ok(())
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            drop(Object::take(client));
        }
    }
}

pub(crate) async fn rows<T>(
    client: &Client,
    sql: &str,
    params: &[Value],
    mut map: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let statement = client.prepare_cached(sql).await?;
    let rows = client.query(&statement, &borrow(params)).await?;
    rows.iter().map(|row| map(&Row::Postgres(row))).collect()
}

pub(crate) async fn execute(
    client: &Client,
    sql: &str,
    params: &[Value],
) -> Result<u64, StoreError> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.execute(&statement, &borrow(params)).await?)
}

fn borrow(params: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    params
        .iter()
        .map(|value| value as &(dyn ToSql + Sync))
        .collect()
}
