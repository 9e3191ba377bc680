//! Git within bounds, where no build's limits hold it: for looks at repositories that nobody asked for.

use std::any::Any;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, prlimit};

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
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or(io::ErrorKind::NotFound)?;
        for (resource, most) in [(Resource::Fsize, LARGEST_FILE), (Resource::As, MEMORY)] {
            let limit = Rlimit {
                current: Some(most),
                maximum: Some(most),
            };
            prlimit(Some(pid), resource, limit)?;
        }
        Ok(())
    }

    fn fetches_into(&self, _: &Path) -> Box<dyn Any + Send> {
        Box::new(())
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
