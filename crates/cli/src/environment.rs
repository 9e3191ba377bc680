//! What the process's environment says: read once, in one place.

use directories::BaseDirs;
use std::path::PathBuf;

/// Settings from outside, weaker than flags.
#[derive(Clone, Default)]
pub struct Environment {
    /// `BOATYARD_HOST`
    pub host: Option<String>,
    /// `BOATYARD_TOKEN`
    pub token: Option<String>,
    /// `BOATYARD_CONTEXT`
    pub context: Option<String>,
    /// `BOATYARD_PROJECT`
    pub project: Option<String>,
    /// `BOATYARD_SERVICE`
    pub service: Option<String>,
    /// Where remembered servers are kept: the platform's folder for settings + `boatyard`.
    pub config_dir: Option<PathBuf>,
    /// A local server's data: `BOATYARD_DATA_DIR`, or the platform's folder for data + `boatyard`.
    pub data_dir: Option<PathBuf>,
    /// Whether `BOATYARD_DATA_DIR` named it: then its server is meant, whatever is remembered.
    pub data_dir_named: bool,
}

impl Environment {
    /// The process's environment.
    pub fn of_process() -> Environment {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let folders = BaseDirs::new();
        let in_folder = |folder: fn(&BaseDirs) -> &std::path::Path| {
            folders.as_ref().map(|f| folder(f).join("boatyard"))
        };
        let data_dir = set("BOATYARD_DATA_DIR").map(PathBuf::from);
        Environment {
            host: set("BOATYARD_HOST"),
            token: set("BOATYARD_TOKEN"),
            context: set("BOATYARD_CONTEXT"),
            project: set("BOATYARD_PROJECT"),
            service: set("BOATYARD_SERVICE"),
            config_dir: in_folder(BaseDirs::config_dir),
            data_dir_named: data_dir.is_some(),
            data_dir: data_dir.or_else(|| in_folder(BaseDirs::data_dir)),
        }
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment")
            .field("host", &self.host)
            .field("context", &self.context)
            .field("config_dir", &self.config_dir)
            .field("data_dir", &self.data_dir)
            .finish_non_exhaustive()
    }
}
