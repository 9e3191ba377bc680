//! The shell script that Boatyard is measured against.

use super::repository::Repository;
use crate::process::output;
use crate::server::Server;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const SCRIPT: &str = include_str!("script.sh");
const POLICY: &str = r#"{"default": [{"type": "insecureAcceptAnything"}]}"#;

/// The script with a storage of its own.
pub(super) struct Script {
    folder: TempDir,
    image: String,
    token: String,
}

impl Script {
    /// With an empty storage, pushing to this repository of this server's registry.
    pub(super) fn new(registry: &Server, image: &str) -> anyhow::Result<Script> {
        let folder = tempfile::Builder::new()
            .prefix("boatyard-bench-script-")
            .tempdir()?;
        std::fs::write(folder.path().join("script.sh"), SCRIPT)?;
        std::fs::write(folder.path().join("policy.json"), POLICY)?;
        std::fs::write(folder.path().join("registries.conf"), registries())?;
        Ok(Script {
            image: format!("{}/{image}:main", registry.host()),
            token: registry.token()?,
            folder,
        })
    }

    /// Runs it; how long it took.
    pub(super) async fn build(&self, repository: &Repository) -> anyhow::Result<Duration> {
        let mut command = Command::new("sh");
        command
            .arg(self.file("script.sh"))
            .env(
                "REPOSITORY",
                format!("file://{}", repository.path().display()),
            )
            .env("STORAGE", self.file("storage"))
            .env("POLICY", self.file("policy.json"))
            .env("CONTAINERS_REGISTRIES_CONF", self.file("registries.conf"))
            .env("IMAGE", &self.image)
            .env("TOKEN", &self.token);
        let began = Instant::now();
        output(command).await?;
        Ok(began.elapsed())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// The mirror that Boatyard is told of by its environment, as the script's Buildah reads it.
fn registries() -> String {
    let mirrors = std::env::var("BOATYARD_REGISTRY_MIRRORS").unwrap_or_default();
    let head = "unqualified-search-registries = [\"docker.io\"]\n".to_owned();
    let pairs = mirrors.split(',').filter_map(|pair| pair.split_once('='));
    pairs.fold(head, |text, (upstream, mirror)| {
        text + &format!(
            "[[registry]]\nlocation = \"{upstream}\"\n\
             [[registry.mirror]]\nlocation = \"{mirror}\"\ninsecure = true\n"
        )
    })
}

impl Drop for Script {
    fn drop(&mut self) {
        // Buildah leaves the storage mounted on itself.
        let overlay = self.file("storage/root/overlay");
        let _ = Command::new("umount").arg("--quiet").arg(overlay).status();
    }
}
