//! Debian's own image without Docker Hub: `scripts/debian-mirror` makes and serves it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running mirror of `docker.io` that has `debian:12`. It ends when it is dropped, and when the
/// test dies: its standard input ends then.
pub struct DebianMirror {
    child: Child,
    value: String,
}

impl DebianMirror {
    /// Starts it; the first one of all makes the image, which takes a minute or two.
    pub fn start() -> DebianMirror {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/debian-mirror");
        let mut child = Command::new(script)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut value = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut value)
            .unwrap();
        let value = value.trim().to_owned();
        assert!(
            value.starts_with("docker.io="),
            "the mirror does not start; what it said is above"
        );
        DebianMirror { child, value }
    }

    /// What `BOATYARD_REGISTRY_MIRRORS` is set to.
    pub fn value(&self) -> &str {
        &self.value
    }
}

impl Drop for DebianMirror {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
