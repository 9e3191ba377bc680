//! Who answers for what git uses: processor, memory and processes by way of its processes, and the
//! disk by way of the mirrors that it fills.

use std::any::Any;
use std::fmt::Debug;
use std::io;
use std::path::Path;

/// Holds git to limits that its caller has.
pub trait Supervisor: Debug + Send + Sync {
    /// Takes charge of a git process before it does anything. What it starts are its children.
    ///
    /// # Errors
    /// When that cannot be done; the process is then ended.
    fn enroll(&self, pid: u32) -> io::Result<()>;

    /// Something is about to be fetched into this mirror, and nobody else writes to it. What is
    /// returned is dropped when the fetch has come to its end, whatever end that is.
    fn fetches_into(&self, mirror: &Path) -> Box<dyn Any + Send>;
}
