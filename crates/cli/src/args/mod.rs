//! The verbs and their flags. Names follow the published CLI, whose spellings (`--projectId`,
//! `--loadAll`, …) work as aliases, so that neither hands nor scripts need to relearn.

mod body;
mod builds;
mod change;
mod contexts;
mod list;
mod logs;
mod look;
mod metrics;
mod retry;
mod secrets;
mod thing;

pub use body::{Body, KeyValue, ServiceFields};
pub use builds::{Abort, AbortBuild, AbortService, Start, StartBuild, StartService};
pub use change::{
    Add, Create, CreateProject, CreateService, CreateServiceBuild, Delete, DeleteProject,
    DeleteService, Patch, PatchProject, PatchService, PatchServiceBuild, Put, PutService, Update,
};
pub use contexts::{ContextCommand, ContextUse, Login};
pub use list::{
    BuildFilters, List, ListBuilds, ListNotifications, ListProjects, ListServices, ListSimple,
    Paging,
};
pub use logs::{BuildLogs, LogOrder};
pub use look::{Get, GetBuild, GetProject, GetService, GetServicePart};
pub use metrics::BuildMetrics;
pub use retry::{Retry, RetryBuild, RetryService};
pub use secrets::{
    CreateGlobalSecret, CreateSecret, CreateTag, DeleteGlobalSecret, DeleteSecret, DeleteTag,
    GetGlobalSecret, GetSecret, GetTag, GlobalSecretFields, ListOfTeam, ListSecrets,
    PatchGlobalSecret, PatchSecret, PatchTag, SecretFields, TagFields,
};

use clap::{Args, ValueEnum};

/// The client verbs; the binary flattens them beside its own commands.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Remember a server and a token
    Login(Login),
    /// Show, choose or forget remembered servers
    #[command(subcommand, visible_alias = "contexts")]
    Context(ContextCommand),
    /// List projects, services, builds, secrets, tags, notifications, plans or regions
    #[command(subcommand)]
    List(List),
    /// Show a project, a service, its builds or their logs, secrets or a tag
    #[command(subcommand)]
    Get(Get),
    /// Create a project, a build service, secrets or a tag
    #[command(subcommand)]
    Create(Create),
    /// Create or replace a project, a build service, secrets or a tag
    #[command(subcommand)]
    Put(Put),
    /// Change some fields of a project, a build service, secrets or a tag
    #[command(subcommand)]
    Patch(Patch),
    /// The same as `patch`, for secrets of a project
    #[command(subcommand, hide = true)]
    Update(Update),
    /// The same as `create`, for tags
    #[command(subcommand, hide = true)]
    Add(Add),
    /// Delete a project, a service, secrets or a tag
    #[command(subcommand)]
    Delete(Delete),
    /// Start a build
    #[command(subcommand)]
    Start(Start),
    /// Start a build again
    #[command(subcommand)]
    Retry(Retry),
    /// Stop a build
    #[command(subcommand)]
    Abort(Abort),
}

/// How to show results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Table,
    /// The `data` part of the server's answer
    Json,
    /// The same as YAML
    Yaml,
}

/// How a result is shown.
#[derive(Clone, Debug, Default, Args)]
pub struct Shown {
    /// How to show the result: table, json or yaml
    #[arg(
        short,
        long,
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        hide_possible_values = true
    )]
    pub output: Format,
}

/// What every verb takes.
#[derive(Clone, Debug, Default, Args)]
pub struct Common {
    /// How to show the result.
    #[command(flatten)]
    pub shown: Shown,
    /// Where to send it.
    #[command(flatten)]
    pub connection: Connection,
}

/// Which server, and with which token.
#[derive(Clone, Default, Args)]
pub struct Connection {
    /// The server's address (or BOATYARD_HOST), instead of the current context's
    #[arg(help_heading = "Connection", long, value_name = "URL")]
    pub host: Option<String>,
    /// The token (or BOATYARD_TOKEN, which keeps it out of the process list)
    #[arg(help_heading = "Connection", long, value_name = "TOKEN")]
    pub token: Option<String>,
    /// The remembered server to use (or BOATYARD_CONTEXT)
    #[arg(
        help_heading = "Connection",
        long,
        value_name = "NAME",
        conflicts_with = "host"
    )]
    pub context: Option<String>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("host", &self.host)
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}

/// Which project.
#[derive(Clone, Debug, Default, Args)]
pub struct ProjectArg {
    /// Id of the project (or BOATYARD_PROJECT, or the context's default)
    #[arg(short, long, alias = "projectId", value_name = "ID")]
    pub project: Option<String>,
}

/// Which service.
#[derive(Clone, Debug, Default, Args)]
pub struct ServiceArg {
    /// Of which project.
    #[command(flatten)]
    pub of: ProjectArg,
    /// Id of the service (or BOATYARD_SERVICE, or the context's default)
    #[arg(short, long, alias = "serviceId", value_name = "ID")]
    pub service: Option<String>,
}

/// Which build.
#[derive(Clone, Debug, Default, Args)]
pub struct BuildArg {
    /// Of which service.
    #[command(flatten)]
    pub of: ServiceArg,
    /// Id of the build, like joyous-view-6290
    #[arg(short, long, alias = "buildId", value_name = "ID")]
    pub build: Option<String>,
}
