//! Why a verb did not do what it was asked.

use crate::client::ClientError;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

/// A verb's failure; its text is for the person at the terminal and may have several lines.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The flags or the body make no sense.
    #[error("{0}")]
    Usage(String),
    /// Nothing says which server to talk to, or with which token.
    #[error("{0}")]
    NotLoggedIn(String),
    /// The data folder on this machine is there, and no server holds it.
    #[error(
        "no server of the data folder {} is running\n\
         hint: start it with `boatyard serve`; for another server give --host, and log in there \
         with `boatyard login`",
        .0.display()
    )]
    NotRunning(PathBuf),
    /// There is no remembered server of that name.
    #[error("{0}")]
    NoContext(String),
    /// A file could not be read or written.
    #[error("cannot {doing} {}: {source}", path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// A result could not be written, or an answer read.
    #[error("cannot write: {0}")]
    Stream(#[from] io::Error),
    /// A call failed; the text says what to do about it.
    #[error("{explanation}")]
    Call {
        /// What went wrong and what to do.
        explanation: String,
        /// What the client saw.
        #[source]
        source: ClientError,
    },
    /// A result could not be written as YAML.
    #[error("cannot write this as YAML: {0}")]
    Yaml(#[from] serde_saphyr::SerializeError),
    /// A result could not be written as JSON, or not be understood.
    #[error("cannot understand the server's answer: {0}")]
    Json(#[from] serde_json::Error),
}

impl CliError {
    /// The exit code of every failure that is not a build's.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(2)
    }
}
