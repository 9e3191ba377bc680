//! Git within bounds, where no build's limits hold it: for looks at repositories that nobody asked for.

use std::any::Any;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

use crate::error::GitError;
use crate::runner::{Git, GitSettings};
use crate::supervisor::Supervisor;

/// The largest file that it may write, and so the largest pack that it may fetch, in bytes.
const LARGEST_FILE: u64 = 1 << 30;
/// The most memory that one process of it may map, in bytes.
const MEMORY: u64 = 8 << 30;

/// Holds each process, and what it starts, to the bounds.
#[derive(Debug)]
struct Bounds;

impl Supervisor for Bounds {
    fn enroll(&self, pid: u32) -> io::Result<()> {
        first_to_go(pid)?;
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or(io::ErrorKind::NotFound)?;
        for (resource, most) in [(Resource::Fsize, LARGEST_FILE), (Resource::As, MEMORY)] {
            prlimit(Some(pid), resource, at_most(most, getrlimit(resource)))?;
        }
        Ok(())
    }

    fn fetches_into(&self, _: &Path) -> Box<dyn Any + Send> {
        Box::new(())
    }
}

/// When memory gets short the kernel ends this process, and what it starts, rather than the server.
fn first_to_go(pid: u32) -> io::Result<()> {
    std::fs::write(format!("/proc/{pid}/oom_score_adj"), "1000")
}

/// The limit; a lower one, which the operator has set for all of us, stays: nobody may raise it.
fn at_most(most: u64, ours: Rlimit) -> Rlimit {
    let most = ours.maximum.map_or(most, |ours| ours.min(most));
    Rlimit {
        current: Some(ours.current.map_or(most, |ours| ours.min(most))),
        maximum: Some(most),
    }
}

impl Git {
    /// The same git, which neither writes nor remembers without bounds, and fetches for so long at the
    /// most.
    ///
    /// # Errors
    /// Like [`Git::new`].
    pub fn bounded(&self, patience: Duration) -> Result<Git, GitError> {
        Git::new(GitSettings {
            supervisor: Some(Arc::new(Bounds)),
            timeout: patience,
            ..self.settings().clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn it_ends_before_the_server_when_memory_gets_short() {
        let mut git = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        Bounds.enroll(git.id()).unwrap();
        let score = std::fs::read_to_string(format!("/proc/{}/oom_score_adj", git.id()));
        assert_eq!(score.unwrap().trim(), "1000");
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", git.id())).unwrap();
        let largest = limits
            .lines()
            .find(|line| line.starts_with("Max file size"));
        assert!(largest.unwrap().contains("1073741824"), "{limits}");
        drop(git.stdin.take());
        assert!(git.wait().unwrap().success());
    }

    #[test]
    fn an_operators_lower_limit_stays() {
        let limit = |current, maximum| Rlimit { current, maximum };
        for (ours, expected) in [
            (limit(None, None), limit(Some(8), Some(8))),
            (limit(Some(9), None), limit(Some(8), Some(8))),
            (limit(Some(3), Some(5)), limit(Some(3), Some(5))),
            (limit(Some(3), None), limit(Some(3), Some(8))),
        ] {
            assert_eq!(at_most(8, ours), expected, "{ours:?}");
        }
    }
}
