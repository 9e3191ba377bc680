//! `boatyard retry …`

use super::{BuildArg, Common};
use clap::{Args, Subcommand};

/// What to start again.
#[derive(Debug, Subcommand)]
pub enum Retry {
    /// Start something of a service again
    #[command(subcommand, visible_alias = "services")]
    Service(RetryService),
}

/// What of a service.
#[derive(Debug, Subcommand)]
pub enum RetryService {
    /// Start a build again: the same commit, with what it was started with
    Build(RetryBuild),
}

/// `retry service build`
#[derive(Debug, Args)]
#[command(after_help = "\
Only a build that is over can be retried. With --wait the exit code is that of `start service build`.

Examples:
  boatyard retry service build --project shop --service web --build joyous-view-6290 --wait")]
pub struct RetryBuild {
    /// Which one.
    #[command(flatten)]
    pub of: BuildArg,
    /// Follow the log and exit with the build's result
    #[arg(short, long)]
    pub wait: bool,
    /// What every verb takes.
    #[command(flatten)]
    pub common: Common,
}
