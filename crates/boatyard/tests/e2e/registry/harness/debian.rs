//! Debian's docker-registry on a port and folder of its own: the oracle.

use crate::harness::{free_port, until};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A running docker-registry. Dropping it ends it.
pub struct Debian {
    folder: TempDir,
    port: u16,
    child: Child,
}

impl Debian {
    /// Starts it, with deletion switched on as ours has it, and waits until it answers.
    pub async fn start() -> Debian {
        // As for our own server: clients find the TLS provider that the binary would install.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::Builder::new()
            .prefix("boatyard-oracle-")
            .tempdir()
            .unwrap();
        let port = free_port();
        let config = folder.path().join("config.yml");
        let data = folder.path().join("data");
        std::fs::write(&config, configuration(port, &data.display().to_string())).unwrap();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let child = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("docker-registry is installed");
        let mut debian = Debian {
            folder,
            port,
            child,
        };
        debian.ready().await;
        debian
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    async fn ready(&mut self) {
        let url = format!("{}/v2/", self.url());
        until("docker-registry to be ready", async || {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("docker-registry ended with {status}: {}", self.log());
            }
            let answer = reqwest::get(&url).await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Debian {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- docker-registry's log\n{}", self.log());
        }
    }
}

fn configuration(port: u16, data: &str) -> String {
    format!(
        "version: 0.1\n\
         log: {{level: warn, accesslog: {{disabled: true}}}}\n\
         storage:\n  filesystem: {{rootdirectory: '{data}'}}\n  delete: {{enabled: true}}\n\
         http: {{addr: '127.0.0.1:{port}', secret: probes}}\n"
    )
}
