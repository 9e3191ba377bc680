//! How a build ended, told to the server.

use std::time::Duration;

use domain::Status;
use protocol::Conclusion;

use super::{Pushed, Stop};
use crate::halt::{Cause, Halt};
use crate::outcome::Outcome;
use crate::server::{CallError, Session};

/// How long a worker that was told to end offers the end of its build to a server that is away.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Tells the server how the build ended, once everything else was told.
pub(super) async fn conclude(
    session: Session,
    halt: &Halt,
    result: Result<Pushed, Stop>,
) -> Outcome {
    let failed = match (result, halt.cause()) {
        (Ok(pushed), _) => Ok(pushed),
        // Whatever failed after the switch was thrown failed because of it.
        (Err(_), Some(cause)) => match (cause.failure(), cause) {
            (Some(failure), _) => Err(failure),
            (None, Cause::Refused(why)) => return Outcome::Lost(why.clone()),
            (None, _) => return Outcome::Stopped,
        },
        (Err(Stop::Failed(failure)), None) => Err(failure),
        (Err(Stop::Halted), None) => return Outcome::Stopped,
    };
    let mut conclusion = match failed {
        Ok(pushed) => Conclusion {
            status: Status::Success,
            reason: None,
            message: "Image successfully built".to_owned(),
            digest: Some(pushed.digest),
            size: pushed.size,
        },
        Err(failure) => failure.conclusion(),
    };
    // An engine's words may quote what it was given.
    conclusion.message = session.log().mask().mask(conclusion.message);
    session.log().say(&conclusion.message);
    let stopped = halt.cause() == Some(&Cause::Asked);
    let told_to_end = async {
        halt.terminated().await;
        tokio::time::sleep(LAST_WORDS).await;
    };
    let told = tokio::select! {
        told = session.conclude(&conclusion, stopped) => told,
        () = told_to_end => {
            let why = "told to end before the server knew how the build ended";
            return Outcome::Lost(why.to_owned());
        }
    };
    match told {
        Ok(()) => Outcome::Concluded(conclusion.status),
        Err(CallError::Fenced) => Outcome::Stopped,
        Err(_) if stopped => Outcome::Stopped,
        Err(error) => Outcome::Lost(error.to_string()),
    }
}
