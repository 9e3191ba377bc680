//! Who inherits whom: orphans come to the worker, and a child dies with its parent.
//!
//! A build's processes daemonise and change sessions; without a subreaper their orphans go to
//! init and nobody waits for them.

use rustix::process::{
    Signal, getpid, getppid, set_child_subreaper, set_parent_process_death_signal,
};

/// Why a process could not change its place in the process tree.
#[derive(Debug, thiserror::Error)]
pub enum LineageError {
    /// The kernel said no.
    #[error("the kernel refused: {0}")]
    Kernel(#[from] rustix::io::Errno),
    /// The parent was gone before the request could take hold.
    #[error("the parent process {expected} is gone")]
    ParentGone {
        /// The parent that was expected.
        expected: u32,
    },
}

/// Makes this process the one that orphaned descendants are handed to. It must then reap them.
///
/// # Errors
/// When the kernel refuses, which no Linux since 3.4 does.
pub fn become_subreaper() -> Result<(), LineageError> {
    Ok(set_child_subreaper(Some(getpid()))?)
}

/// Has this process receive SIGKILL when its parent ends; `parent` is the process id the parent
/// wrote down when it started us.
///
/// To be called early by a process that was started for one job (the request survives `exec`, but
/// not `fork`). "Parent" means the *thread* that started it: a parent that uses a thread pool must
/// start such children from a thread that lives as long as itself.
///
/// # Errors
/// [`LineageError::ParentGone`] when the parent died before the request took hold.
pub fn die_with_parent(parent: u32) -> Result<(), LineageError> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let now = getppid().and_then(|pid| u32::try_from(pid.as_raw_nonzero().get()).ok());
    if now == Some(parent) {
        Ok(())
    } else {
        Err(LineageError::ParentGone { expected: parent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_that_is_gone_is_noticed() {
        let parent = std::os::unix::process::parent_id();
        die_with_parent(parent).unwrap();
        let wrong = die_with_parent(std::process::id());
        assert!(matches!(wrong, Err(LineageError::ParentGone { .. })));
        set_parent_process_death_signal(None).unwrap();
        become_subreaper().unwrap();
    }
}
