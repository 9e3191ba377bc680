//! Why a build has to stop before its end, told once to everybody who works on it.
//!
//! Several things may want a build to stop at the same moment (a person, the clock, the disk); the
//! first one counts, so that a build has exactly one reason.

use std::sync::{Arc, OnceLock};

use domain::Reason;
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;

/// Why a build is stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The server asked for it.
    Asked,
    /// The token is no longer valid: the lease ran out, or another attempt has the build.
    Fenced,
    /// The server refused a call of ours for good.
    Refused(String),
    /// A limit was passed.
    Limit(Failure),
    /// This process was told to end.
    Terminated,
}

impl Cause {
    /// What the build ends with; `None` when its end is not ours to tell.
    pub(crate) fn failure(&self) -> Option<Failure> {
        match self {
            Cause::Asked => Some(Failure::new(
                Reason::AbortedByRequest,
                "The build was stopped on request",
            )),
            Cause::Limit(failure) => Some(failure.clone()),
            Cause::Terminated => Some(Failure::new(
                Reason::WorkerLost,
                "The worker was told to end before the build was done",
            )),
            Cause::Fenced | Cause::Refused(_) => None,
        }
    }
}

/// A switch that is thrown once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Halt {
    token: CancellationToken,
    cause: Arc<OnceLock<Cause>>,
    terminated: CancellationToken,
}

impl Halt {
    /// Stops the build; a later cause than the first changes nothing.
    pub(crate) fn raise(&self, cause: Cause) {
        // Set before cancelling: whoever wakes up finds the cause.
        let _ = self.cause.set(cause);
        self.token.cancel();
    }

    /// This process was told to end: whatever stopped the build, nothing keeps it for long now.
    pub(crate) fn terminate(&self) {
        self.raise(Cause::Terminated);
        self.terminated.cancel();
    }

    /// Waits until this process is told to end.
    pub(crate) async fn terminated(&self) {
        self.terminated.cancelled().await;
    }

    /// Why the build stops, once it does.
    pub(crate) fn cause(&self) -> Option<&Cause> {
        self.cause.get()
    }

    /// What to hand to those who only need to know that they must stop.
    pub(crate) fn token(&self) -> &CancellationToken {
        &self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_cause_counts() {
        let halt = Halt::default();
        assert_eq!(halt.cause(), None);
        halt.raise(Cause::Asked);
        halt.terminate();
        assert_eq!(halt.cause(), Some(&Cause::Asked));
        assert!(halt.token().is_cancelled());
    }
}
