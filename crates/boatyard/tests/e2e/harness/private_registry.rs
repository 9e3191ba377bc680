//! Debian's docker-registry behind a user name and a password.

use super::{free_port, until};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A running registry that lets in one user. Dropping it ends it.
pub struct PrivateRegistry {
    folder: TempDir,
    port: u16,
    child: Child,
}

impl PrivateRegistry {
    /// The user.
    pub const USER: &str = "somebody";
    /// The user's password, in two halves so that a test's own text is not what is found.
    pub const PASSWORD: [&str; 2] = ["hush-registry", "-1"];
    /// The password as the registry keeps it (bcrypt).
    const HASH: &str = "$2y$05$abcdefghijklmnopqrstuukzUPkuBEE17dtTjvj2IVg3LUNn3ly6W";

    /// Starts it and waits until it asks who is there.
    pub async fn start() -> PrivateRegistry {
        // As for our own server: clients find the TLS provider that the binary would install.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::Builder::new()
            .prefix("boatyard-private-")
            .tempdir()
            .unwrap();
        let port = free_port();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("users"), format!("{}:{}\n", Self::USER, Self::HASH)).unwrap();
        let text = format!(
            "version: 0.1\n\
             log: {{level: warn, accesslog: {{disabled: true}}}}\n\
             storage:\n  filesystem: {{rootdirectory: '{}'}}\n\
             http: {{addr: '127.0.0.1:{port}', secret: probes}}\n\
             auth: {{htpasswd: {{realm: test, path: '{}'}}}}\n",
            at("data").display(),
            at("users").display()
        );
        std::fs::write(at("config.yml"), text).unwrap();
        let log = std::fs::File::create(at("log")).unwrap();
        let child = Command::new("docker-registry")
            .arg("serve")
            .arg(at("config.yml"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("docker-registry is installed");
        let mut registry = PrivateRegistry {
            folder,
            port,
            child,
        };
        let url = format!("http://{}/v2/", registry.host());
        until("the private registry to be ready", async || {
            if let Some(status) = registry.child.try_wait().unwrap() {
                panic!("docker-registry ended with {status}: {}", registry.log());
            }
            let answer = reqwest::get(&url).await.ok()?;
            (answer.status() == 401).then_some(())
        })
        .await;
        registry
    }

    /// Host and port.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The user's password.
    pub fn password() -> String {
        Self::PASSWORD.concat()
    }

    /// The digest of an image in it, for who may read it.
    pub fn digest(&self, image: &str) -> Option<String> {
        let output = Command::new("skopeo")
            .args(["inspect", "--tls-verify=false", "--format", "{{.Digest}}"])
            .arg("--creds")
            .arg(format!("{}:{}", Self::USER, Self::password()))
            .arg(format!("docker://{image}"))
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        output.status.success().then(|| said.trim().to_owned())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for PrivateRegistry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the private registry's log\n{}", self.log());
        }
    }
}
