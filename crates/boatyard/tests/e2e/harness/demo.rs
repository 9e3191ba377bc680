//! `boatyard demo`, as a person at a terminal has it: what it prints, Ctrl-C, what it leaves.

use super::{server::processes, until};
use rustix::process::{Pid, Signal, kill_process_group};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A demo that runs, or has run. Its temporary folder is its own.
pub struct Demo {
    child: Child,
    folder: TempDir,
}

impl Demo {
    /// Starts `boatyard demo` with these arguments.
    pub fn start(args: &[&str]) -> Demo {
        Demo::with(args, &[])
    }

    /// The same with these switches.
    pub fn with(args: &[&str], switches: &[(&str, &str)]) -> Demo {
        let folder = tempfile::Builder::new()
            .prefix("boatyard-demo-test-")
            .tempdir()
            .unwrap();
        std::fs::create_dir(folder.path().join("tmp")).unwrap();
        let said = std::fs::File::create(folder.path().join("said")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_boatyard"))
            .arg("demo")
            .args(args)
            .env("TMPDIR", folder.path().join("tmp"))
            .envs(switches.iter().copied())
            .stdin(Stdio::null())
            .stdout(said.try_clone().unwrap())
            .stderr(said)
            // The group that a terminal's Ctrl-C goes to.
            .process_group(0)
            .spawn()
            .unwrap();
        Demo { child, folder }
    }

    /// Everything it has printed.
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("said")).unwrap()
    }

    /// Waits until it has printed this.
    pub async fn says(&mut self, text: &str) {
        until(&format!("the demo to say {text:?}"), async || {
            let said = self.said();
            if said.contains(text) {
                return Some(());
            }
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended with {ended:?}:\n{said}");
            None
        })
        .await;
    }

    /// Sends what Ctrl-C sends.
    pub fn interrupt(&self) {
        kill_process_group(Pid::from_child(&self.child), Signal::INT).unwrap();
    }

    /// Waits for its end; the exit code.
    pub async fn ends(&mut self) -> i32 {
        let status = until("the demo to end", async || self.child.try_wait().unwrap()).await;
        let code = status.code();
        code.unwrap_or_else(|| panic!("signal {:?}:\n{}", status.signal(), self.said()))
    }

    /// Fails unless nothing of it runs or lies about any more.
    pub fn left_nothing(&self) {
        let files: Vec<_> = std::fs::read_dir(self.temporary()).unwrap().collect();
        assert!(files.is_empty(), "{files:?}\n{}", self.said());
        let running = self.running();
        assert!(running.is_empty(), "{running:?}\n{}", self.said());
    }

    fn temporary(&self) -> std::path::PathBuf {
        self.folder.path().join("tmp")
    }

    /// The processes that have its folder in their environment or command line.
    fn running(&self) -> Vec<u32> {
        let marker = self.folder.path().display().to_string();
        processes().filter(|pid| mentions(*pid, &marker)).collect()
    }
}

fn mentions(pid: u32, marker: &str) -> bool {
    ["environ", "cmdline"].iter().any(|file| {
        let bytes = std::fs::read(Path::new("/proc").join(pid.to_string()).join(file));
        String::from_utf8_lossy(&bytes.unwrap_or_default()).contains(marker)
    })
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        for pid in self.running() {
            if let Some(pid) = Pid::from_raw(pid as i32) {
                let _ = rustix::process::kill_process(pid, Signal::KILL);
            }
        }
    }
}
