//! A database keeps what was overwritten until it needs the room. After secrets were sealed it must not.
//!
//! PostgreSQL has two more places for it than dead rows. `VACUUM FULL` carries dead rows along that an
//! older transaction could still see, whichever table that one reads; a rewrite by `ALTER TABLE` takes
//! the living only. And the planner's statistics are samples of values.

use super::column::{ALL, Column, tables};
use crate::sql::{Database, Postgres};
use crate::{Store, StoreError};
use std::time::Duration;
use tokio_postgres::Client;

/// Where secrets were before they were sealed.
const PLAIN: [(&str, &str); 2] = [("services", "spec"), ("builds", "request")];

/// How long whoever uses a table is waited for.
const WAIT: &str = "SET lock_timeout = '5s'";

/// How long transactions that write are waited for, and how often is looked.
const WRITERS: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

impl Store {
    /// Writes the tables with secrets anew, without anything that was deleted or overwritten.
    pub(super) async fn compact(&self) -> Result<(), StoreError> {
        match &*self.db {
            Database::Sqlite(db) => db.compact().await,
            Database::Postgres(db) => rewrite(db).await,
        }
    }

    /// Keeps what is sealed out of the planner's statistics, which nothing ever rewrites.
    pub(crate) async fn take_no_samples(&self) -> Result<(), StoreError> {
        let Database::Postgres(db) = &*self.db else {
            return Ok(());
        };
        let commands: Vec<_> = tables().into_iter().map(unsampled).collect();
        Ok(db
            .client()
            .await?
            .batch_execute(&commands.join(";"))
            .await?)
    }
}

async fn rewrite(db: &Postgres) -> Result<(), StoreError> {
    let client = db.client_apart().await?;
    client.batch_execute(WAIT).await?;
    for table in tables() {
        // One by one, so that what is there twice meanwhile is no more than a table; the two commands are
        // one transaction.
        let commands = format!("{}; {}", unsampled(table), anew(table));
        client.batch_execute(&commands).await?;
    }
    // The samples that were there are dead rows now. An operator who does not own the database keeps
    // them until it is vacuumed: PostgreSQL warns then, and does not fail.
    older_ones_ended(&client).await?;
    client
        .batch_execute("VACUUM FULL pg_catalog.pg_statistic")
        .await?;
    Ok(())
}

/// Waits for the transactions that write and were there before, in other databases of the server, too:
/// `VACUUM FULL` sees the dead rows by a snapshot of its own, and that is as old as the oldest of these.
async fn older_ones_ended(client: &Client) -> Result<(), StoreError> {
    let now = "SELECT pg_current_xact_id()::text::bigint";
    let now: i64 = client.query_one(now, &[]).await?.get(0);
    let oldest = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint";
    let all_ended = async {
        while client.query_one(oldest, &[]).await?.get::<_, i64>(0) <= now {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(())
    };
    let waited = tokio::time::timeout(WRITERS, all_ended).await;
    let too_long = || {
        StoreError::Unavailable(
            "a transaction on its server, in this database or another, does not end".to_owned(),
        )
    };
    waited.unwrap_or_else(|_| Err(too_long()))
}

/// The command that rewrites a table and drops the samples of its secrets: a column whose values are
/// computed anew is written anew, with all of its table.
fn anew(table: &str) -> String {
    let plain = PLAIN.iter().filter(|(of, _)| *of == table);
    let columns = sealed(table)
        .map(|column| column.column)
        .chain(plain.map(|(_, column)| *column))
        .map(|column| format!("ALTER COLUMN {column} TYPE TEXT USING {column} || ''"));
    format!(
        "ALTER TABLE {table} {}",
        columns.collect::<Vec<_>>().join(", ")
    )
}

fn unsampled(table: &str) -> String {
    let columns =
        sealed(table).map(|column| format!("ALTER COLUMN {} SET STATISTICS 0", column.column));
    format!(
        "ALTER TABLE {table} {}",
        columns.collect::<Vec<_>>().join(", ")
    )
}

fn sealed(table: &str) -> impl Iterator<Item = &'static Column> {
    ALL.into_iter().filter(move |column| column.table == table)
}
