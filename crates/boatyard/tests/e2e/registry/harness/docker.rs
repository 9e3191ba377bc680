//! A Docker engine of the test's own, from Debian's docker.io package: socket, images, containerd
//! and login are in a folder that goes with it.

use crate::harness::{PATIENCE, unmount_below, until};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;
use tempfile::TempDir;

/// The package's client; another one may come first on the path.
const CLIENT: &str = "/usr/bin/docker";

/// A running Docker engine. Dropping it ends it and its containerd.
pub struct Docker {
    folder: TempDir,
    child: Child,
}

impl Docker {
    /// Starts it and waits until it answers.
    pub async fn start() -> Docker {
        let folder = tempfile::Builder::new()
            .prefix("boatyard-docker-")
            .tempdir()
            .unwrap();
        let child = spawn(&folder);
        let mut docker = Docker { folder, child };
        until("the Docker engine to be ready", async || {
            if let Some(status) = docker.child.try_wait().unwrap() {
                panic!("dockerd ended with {status}: {}", docker.log());
            }
            docker.call(&["version"]).status.success().then_some(())
        })
        .await;
        docker
    }

    /// Runs the client with these arguments.
    pub fn call(&self, args: &[&str]) -> Output {
        Command::new(CLIENT)
            .arg("--host")
            .arg(format!("unix://{}", self.path("socket").display()))
            .args(args)
            .env("DOCKER_CONFIG", self.path("client"))
            .stdin(Stdio::null())
            .output()
            .expect("docker.io is installed")
    }

    /// What the client says when it succeeds, which it must.
    #[track_caller]
    pub fn says(&self, args: &[&str]) -> String {
        let output = self.call(args);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "docker {args:?}: {complaint}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Logs in with a token; whether that went well.
    pub fn login(&self, host: &str, token: &str) -> bool {
        let args = ["login", "--username", "boatyard", "--password", token, host];
        self.call(&args).status.success()
    }

    /// The digest under which the engine knows an image of this repository.
    pub fn digest(&self, image: &str) -> String {
        let format = "{{range .RepoDigests}}{{println .}}{{end}}";
        let digests = self.says(&["image", "inspect", "--format", format, image]);
        let first = digests.lines().next().unwrap_or_default();
        first.rsplit('@').next().unwrap().to_owned()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }
}

fn spawn(folder: &TempDir) -> Child {
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("daemon.json"), "{}").unwrap();
    let log = File::create(at("log")).unwrap();
    Command::new("dockerd")
        .arg("--host")
        .arg(format!("unix://{}", at("socket").display()))
        .arg("--config-file")
        .arg(at("daemon.json"))
        .arg("--data-root")
        .arg(at("data"))
        // Its containerd lives below.
        .arg("--exec-root")
        .arg(at("exec"))
        .arg("--pidfile")
        .arg(at("pid"))
        // It only pulls and pushes: no networks, and a storage driver that works on any disk.
        .args(["--bridge=none", "--iptables=false", "--ip6tables=false"])
        .args(["--ip-forward=false", "--ip-masq=false"])
        .args(["--storage-driver=vfs"])
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .expect("docker.io is installed")
}

impl Drop for Docker {
    fn drop(&mut self) {
        // SIGTERM, so that it ends its containerd.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let asked = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && asked.elapsed() < PATIENCE {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.end_containerd();
        unmount_below(self.folder.path());
        if std::thread::panicking() {
            eprintln!("--- dockerd's log\n{}", self.log());
        }
    }
}

impl Docker {
    /// Ends the containerd of an engine that could not, if it is still the one.
    fn end_containerd(&self) {
        let text = std::fs::read_to_string(self.path("exec/containerd/containerd.pid"));
        let Some(pid) = text.ok().and_then(|text| text.trim().parse().ok()) else {
            return;
        };
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let folder = self.folder.path().display().to_string();
        if String::from_utf8_lossy(&command).contains(&folder)
            && let Some(pid) = Pid::from_raw(pid)
        {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}
