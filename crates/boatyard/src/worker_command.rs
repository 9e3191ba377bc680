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
    /// Hide what this plan says, then become the command: how a build's namespaces are made
    #[arg(long, value_name = "PLAN", requires = "command")]
    veil: Option<String>,
    /// Unpack the archive that this plan names: how a bundle is held to its build's limits
    #[arg(long, value_name = "PLAN")]
    unpack: Option<String>,
    #[arg(last = true)]
    command: Vec<std::ffi::OsString>,
}

impl WorkerArgs {
    /// What a worker starts its own program for, once more: done before anything else is, on one
    /// thread. `None` when this is a worker itself.
    pub fn errand(&self) -> Option<std::io::Result<()>> {
        if let Some(plan) = &self.veil {
            return Some(Err(worker::become_veiled(plan, &self.command)));
        }
        if let Some(plan) = &self.unpack {
            return Some(worker::unpack_errand(plan));
        }
        self.listeners.map(worker::hand_over_listeners)
    }
}

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
