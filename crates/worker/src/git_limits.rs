//! Git works for the build and within its limits: a repository is as hostile as a Dockerfile.

use std::any::Any;
use std::io;
use std::path::Path;
use std::sync::Arc;

use machine::Cgroup;

use crate::growth::Growth;

/// Holds git to the limits of one build.
#[derive(Debug)]
pub(crate) struct GitLimits {
    /// The build's control group, where the machine has them.
    pub(crate) group: Option<Arc<Cgroup>>,
    /// What the build has fetched, for its ephemeral storage.
    pub(crate) fetched: Growth,
}

impl git::Supervisor for GitLimits {
    fn enroll(&self, pid: u32) -> io::Result<()> {
        match &self.group {
            Some(group) => group.add(pid).map_err(io::Error::other),
            None => Ok(()),
        }
    }

    fn fetches_into(&self, mirror: &Path) -> Box<dyn Any + Send> {
        Box::new(self.fetched.of(mirror))
    }
}
