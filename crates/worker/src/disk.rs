//! Noticing that the machine's disk is full. What a failed step wrote is removed before the engine
//! ends, so looking afterwards is too late: the look has to come when a program complains.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::Reason;

use crate::failure::Failure;

/// With less free space than this, whatever failed has most likely failed for want of it.
const FULL_BELOW: u64 = 32 << 20;
/// How the system says it, in every program's mouth.
const COMPLAINT: &str = "no space left on device";

/// Watches the disks that a build writes to.
#[derive(Debug)]
pub(crate) struct DiskWatch {
    folders: Vec<PathBuf>,
    was_full: AtomicBool,
}

impl DiskWatch {
    /// Watches the disks of these folders.
    pub(crate) fn new(folders: Vec<PathBuf>) -> DiskWatch {
        DiskWatch {
            folders,
            was_full: AtomicBool::new(false),
        }
    }

    /// Hears a line of a program's. Its word alone proves nothing: a step has small disks of its
    /// own, such as `/dev/shm`, and may print what it likes.
    pub(crate) fn hear(&self, line: &str) {
        if line.to_ascii_lowercase().contains(COMPLAINT) && self.is_full() {
            self.was_full.store(true, Ordering::Relaxed);
        }
    }

    /// The failure as it is, or a full disk where that is what it comes from.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        let may_come_of_it = matches!(
            failure.reason,
            Reason::StepFailed | Reason::GitFailed | Reason::EngineFailed
        );
        if may_come_of_it && (self.was_full.load(Ordering::Relaxed) || self.is_full()) {
            let message = format!("The machine's disk is full: {}", failure.message);
            return Failure::new(Reason::DiskFull, message);
        }
        failure
    }

    fn is_full(&self) -> bool {
        let free = |folder: &PathBuf| machine::disk_free(folder).unwrap_or(u64::MAX);
        self.folders.iter().any(|folder| free(folder) < FULL_BELOW)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_is_believed_only_when_the_disk_is_full() {
        let dir = tempfile::tempdir().unwrap();
        let watch = DiskWatch::new(vec![dir.path().to_path_buf()]);
        watch.hear("dd: error writing '/dev/shm/x': No space left on device");
        let failure = Failure::new(Reason::StepFailed, "`RUN x` exited with code 1");
        assert_eq!(watch.explain(failure.clone()), failure);
        watch.was_full.store(true, Ordering::Relaxed);
        assert_eq!(watch.explain(failure).reason, Reason::DiskFull);
        let other = Failure::new(Reason::DockerfileInvalid, "no FROM");
        assert_eq!(watch.explain(other.clone()), other);
    }
}
