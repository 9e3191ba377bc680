//! A database keeps what was overwritten until it needs the room. After secrets were sealed it must not.
//!
//! PostgreSQL has two more places for it than dead rows. `VACUUM FULL` carries dead rows along that an
//! older transaction could still see, whichever table that one reads; a rewrite by `ALTER TABLE` takes
//! the living only. And the planner's statistics are samples of values.

use super::column::{ALL, Column, tables};
use crate::sql::{Database, Postgres};
use crate::{Store, StoreError};

/// Where secrets were before they were sealed.
const PLAIN: [(&str, &str); 2] = [("services", "spec"), ("builds", "request")];

/// How long whoever uses a table is waited for.
const WAIT: &str = "SET lock_timeout = '5s'";

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
    client
        .batch_execute("VACUUM FULL pg_catalog.pg_statistic")
        .await?;
    Ok(())
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
