//! `boatyard worker`: one build, configured by its executor through the environment.

use anyhow::Context;
use std::process::ExitCode;

/// Options of `boatyard worker`.
#[derive(clap::Args)]
pub struct WorkerArgs {
    /// Bind this many sockets on loopback and hand them over standard output: how a worker comes to
    /// listen in its build's network
    #[arg(long, value_name = "COUNT")]
    listeners: Option<usize>,
}

/// Runs the one build whose token the environment carries.
pub async fn run(args: &WorkerArgs) -> anyhow::Result<ExitCode> {
    if let Some(count) = args.listeners {
        worker::hand_over_listeners(count)?;
        return Ok(ExitCode::SUCCESS);
    }
    let config = worker::WorkerConfig::from_env()
        .context("a worker is started by `boatyard serve`, which tells it what to build")?;
    let outcome = worker::run(config).await;
    if let worker::Outcome::Lost(why) = &outcome {
        eprintln!("{why}");
    }
    Ok(ExitCode::from(&outcome))
}
