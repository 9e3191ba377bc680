//! What a worker's process ends with. The build's result is the server's to keep; the exit code
//! only says whether the worker did its part.

use std::process::ExitCode;

use domain::Status;

/// How a worker's run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The build has ended and the server knows how.
    Concluded(Status),
    /// The server did not want the build to go on; everything was stopped and cleared away.
    Stopped,
    /// The server could not be told, for this reason; the build's lease will run out.
    Lost(String),
}

impl From<&Outcome> for ExitCode {
    fn from(outcome: &Outcome) -> ExitCode {
        match outcome {
            Outcome::Concluded(_) | Outcome::Stopped => ExitCode::SUCCESS,
            Outcome::Lost(_) => ExitCode::FAILURE,
        }
    }
}
