//! One server to a database. Two would each take the other's workers for lost ones.
//!
//! PostgreSQL keeps the claim as a lock of one session: it ends with the server, however that ends.
//! Beside an SQLite file lies a file that is locked.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, NoTls};

use crate::StoreError;
use crate::sql::Database;

/// Any number will do, as long as every server uses the same one.
const SERVER_LOCK: i64 = 0x0b0a_75e2;
/// How long a server that is ending is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(200);

/// The claim to be the one server of a database. Given up when dropped.
pub struct Alone(Claim);

enum Claim {
    File {
        _locked: File,
    },
    Session {
        config: Box<Config>,
        session: Session,
    },
}

impl crate::Store {
    /// Claims the database for this server; `None` when another server has it.
    ///
    /// # Errors
    /// When the database cannot be reached, or the file beside it not be written.
    pub async fn alone(&self) -> Result<Option<Alone>, StoreError> {
        let started = std::time::Instant::now();
        loop {
            let claim = match &*self.db {
                Database::Sqlite(db) => locked(db.path())?,
                Database::Postgres(db) => session(db.config()).await?,
            };
            if claim.is_some() || started.elapsed() > PATIENCE {
                return Ok(claim.map(Alone));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

impl Alone {
    /// Returns when another server has taken the database, which it can after this one has lost its
    /// connection. A connection that comes back in time is as good as one never lost.
    pub async fn lost(self) {
        let Claim::Session {
            config,
            mut session,
        } = self.0
        else {
            return std::future::pending().await;
        };
        loop {
            // A closed connection and a broken one are the same here.
            let _ = (&mut session.connection).await;
            session = loop {
                match Session::claim(&config).await {
                    Ok(Some(session)) => break session,
                    Ok(None) => return,
                    Err(error) => tracing::debug!(%error, "the database is still away"),
                }
                tokio::time::sleep(PAUSE).await;
            };
        }
    }
}

fn locked(database: &Path) -> Result<Option<Claim>, StoreError> {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(PathBuf::from(name));
    let file = file.map_err(|error| StoreError::corrupt(error.to_string()))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Claim::File { _locked: file })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(StoreError::corrupt(error.to_string())),
    }
}

async fn session(config: &Config) -> Result<Option<Claim>, StoreError> {
    let session = Session::claim(config).await?;
    Ok(session.map(|session| Claim::Session {
        config: Box::new(config.clone()),
        session,
    }))
}

/// A connection whose only work is to hold the lock.
struct Session {
    _client: Client,
    connection: JoinHandle<()>,
}

impl Session {
    async fn claim(config: &Config) -> Result<Option<Session>, StoreError> {
        let (client, connection) = config.connect(NoTls).await?;
        let connection = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "the connection that holds the database ended");
            }
        });
        let row = client
            .query_one("SELECT pg_try_advisory_lock($1)", &[&SERVER_LOCK])
            .await?;
        Ok(row.get::<_, bool>(0).then_some(Session {
            _client: client,
            connection,
        }))
    }
}
