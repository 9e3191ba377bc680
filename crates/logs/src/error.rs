//! What can go wrong with a log, told apart as far as a caller acts on it.

use std::io;
use std::path::{Path, PathBuf};

/// The result of a log operation.
pub type Result<T, E = LogError> = std::result::Result<T, E>;

/// Why a log operation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The build's key is not a uuid in lower case, and so can't name a folder.
    #[error("not a build's uuid")]
    BadBuildKey,
    /// The lines don't follow on the last one stored: send again from `expected`.
    #[error("lines are missing: expected line {expected} next, got line {got}")]
    Gap {
        /// The seq of the line that must come next.
        expected: u64,
        /// The seq of the first line that was sent.
        got: u64,
    },
    /// The log has been sealed (or is being sealed now) and takes no new lines.
    #[error("the log is sealed at line {next_seq}")]
    Sealed {
        /// The seq after the last line stored.
        next_seq: u64,
    },
    /// The disk or the quota is full. Nothing that was acknowledged is lost; send the same lines again later.
    #[error("no space left for logs at {path}: {source}")]
    NoSpace {
        /// The file or folder that could not be written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The pattern is not a regular expression, or takes too much memory.
    #[error("bad pattern: {0}")]
    BadPattern(Box<regex::Error>),
    /// The file's content is not what was written.
    #[error("{path} is damaged: {what}")]
    Damaged {
        /// The damaged file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The system refused a file operation.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The runtime shut down before the operation ran.
    #[error("the server is shutting down")]
    ShuttingDown,
}

impl LogError {
    pub(crate) fn damaged(path: &Path, what: impl ToString) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            what: what.to_string(),
        }
    }

    /// Whether a file was gone: another thread cut, sealed or deleted the log meanwhile.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// Adds the path to a system error.
pub(crate) trait At<T> {
    /// The same result, with the path in its error and a full disk told apart.
    fn at(self, path: &Path) -> Result<T>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, path: &Path) -> Result<T> {
        self.map_err(|source| {
            let path = path.to_owned();
            match source.kind() {
                // A file size limit of the process is the same to a writer: this file can't grow.
                io::ErrorKind::StorageFull
                | io::ErrorKind::QuotaExceeded
                | io::ErrorKind::FileTooLarge => LogError::NoSpace { path, source },
                _ => LogError::Io { path, source },
            }
        })
    }
}
