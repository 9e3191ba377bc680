//! `boatyard get …`

use super::{
    BuildArg, BuildLogs, BuildMetrics, Common, GetGlobalSecret, GetSecret, GetTag, ListBuilds,
    ProjectArg, ServiceArg,
};
use clap::{Args, Subcommand};

/// What to show.
#[derive(Debug, Subcommand)]
pub enum Get {
    /// Show a project and its services
    #[command(
        visible_alias = "projects",
        after_help = "\
Examples:
  boatyard get project --project shop"
    )]
    Project(GetProject),
    /// Show a service, or with a command below its builds and logs
    #[command(visible_alias = "services")]
    Service(Box<GetService>),
    /// Show a group of secrets of a project
    #[command(visible_alias = "secrets")]
    Secret(GetSecret),
    /// Show a secret of the account
    #[command(visible_alias = "global-secrets")]
    GlobalSecret(GetGlobalSecret),
    /// Show a tag
    #[command(visible_alias = "tags")]
    Tag(GetTag),
}

/// `get project`
#[derive(Debug, Args)]
pub struct GetProject {
    /// Which one.
    #[command(flatten)]
    pub of: ProjectArg,
    /// What every verb takes.
    #[command(flatten)]
    pub common: Common,
}

/// `get service`
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  boatyard get service --project shop --service web
  boatyard get service builds --project shop --service web
  boatyard get service build-logs --project shop --service web --tail"
)]
pub struct GetService {
    /// A part of the service instead of the service itself.
    #[command(subcommand)]
    pub part: Option<GetServicePart>,
    /// Which one.
    #[command(flatten)]
    pub of: ServiceArg,
    /// What every verb takes.
    #[command(flatten)]
    pub common: Common,
}

/// A part of a service.
#[derive(Debug, Subcommand)]
pub enum GetServicePart {
    /// List the service's builds, newest first
    Builds(ListBuilds),
    /// Show one build
    Build(GetBuild),
    /// Show or follow the log of a build
    #[command(visible_alias = "build-log")]
    BuildLogs(BuildLogs),
    /// Show what a build uses, or used
    BuildMetrics(BuildMetrics),
}

/// `get service build`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  boatyard get service build --project shop --service web --build joyous-view-6290
  docker pull \"$(boatyard get service build -p shop -s web -b joyous-view-6290 -o json | jq -r .registry.uri)\"")]
pub struct GetBuild {
    /// Which one.
    #[command(flatten)]
    pub of: BuildArg,
    /// What every verb takes.
    #[command(flatten)]
    pub common: Common,
}
