//! `boatyard worker`: one build, configured by its executor through the environment.

use anyhow::Context;
use std::process::ExitCode;

/// Runs the one build whose token the environment carries.
pub async fn run() -> anyhow::Result<ExitCode> {
    let config = worker::WorkerConfig::from_env()
        .context("a worker is started by `boatyard serve`, which tells it what to build")?;
    let outcome = worker::run(config).await;
    if let worker::Outcome::Lost(why) = &outcome {
        eprintln!("{why}");
    }
    Ok(ExitCode::from(&outcome))
}
