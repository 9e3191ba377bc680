//! The server on this very machine, as its data folder tells: where it answers, and its
//! administrator's token.

use super::resolve::same_host;
use crate::environment::Environment;
use crate::error::CliError;
use std::path::PathBuf;

/// Where `boatyard serve` listens when nothing else is said.
pub(super) const DEFAULT_HOST: &str = "http://127.0.0.1:8484";

/// The server's address: what it wrote into its data folder, or where it usually is.
pub(crate) fn host(environment: &Environment) -> Result<String, CliError> {
    let Some((path, text)) = written(environment) else {
        return Ok(DEFAULT_HOST.to_owned());
    };
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
pub(super) fn administrators_token(environment: &Environment) -> Option<String> {
    let path = environment.data_dir.as_ref()?.join("admin.token");
    let token = std::fs::read_to_string(path).ok()?.trim().to_owned();
    (!token.is_empty()).then_some(token)
}

/// The file of a server that runs or was killed; one that stopped took it away.
fn written(environment: &Environment) -> Option<(PathBuf, String)> {
    let path = environment.data_dir.as_ref()?.join("server.address");
    let text = std::fs::read_to_string(&path).ok()?.trim().to_owned();
    Some((path, text))
}
