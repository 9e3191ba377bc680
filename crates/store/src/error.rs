//! What can go wrong in the store.

use vault::{KeyId, VaultError};

/// An error of the store. Callers tell a conflict from an outage; the rest is for the log.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique name or id is taken.
    #[error("that name or id is taken")]
    Conflict,
    /// There are as many as there may be.
    #[error("there are as many as there may be")]
    TooMany,
    /// What the change belongs to was deleted meanwhile.
    #[error("what it belongs to is gone")]
    Gone,
    /// It is not what the change was made from any more.
    #[error("it was changed meanwhile")]
    Changed,
    /// The database could not be reached in time.
    #[error("the database cannot be reached: {0}")]
    Unavailable(String),
    /// The database's disk is full.
    #[error("the database's disk is full")]
    Full,
    /// A statement failed.
    #[error("the database refused a statement: {0}")]
    Database(String),
    /// The migrations on disk and in the database differ, or one failed.
    #[error("migration failed: {0}")]
    Migration(String),
    /// Secrets are sealed with a key that is not here.
    #[error("secrets in the database are sealed with the key {0}, which is not here")]
    MissingKey(KeyId),
    /// These rows hold what is sealed with no key that is here.
    #[error(
        "what is sealed in {0} cannot be opened with any key that is here: delete it or give it anew"
    )]
    Unreadable(String),
    /// The key to the secrets was changed by another process since it was read.
    #[error("the key to the secrets was changed meanwhile; run this again")]
    KeyChanged,
    /// A secret can be neither sealed nor opened.
    #[error("a secret can be neither stored nor read: {0}")]
    Vault(#[from] VaultError),
    /// What is stored cannot be read back.
    #[error("the store holds something unreadable: {0}")]
    Corrupt(String),
}

impl StoreError {
    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        StoreError::Corrupt(what.into())
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        let text = error.to_string();
        match error.sqlite_error() {
            Some(e) if matches!(e.extended_code, 1555 | 2067) => StoreError::Conflict,
            Some(e) if e.code == Code::DiskFull => StoreError::Full,
            Some(e) if matches!(e.code, Code::DatabaseBusy | Code::CannotOpen) => {
                StoreError::Unavailable(text)
            }
            _ => StoreError::Database(text),
        }
    }
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        use tokio_postgres::error::SqlState;
        let Some(db) = error.as_db_error() else {
            return StoreError::Unavailable(chain(&error));
        };
        match *db.code() {
            SqlState::UNIQUE_VIOLATION => StoreError::Conflict,
            SqlState::DISK_FULL => StoreError::Full,
            SqlState::ADMIN_SHUTDOWN
            | SqlState::CRASH_SHUTDOWN
            | SqlState::CANNOT_CONNECT_NOW
            | SqlState::LOCK_NOT_AVAILABLE => StoreError::Unavailable(db.message().to_owned()),
            _ => StoreError::Database(format!("{} ({})", db.message(), db.code().code())),
        }
    }
}

impl From<deadpool_postgres::PoolError> for StoreError {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        match error {
            deadpool_postgres::PoolError::Backend(error) => error.into(),
            other => StoreError::Unavailable(other.to_string()),
        }
    }
}

impl From<refinery::Error> for StoreError {
    fn from(error: refinery::Error) -> Self {
        StoreError::Migration(chain(&error))
    }
}

/// An error with its causes, which drivers hide behind `source`.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
