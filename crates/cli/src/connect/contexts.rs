//! The remembered servers, in a file that only its owner may read, since it holds tokens.

use crate::environment::Environment;
use crate::error::CliError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// A remembered server.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Context {
    /// Its address.
    pub(crate) host: String,
    /// The token to use there.
    pub(crate) token: String,
    /// Default for `--project`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) project: Option<String>,
    /// Default for `--service`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) service: Option<String>,
}

/// All of them.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Contexts {
    /// The one to use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) current: Option<String>,
    /// By name.
    pub(crate) contexts: BTreeMap<String, Context>,
}

impl Contexts {
    /// What is remembered; nothing when there is no file yet.
    pub(crate) fn load(environment: &Environment) -> Result<Contexts, CliError> {
        let Ok(path) = file(environment) else {
            return Ok(Contexts::default());
        };
        let failed = |source| CliError::File {
            doing: "read",
            path: path.clone(),
            source,
        };
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| failed(std::io::Error::new(ErrorKind::InvalidData, error))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Contexts::default()),
            Err(error) => Err(failed(error)),
        }
    }

    /// Replaces the file as a whole, so that a crash leaves the old one or the new one.
    pub(crate) fn save(&self, environment: &Environment) -> Result<PathBuf, CliError> {
        let path = file(environment)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let failed = |source| CliError::File {
            doing: "write",
            path: path.clone(),
            source,
        };
        private_folder(folder).map_err(failed)?;
        // A temporary file is its owner's alone (mode 0600) and stays so when it is renamed.
        let mut temporary = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        serde_json::to_writer_pretty(&mut temporary, self)?;
        temporary.write_all(b"\n").map_err(failed)?;
        temporary.as_file().sync_all().map_err(failed)?;
        temporary
            .persist(&path)
            .map_err(|error| failed(error.error))?;
        Ok(path)
    }

    /// The context of that name.
    pub(crate) fn named(&self, name: &str) -> Result<&Context, CliError> {
        self.contexts.get(name).ok_or_else(|| self.unknown(name))
    }

    /// The same, to change it.
    pub(crate) fn named_mut(&mut self, name: &str) -> Result<&mut Context, CliError> {
        if !self.contexts.contains_key(name) {
            return Err(self.unknown(name));
        }
        self.contexts
            .get_mut(name)
            .ok_or_else(|| CliError::NoContext(name.to_owned()))
    }

    /// The current one and its name.
    pub(crate) fn current(&self) -> Option<(&String, &Context)> {
        self.contexts.get_key_value(self.current.as_ref()?)
    }

    pub(crate) fn unknown(&self, name: &str) -> CliError {
        let names: Vec<&str> = self.contexts.keys().map(String::as_str).collect();
        let there = super::hints::there_are(name, &names)
            .unwrap_or_else(|| "none is remembered yet; `boatyard login` adds one".to_owned());
        CliError::NoContext(format!("no context `{name}`; {there}"))
    }
}

fn file(environment: &Environment) -> Result<PathBuf, CliError> {
    let folder = environment.config_dir.as_ref().ok_or_else(|| {
        CliError::Usage("no folder for settings: set HOME or XDG_CONFIG_HOME".to_owned())
    })?;
    Ok(folder.join("contexts.json"))
}

#[cfg(unix)]
fn private_folder(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

#[cfg(not(unix))]
fn private_folder(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)
}
