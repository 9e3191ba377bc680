//! `boatyard create …`, `put …`, `patch …` and `delete …`

use super::{
    Body, Common, CreateGlobalSecret, CreateSecret, CreateTag, DeleteGlobalSecret, DeleteSecret,
    DeleteTag, PatchGlobalSecret, PatchSecret, PatchTag, ProjectArg, ServiceArg, ServiceFields,
};
use clap::{Args, Subcommand};

/// What to create.
#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "parsed once a run")]
pub enum Create {
    /// Create a project
    #[command(visible_alias = "projects")]
    Project(Box<CreateProject>),
    /// Create a service
    #[command(subcommand, visible_alias = "services")]
    Service(CreateService),
    /// Create a group of secrets of a project
    #[command(visible_alias = "secrets")]
    Secret(Box<CreateSecret>),
    /// Create a secret of the account, for values to refer to
    #[command(visible_alias = "global-secrets")]
    GlobalSecret(Box<CreateGlobalSecret>),
    /// Create a tag
    #[command(visible_alias = "tags")]
    Tag(Box<CreateTag>),
}

/// Which kind of service to create.
#[derive(Debug, Subcommand)]
pub enum CreateService {
    /// Create a service that builds a repository
    Build(Box<CreateServiceBuild>),
}

/// What to create or replace.
#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "parsed once a run")]
pub enum Put {
    /// Create or replace a project
    #[command(visible_alias = "projects")]
    Project(Box<CreateProject>),
    /// Create or replace a service
    #[command(subcommand, visible_alias = "services")]
    Service(PutService),
    /// Create or replace a group of secrets of a project
    #[command(visible_alias = "secrets")]
    Secret(Box<CreateSecret>),
    /// Create or replace a secret of the account, for values to refer to
    #[command(visible_alias = "global-secrets")]
    GlobalSecret(Box<CreateGlobalSecret>),
    /// Create or replace a tag
    #[command(visible_alias = "tags")]
    Tag(Box<CreateTag>),
}

/// Which kind of service to create or replace.
#[derive(Debug, Subcommand)]
pub enum PutService {
    /// Create or replace a service that builds a repository
    Build(Box<CreateServiceBuild>),
}

/// What to change.
#[derive(Debug, Subcommand)]
pub enum Patch {
    /// Change a project
    #[command(visible_alias = "projects")]
    Project(PatchProject),
    /// Change a service
    #[command(subcommand, visible_alias = "services")]
    Service(PatchService),
    /// Change a group of secrets of a project
    #[command(visible_alias = "secrets")]
    Secret(Box<PatchSecret>),
    /// Change a secret of the account, for values to refer to
    #[command(visible_alias = "global-secrets")]
    GlobalSecret(Box<PatchGlobalSecret>),
    /// Change a tag
    #[command(visible_alias = "tags")]
    Tag(Box<PatchTag>),
}

/// Which kind of service to change.
#[derive(Debug, Subcommand)]
pub enum PatchService {
    /// Change a service that builds a repository
    Build(Box<PatchServiceBuild>),
}

/// What to delete.
#[derive(Debug, Subcommand)]
pub enum Delete {
    /// Delete a project
    #[command(visible_alias = "projects")]
    Project(DeleteProject),
    /// Delete a service with its builds, logs and images
    #[command(visible_alias = "services")]
    Service(DeleteService),
    /// Delete a group of secrets of a project
    #[command(visible_alias = "secrets")]
    Secret(DeleteSecret),
    /// Delete a secret of the account, for values to refer to
    #[command(visible_alias = "global-secrets")]
    GlobalSecret(DeleteGlobalSecret),
    /// Delete a tag
    #[command(visible_alias = "tags")]
    Tag(DeleteTag),
}

/// What to change by the published command line's other word for it.
#[derive(Debug, Subcommand)]
pub enum Update {
    /// Change a group of secrets of a project
    #[command(visible_alias = "secrets")]
    Secret(Box<PatchSecret>),
}

/// What to create by the published command line's word for tags.
#[derive(Debug, Subcommand)]
pub enum Add {
    /// Create a tag
    #[command(visible_alias = "tags")]
    Tag(Box<CreateTag>),
}

/// `create project`, `put project`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  boatyard create project --name Shop
  boatyard create project --input '{\"name\": \"Shop\", \"region\": \"local\"}'
  boatyard put project --file project.yaml")]
pub struct CreateProject {
    /// Its name; the id is made from it
    #[arg(short, long, value_name = "NAME", required_unless_present_any = ["input", "file"])]
    pub name: Option<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// Its colour, like #EF233C, for programs that show projects
    #[arg(long, value_name = "COLOUR")]
    pub color: Option<String>,
    /// Its region; see `boatyard list regions`
    #[arg(long, value_name = "ID")]
    pub region: Option<String>,
    /// The rest of the body.
    #[command(flatten)]
    pub body: Body,
    /// What every verb takes.
    #[command(flatten)]
    pub common: Common,
}

/// `create service build`, `put service build`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  boatyard create service build --project shop --name Web --repo https://github.com/acme/web
  boatyard create service build -p shop --name Api --repo https://git.example.com/api.git \\
      --dockerfile docker/Dockerfile --target release --plan nf-compute-200-8 --arg GO_VERSION=1.25
  boatyard put service build -p shop --file web.yaml")]
pub struct CreateServiceBuild {
    /// Its name; the id is made from it
    #[arg(short, long, value_name = "NAME", required_unless_present_any = ["input", "file"])]
    pub name: Option<String>,
    /// In which project.
    #[command(flatten)]
    pub of: ProjectArg,
    /// The common fields.
    #[command(flatten)]
    pub fields: ServiceFields,
    /// The rest of the body.
    #[command(flatten)]
    pub body: Body,
    /// What every verb takes.
    #[command(flatten)]
    pub common: Common,
}

/// `patch project`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  boatyard patch project --project shop --description 'The web shop'")]
pub struct PatchProject {
    /// Which one.
    #[command(flatten)]
    pub of: ProjectArg,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// Its colour, like #EF233C, for programs that show projects
    #[arg(long, value_name = "COLOUR")]
    pub color: Option<String>,
    /// The rest of the body.
    #[command(flatten)]
    pub body: Body,
    /// What every verb takes.
    #[command(flatten)]
    pub common: Common,
}

/// `patch service build`
#[derive(Debug, Args)]
#[command(after_help = "\
Only what is given changes; --arg replaces all build arguments that were there.

Examples:
  boatyard patch service build --project shop --service web --plan nf-compute-400-16
  boatyard patch service build -p shop -s web --input '{\"buildConfiguration\": {\"includeGitFolder\": true}}'")]
pub struct PatchServiceBuild {
    /// Which one.
    #[command(flatten)]
    pub of: ServiceArg,
    /// The common fields.
    #[command(flatten)]
    pub fields: ServiceFields,
    /// The rest of the body.
    #[command(flatten)]
    pub body: Body,
    /// What every verb takes.
    #[command(flatten)]
    pub common: Common,
}

/// `delete project`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  boatyard delete project --project shop
  boatyard delete project --project shop --delete-child-objects --force")]
pub struct DeleteProject {
    /// Which one.
    #[command(flatten)]
    pub of: ProjectArg,
    /// Delete its services as well; without this, only an empty project can be deleted
    #[arg(long, alias = "delete_child_objects")]
    pub delete_child_objects: bool,
    /// Do not ask
    #[arg(long, short = 'y', visible_alias = "yes")]
    pub force: bool,
    /// What every verb takes.
    #[command(flatten)]
    pub common: Common,
}

/// `delete service`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  boatyard delete service --project shop --service web")]
pub struct DeleteService {
    /// Which one.
    #[command(flatten)]
    pub of: ServiceArg,
    /// Do not ask
    #[arg(long, short = 'y', visible_alias = "yes")]
    pub force: bool,
    /// What every verb takes.
    #[command(flatten)]
    pub common: Common,
}
