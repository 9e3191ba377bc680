//! The server on this very machine, as its data folder tells: where it answers, and its
//! administrator's token.
//!
//! Both are believed only while a server holds the folder: one that was killed leaves its address,
//! and whoever listens there next must not be sent the token.

use super::resolve::same_host;
use crate::environment::Environment;
use crate::error::CliError;
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Where `boatyard serve` listens when nothing else is said.
pub(super) const DEFAULT_HOST: &str = "http://127.0.0.1:8484";

/// The server's address: what it wrote into its data folder, or where it usually is.
pub(crate) fn host(environment: &Environment) -> Result<String, CliError> {
    let Some((path, text)) = written(environment) else {
        return Ok(DEFAULT_HOST.to_owned());
    };
    must_be_held(&path)?;
    match url::Url::parse(&text) {
        Ok(url) if url.has_host() => Ok(text),
        _ => Err(CliError::Usage(format!(
            "{} holds no address\nhint: restart `boatyard serve`, which writes it, or give --host",
            path.display()
        ))),
    }
}

/// The file in the data folder that names this address, if it does.
pub(super) fn file_naming(environment: &Environment, host: &str) -> Option<PathBuf> {
    let (path, text) = written(environment)?;
    same_host(&text, host).then_some(path)
}

/// The token that `boatyard serve` made at its first start, when this user may read it.
pub(super) fn administrators_token(environment: &Environment) -> Result<Option<String>, CliError> {
    let Some((path, token)) = read(environment, "admin.token") else {
        return Ok(None);
    };
    if token.is_empty() {
        return Ok(None);
    }
    must_be_held(&path)?;
    Ok(Some(token))
}

/// The file of a server that runs or was killed; one that stopped took it away.
fn written(environment: &Environment) -> Option<(PathBuf, String)> {
    read(environment, "server.address")
}

fn read(environment: &Environment, name: &str) -> Option<(PathBuf, String)> {
    let path = environment.data_dir.as_ref()?.join(name);
    let text = std::fs::read_to_string(&path).ok()?.trim().to_owned();
    Some((path, text))
}

/// Refuses what a file of the data folder says unless a server holds the folder.
fn must_be_held(file: &Path) -> Result<(), CliError> {
    let folder = file.parent().unwrap_or(file);
    let lock = folder.join("lock");
    match is_held(&lock) {
        Ok(true) => Ok(()),
        Ok(false) => Err(CliError::NotRunning(folder.to_owned())),
        Err(source) => Err(CliError::File {
            doing: "read",
            path: lock,
            source,
        }),
    }
}

/// Whether somebody holds the lock. Looked at with a shared one, so that two who look at the same
/// time do not see each other.
fn is_held(lock: &Path) -> std::io::Result<bool> {
    let file = match File::open(lock) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        opened => opened?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
