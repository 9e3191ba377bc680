//! One small SQL door over two databases. Statements are written once, with `$1, $2 …`; each
//! backend binds them its own way. Nothing outside this crate sees either driver, and nothing that
//! comes from outside becomes part of a statement.

mod postgres;
mod row;
mod sqlite;
mod value;

pub(crate) use postgres::Postgres;
pub(crate) use row::Row;
pub(crate) use sqlite::Sqlite;
pub(crate) use value::Value;

use crate::StoreError;
use crate::telemetry::noted;

/// `params![a, b]`: the values of `$1`, `$2`.
macro_rules! params {
    ($($value:expr),* $(,)?) => { [$( $crate::sql::Value::from($value) ),*] };
}
pub(crate) use params;

/// The two databases.
pub(crate) enum Database {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Database {
    /// A connection for reading only, outside any transaction.
    pub(crate) async fn read(&self) -> Result<Session<'_>, StoreError> {
        noted(match self {
            Database::Sqlite(db) => db.reader().map(Session::SqliteRead),
            Database::Postgres(db) => db.client().await.map(Session::PostgresRead),
        })
    }

    /// A transaction that writes; dropped without [`Session::commit`] it leaves no trace.
    pub(crate) async fn write(&self) -> Result<Session<'_>, StoreError> {
        noted(match self {
            Database::Sqlite(db) => db.begin().await.map(Session::SqliteWrite),
            Database::Postgres(db) => db.begin().await.map(Session::PostgresWrite),
        })
    }
}

/// Where statements run: a reader or a transaction, of either database.
pub(crate) enum Session<'a> {
    SqliteRead(sqlite::Reader<'a>),
    SqliteWrite(sqlite::Transaction),
    PostgresRead(postgres::Client),
    PostgresWrite(postgres::Transaction),
}

impl Session<'_> {
    /// Every row, mapped where it lies so that nothing is copied twice.
    pub(crate) async fn rows<T>(
        &mut self,
        sql: &str,
        params: impl AsRef<[Value]>,
        map: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let params = params.as_ref();
        noted(match self {
            Session::SqliteRead(session) => sqlite::rows(session.connection(), sql, params, map),
            Session::SqliteWrite(session) => sqlite::rows(session.connection(), sql, params, map),
            Session::PostgresRead(session) => postgres::rows(session, sql, params, map).await,
            Session::PostgresWrite(session) => {
                postgres::rows(session.client(), sql, params, map).await
            }
        })
    }

    /// The first row, if there is one.
    pub(crate) async fn row<T>(
        &mut self,
        sql: &str,
        params: impl AsRef<[Value]>,
        map: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.rows(sql, params, map).await?.into_iter().next())
    }

    /// Runs a statement that returns nothing; how many rows it touched.
    pub(crate) async fn execute(
        &mut self,
        sql: &str,
        params: impl AsRef<[Value]>,
    ) -> Result<u64, StoreError> {
        let params = params.as_ref();
        noted(match self {
            Session::SqliteRead(session) => sqlite::execute(session.connection(), sql, params),
            Session::SqliteWrite(session) => sqlite::execute(session.connection(), sql, params),
            Session::PostgresRead(session) => postgres::execute(session, sql, params).await,
            Session::PostgresWrite(session) => {
                postgres::execute(session.client(), sql, params).await
            }
        })
    }

    /// Makes a transaction's changes last. On a reader there is nothing to do.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        noted(match self {
            Session::SqliteRead(_) | Session::PostgresRead(_) => Ok(()),
            Session::SqliteWrite(session) => session.commit(),
            Session::PostgresWrite(session) => session.commit().await,
        })
    }

    /// Has SQLite, which keeps no statistics, use this index of the table named before. PostgreSQL
    /// has them, and no such words.
    pub(crate) fn choose(&self, index: &str) -> String {
        match self {
            Session::SqliteRead(_) | Session::SqliteWrite(_) => format!(" INDEXED BY {index}"),
            Session::PostgresRead(_) | Session::PostgresWrite(_) => String::new(),
        }
    }

    /// `FOR UPDATE` where the database has row locks; SQLite has one writer and needs none.
    pub(crate) fn locks_rows(&self) -> bool {
        matches!(self, Session::PostgresWrite(_))
    }
}
