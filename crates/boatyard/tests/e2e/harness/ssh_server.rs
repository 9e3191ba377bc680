//! A real sshd that hands out git repositories: own port, own host key, own list of who may log in.

use super::process::Process;
use super::{Repository, server::free_port, until};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// A running sshd.
pub struct SshServer {
    folder: TempDir,
    port: u16,
    _process: Process,
}

impl SshServer {
    pub async fn start() -> SshServer {
        let folder = tempfile::Builder::new()
            .prefix("boatyard-ssh-")
            .tempdir()
            .unwrap();
        let port = free_port();
        for key in ["host_key", "client_key", "stranger_key"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(folder.path().join(key))
                .status()
                .unwrap();
            assert!(made.success());
        }
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        let write = |name: &str, text: String| {
            std::fs::write(folder.path().join(name), text).unwrap();
        };
        write("authorized_keys", read("client_key.pub"));
        let names = format!("[127.0.0.1]:{port}");
        write("known_hosts", format!("{names} {}", read("host_key.pub")));
        write(
            "wrong_hosts",
            format!("{names} {}", read("stranger_key.pub")),
        );
        write("no_hosts", String::new());
        let place = folder.path().display();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {place}/host_key\n\
             AuthorizedKeysFile {place}/authorized_keys\nPidFile none\nUsePAM no\n\
             StrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             PermitRootLogin prohibit-password\nAcceptEnv GIT_PROTOCOL\n\
             SetEnv PATH={place}:/usr/local/bin:/usr/bin:/bin\n"
        );
        write("sshd_config", config);
        if rustix::process::geteuid().is_root() {
            // Debian's unit makes it for its own server.
            std::fs::create_dir_all("/run/sshd").unwrap();
        }
        let log = std::fs::File::create(folder.path().join("sshd.log")).unwrap();
        let mut command = Command::new("/usr/sbin/sshd");
        command
            .args(["-D", "-e", "-f"])
            .arg(folder.path().join("sshd_config"));
        let mut process = Process::start(command, log);
        until("sshd to listen", async || {
            assert!(process.runs(), "sshd ended: {}", read("sshd.log"));
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        })
        .await;
        SshServer {
            folder,
            port,
            _process: process,
        }
    }

    /// The URL of a repository on this machine, through the server.
    pub fn url(&self, repository: &Repository) -> String {
        let output = Command::new("id").arg("-un").output().unwrap();
        let user = String::from_utf8(output.stdout).unwrap();
        let path = repository.path().display();
        format!("ssh://{}@127.0.0.1:{}{path}", user.trim(), self.port)
    }

    /// Offers a command, a script of this text.
    pub fn offers(&self, command: &str, script: &str) {
        let path = self.folder.path().join(command);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The private key that the server lets in.
    pub fn key(&self) -> String {
        self.file("client_key")
    }

    /// A private key that it does not know.
    pub fn strangers_key(&self) -> String {
        self.file("stranger_key")
    }

    /// A known_hosts file with its host key.
    pub fn known_hosts(&self) -> String {
        self.file("known_hosts")
    }

    /// A known_hosts file in which it has another host key.
    pub fn hosts_with_another_key(&self) -> String {
        self.file("wrong_hosts")
    }

    /// A known_hosts file that does not know it.
    pub fn hosts_without_it(&self) -> String {
        self.file("no_hosts")
    }

    fn file(&self, name: &str) -> String {
        let path: PathBuf = self.folder.path().join(name);
        path.display().to_string()
    }
}
