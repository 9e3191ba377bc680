//! SQLite: one writer behind a fair lock, readers beside it (WAL). Calls are short and run where
//! they are made; only the commit, which waits for the disk, steps aside for other tasks.

use super::{Row, Value};
use crate::StoreError;
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Mutex as FairMutex, OwnedMutexGuard};

const PREPARED_STATEMENTS: usize = 128;
const BUSY: std::time::Duration = std::time::Duration::from_secs(30);
/// How long whoever reads is waited for where nobody may.
const READERS: std::time::Duration = std::time::Duration::from_secs(5);

pub(crate) struct Sqlite {
    path: PathBuf,
    writer: Arc<FairMutex<Connection>>,
    idle_readers: Mutex<Vec<Connection>>,
    /// A connection that only ever asks whether others wrote.
    watcher: Mutex<Connection>,
}

impl Sqlite {
    pub(crate) fn open(path: &Path) -> Result<(Self, refinery::Report), StoreError> {
        let mut writer = Connection::open(path)?;
        writer.pragma_update(None, "journal_mode", "WAL")?;
        // An accepted build must survive a power cut: each commit reaches the disk.
        writer.pragma_update(None, "synchronous", "FULL")?;
        writer.pragma_update(None, "foreign_keys", "ON")?;
        // What is deleted from a page is not left on it, nor in what a page is made of: that takes no
        // more writing. Whole pages that are given up stay as they are until [`Sqlite::compact`].
        writer.pragma_update(None, "secure_delete", "FAST")?;
        writer.busy_timeout(BUSY)?;
        writer.set_prepared_statement_cache_capacity(PREPARED_STATEMENTS);
        let report = crate::migrate::runner().run(&mut writer)?;
        let sqlite = Sqlite {
            path: path.to_owned(),
            writer: Arc::new(FairMutex::new(writer)),
            idle_readers: Mutex::default(),
            watcher: Mutex::new(open_reader(path)?),
        };
        Ok((sqlite, report))
    }

    /// Where its file is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn reader(&self) -> Result<Reader<'_>, StoreError> {
        let idle = self
            .idle_readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open_reader(&self.path)?,
        };
        Ok(Reader {
            home: self,
            connection: Some(connection),
        })
    }

    /// A number that is another one after any other connection, of any process, has written.
    pub(crate) fn version(&self) -> Result<i64, StoreError> {
        let watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        let mut statement = watcher.prepare_cached("PRAGMA data_version")?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }

    /// Writes the file anew and empties the write-ahead log.
    ///
    /// # Errors
    /// Also when somebody reads the database meanwhile, for whom the log is kept.
    pub(crate) async fn compact(&self) -> Result<(), StoreError> {
        let connection = Arc::clone(&self.writer).lock_owned().await;
        connection.busy_timeout(READERS)?;
        let kept = aside(|| {
            connection.execute_batch("VACUUM")?;
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        });
        connection.busy_timeout(BUSY)?;
        let kept: bool = kept?;
        if kept {
            let why = "somebody reads the database; old values stay in its log until that ends";
            return Err(StoreError::Unavailable(why.to_owned()));
        }
        Ok(())
    }

    pub(crate) async fn begin(&self) -> Result<Transaction, StoreError> {
        let connection = Arc::clone(&self.writer).lock_owned().await;
        connection.execute_batch("BEGIN IMMEDIATE")?;
        Ok(Transaction {
            connection,
            open: true,
        })
    }
}

fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(PREPARED_STATEMENTS);
    Ok(connection)
}

/// A reading connection; goes back to its home when dropped.
pub(crate) struct Reader<'a> {
    home: &'a Sqlite,
    connection: Option<Connection>,
}

impl Reader<'_> {
    #[allow(clippy::expect_used, reason = "taken only by drop")]
    pub(crate) fn connection(&self) -> &Connection {
        self.connection
            .as_ref()
            .expect("a reader keeps its connection until it is dropped")
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            let mut idle = self
                .home
                .idle_readers
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            idle.push(connection);
        }
    }
}

/// The writer, inside a transaction; rolls back when dropped without a commit.
pub(crate) struct Transaction {
    connection: OwnedMutexGuard<Connection>,
    open: bool,
}

impl Transaction {
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(crate) fn commit(mut self) -> Result<(), StoreError> {
        aside(|| self.connection.execute_batch("COMMIT"))?;
        self.open = false;
        Ok(())
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        // A full disk has SQLite roll back by itself.
        if self.open
            && !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "a transaction could not be rolled back");
        }
    }
}

/// Runs something that waits for the disk without holding up the other tasks of this thread.
fn aside<T>(work: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

pub(crate) fn rows<T>(
    connection: &Connection,
    sql: &str,
    params: &[Value],
    mut map: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, params)?;
    let mut cursor = statement.raw_query();
    let mut rows = Vec::new();
    while let Some(row) = cursor.next()? {
        rows.push(map(&Row::Sqlite(row))?);
    }
    Ok(rows)
}

pub(crate) fn execute(
    connection: &Connection,
    sql: &str,
    params: &[Value],
) -> Result<u64, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, params)?;
    Ok(statement.raw_execute()? as u64)
}

/// SQLite takes `$3` for a name and numbers names by first appearance, so each is looked up.
fn bind(statement: &mut rusqlite::Statement<'_>, params: &[Value]) -> Result<(), StoreError> {
    for (position, value) in params.iter().enumerate() {
        let name = NAMES
            .get(position)
            .ok_or_else(|| StoreError::corrupt("too many parameters"))?;
        if let Some(index) = statement.parameter_index(name)? {
            statement.raw_bind_parameter(index, value)?;
        }
    }
    Ok(())
}

const NAMES: [&str; 24] = [
    "$1", "$2", "$3", "$4", "$5", "$6", "$7", "$8", "$9", "$10", "$11", "$12", "$13", "$14", "$15",
    "$16", "$17", "$18", "$19", "$20", "$21", "$22", "$23", "$24",
];
