//! How the server itself ends a build, in words.

use domain::{Reason, Status};
use store::Ending;

fn ending(reason: Reason, message: String) -> Ending {
    let status: Status = reason.status();
    Ending {
        status,
        reason: Some(reason),
        message,
        image: None,
        usage: None,
    }
}

pub(crate) fn worker_lost(how: &str) -> Ending {
    ending(Reason::WorkerLost, format!("The build's worker {how}"))
}

pub(crate) fn worker_not_started(why: &str) -> Ending {
    ending(
        Reason::WorkerNotStarted,
        format!("No worker could be started: {why}"),
    )
}

pub(crate) fn unschedulable_too_long(why: &str) -> Ending {
    ending(
        Reason::UnschedulableTooLong,
        format!("Gave up waiting. {why}"),
    )
}
