//! `boatyard start …` and `boatyard abort …`

use super::body::{from_root, key_value};
use super::{Body, BuildArg, Common, KeyValue, ServiceArg};
use clap::{Args, Subcommand};

/// What to start.
#[derive(Debug, Subcommand)]
pub enum Start {
    /// Start something of a service
    #[command(subcommand, visible_alias = "services")]
    Service(StartService),
}

/// What of a service.
#[derive(Debug, Subcommand)]
pub enum StartService {
    /// Start a build
    Build(Box<StartBuild>),
}

/// `start service build`
#[derive(Debug, Args)]
#[command(after_help = "\
With --wait the exit code says how it went: 0 the image is in the registry, 1 the build did not
succeed, 130 you stopped waiting, 2 something else went wrong, such as a server that was away for
two minutes. After 2 and 130 the build may go on.

Examples:
  boatyard start service build --project shop --service web --branch main --wait
  boatyard start service build -p shop -s web --sha 12c15e7ee25fd78f567ebf87f9178b8ad70025b3
  boatyard start service build -p shop -s web --branch main --arg VERSION=1.2 --target release
  boatyard start service build -p shop -s web --bundle-url https://example.com/web-1.2.tar.gz")]
pub struct StartBuild {
    /// Of which service.
    #[command(flatten)]
    pub of: ServiceArg,
    /// Build this branch's newest commit
    #[arg(long, value_name = "NAME")]
    pub branch: Option<String>,
    /// Build this commit
    #[arg(long, value_name = "SHA")]
    pub sha: Option<String>,
    /// Build this pull request's newest commit
    #[arg(
        long,
        alias = "pullRequestId",
        value_name = "NUMBER",
        conflicts_with = "branch"
    )]
    pub pull_request: Option<u64>,
    /// Build the archive at this URL, of a service that builds bundles
    #[arg(long, alias = "bundleUrl", value_name = "URL")]
    pub bundle_url: Option<String>,
    /// A build argument for this build only (repeatable); KEY alone takes the value from the environment
    #[arg(long = "arg", value_name = "KEY=VALUE", value_parser = key_value)]
    pub args: Vec<KeyValue>,
    /// The Dockerfile's stage to build, this time
    #[arg(long, value_name = "STAGE")]
    pub target: Option<String>,
    /// The Dockerfile's path in the repository, this time
    #[arg(long, value_name = "PATH", value_parser = from_root)]
    pub dockerfile: Option<String>,
    /// The build context's folder in the repository, this time
    #[arg(long, value_name = "PATH", value_parser = from_root)]
    pub workdir: Option<String>,
    /// Follow the log and exit with the build's result
    #[arg(short, long)]
    pub wait: bool,
    /// The rest of the body.
    #[command(flatten)]
    pub body: Body,
    /// What every verb takes.
    #[command(flatten)]
    pub common: Common,
}

/// What to stop.
#[derive(Debug, Subcommand)]
pub enum Abort {
    /// Stop something of a service
    #[command(subcommand, visible_alias = "services")]
    Service(AbortService),
}

/// What of a service.
#[derive(Debug, Subcommand)]
pub enum AbortService {
    /// Stop a build
    Build(AbortBuild),
}

/// `abort service build`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  boatyard abort service build --project shop --service web --build joyous-view-6290")]
pub struct AbortBuild {
    /// Which one.
    #[command(flatten)]
    pub of: BuildArg,
    /// What every verb takes.
    #[command(flatten)]
    pub common: Common,
}
