//! A real `boatyard serve`, release-built, in a folder and on a port of its own.

use crate::api::Api;
use crate::process::{Kept, free_port, until};
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How often a starting server is asked whether it is ready.
const ASK: Duration = Duration::from_millis(1);
/// How often the workers' folder is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// A server that ends with its handle. Its builds are waited for by those who start them.
pub(crate) struct Server {
    program: PathBuf,
    folder: TempDir,
    port: u16,
    environment: Vec<(String, String)>,
    process: Option<Kept>,
}

impl Server {
    /// A server on a new folder, started and ready. `environment` comes on top of what every
    /// server here has: no rate limit, and repositories on this machine.
    pub(crate) async fn start(
        program: &Path,
        environment: &[(&str, &str)],
    ) -> anyhow::Result<Server> {
        let mut server = Server::new(program, environment)?;
        server.launch().await?;
        Ok(server)
    }

    /// A server on a new folder, not started yet.
    pub(crate) fn new(program: &Path, environment: &[(&str, &str)]) -> anyhow::Result<Server> {
        let always = [
            ("BOATYARD_RATE_LIMIT", "0"),
            ("BOATYARD_GIT_PROTOCOLS", "file"),
            ("RUST_LOG", "warn"),
        ];
        let environment = always.iter().chain(environment);
        Ok(Server {
            program: program.to_owned(),
            folder: tempfile::Builder::new()
                .prefix("boatyard-bench-")
                .tempdir()?,
            port: free_port()?,
            environment: environment
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            process: None,
        })
    }

    /// The keys to its secrets, which it made at its first start.
    pub(crate) fn vault(&self) -> anyhow::Result<vault::Vault> {
        let file = vault::KeyFile::new(self.data_dir().join("secret.key"));
        Ok(vault::Vault::new(&file.read()?))
    }

    /// Starts it (again) on its folder; how long it took to answer that it is ready.
    pub(crate) async fn launch(&mut self) -> anyhow::Result<Duration> {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("server.log"))?;
        let mut command = Command::new(&self.program);
        command
            .arg("serve")
            .args(["--listen", &self.host()])
            .arg("--data-dir")
            .arg(self.data_dir())
            .stdout(log.try_clone()?)
            .stderr(log);
        for (name, value) in &self.environment {
            command.env(name, value);
        }
        let http = reqwest::Client::new();
        let url = format!("http://{}/readyz", self.host());
        let began = Instant::now();
        self.process = Some(Kept::start(&mut command)?);
        until("the server to be ready", ASK, async || {
            let answer = http.get(&url).send().await;
            Ok(answer
                .is_ok_and(|answer| answer.status().is_success())
                .then_some(()))
        })
        .await
        .with_context(|| self.log())?;
        Ok(began.elapsed())
    }

    /// SIGTERM, and waits until it is gone. Its folder stays.
    pub(crate) fn stop(&mut self) -> anyhow::Result<()> {
        self.process.take().map_or(Ok(()), Kept::terminate)
    }

    /// Waits until no worker is left, not even one that clears away.
    pub(crate) async fn rests(&self) -> anyhow::Result<()> {
        let work = self.data_dir().join("work");
        until("the workers to clear away", LOOK, async || {
            Ok(std::fs::read_dir(&work)?.next().is_none().then_some(()))
        })
        .await
    }

    /// Host and port.
    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its data folder.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The process's number; 0 while it is stopped.
    pub(crate) fn pid(&self) -> u32 {
        self.process.as_ref().map_or(0, Kept::id)
    }

    /// The administrator's token.
    pub(crate) fn token(&self) -> anyhow::Result<String> {
        let text = std::fs::read_to_string(self.data_dir().join("admin.token"))?;
        Ok(text.trim().to_owned())
    }

    /// Calls as the administrator.
    pub(crate) fn api(&self) -> anyhow::Result<Api> {
        Ok(Api::new(format!("http://{}", self.host()), self.token()?))
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }
}
