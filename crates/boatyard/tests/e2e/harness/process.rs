//! A process that a test starts, and that goes with it.

use std::process::{Child, Command, Stdio};

/// A child that is killed and reaped when dropped.
pub struct Process {
    child: Child,
}

impl Process {
    /// Starts it; what it says goes to the file.
    pub fn start(mut command: Command, log: std::fs::File) -> Process {
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        Process {
            child: command.spawn().unwrap(),
        }
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
