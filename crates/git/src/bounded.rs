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
