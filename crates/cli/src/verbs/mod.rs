//! What the verbs do.

mod abort;
mod body;
mod contexts;
mod create;
mod delete;
mod list;
mod login;
mod logs;
mod look;
mod metrics;
mod of_team;
mod patch;
mod retry;
mod secrets;
mod service_body;
mod start;

use crate::args::{
    Abort, AbortService, Add, Command, Create, CreateService, Delete, Get, GetService,
    GetServicePart, List, Patch, PatchService, Put, PutService, Retry, RetryService, Start,
    StartService, Update,
};
use crate::console::Console;
use crate::error::CliError;
use create::How;
use secrets::Change;
use std::process::ExitCode;

pub(crate) async fn run(command: Command, console: &mut Console) -> Result<ExitCode, CliError> {
    match command {
        Command::Login(args) => login::login(args, console).await?,
        Command::Context(command) => contexts::run(command, console)?,
        Command::List(what) => list(what, console).await?,
        Command::Get(what) => get(what, console).await?,
        Command::Create(what) => match what {
            Create::Project(args) => create::project(*args, How::Create, console).await?,
            Create::Service(CreateService::Build(args)) => {
                create::service(*args, How::Create, console).await?;
            }
            Create::Secret(args) => secrets::create(*args, How::Create, console).await?,
            Create::GlobalSecret(args) => {
                of_team::create_global(*args, How::Create, console).await?;
            }
            Create::Tag(args) => of_team::create_tag(*args, How::Create, console).await?,
        },
        Command::Add(Add::Tag(args)) => {
            of_team::create_tag(*args, How::Create, console).await?;
        }
        Command::Put(what) => match what {
            Put::Project(args) => create::project(*args, How::Put, console).await?,
            Put::Service(PutService::Build(args)) => {
                create::service(*args, How::Put, console).await?;
            }
            Put::Secret(args) => secrets::create(*args, How::Put, console).await?,
            Put::GlobalSecret(args) => of_team::create_global(*args, How::Put, console).await?,
            Put::Tag(args) => of_team::create_tag(*args, How::Put, console).await?,
        },
        Command::Patch(what) => match what {
            Patch::Project(args) => patch::project(args, console).await?,
            Patch::Service(PatchService::Build(args)) => patch::service(*args, console).await?,
            Patch::Secret(args) => secrets::patch(*args, Change::Patch, console).await?,
            Patch::GlobalSecret(args) => of_team::patch_global(*args, console).await?,
            Patch::Tag(args) => of_team::patch_tag(*args, console).await?,
        },
        Command::Update(Update::Secret(args)) => {
            secrets::patch(*args, Change::Update, console).await?;
        }
        Command::Delete(what) => match what {
            Delete::Project(args) => delete::project(args, console).await?,
            Delete::Service(args) => delete::service(args, console).await?,
            Delete::Secret(args) => secrets::remove(args, console).await?,
            Delete::GlobalSecret(args) => of_team::remove_global(args, console).await?,
            Delete::Tag(args) => of_team::remove_tag(args, console).await?,
        },
        Command::Start(Start::Service(StartService::Build(args))) => {
            return start::build(*args, console).await;
        }
        Command::Retry(Retry::Service(RetryService::Build(args))) => {
            return retry::build(args, console).await;
        }
        Command::Abort(Abort::Service(AbortService::Build(args))) => {
            abort::build(args, console).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(what: List, console: &mut Console) -> Result<(), CliError> {
    match what {
        List::Projects(args) => list::projects(args, console).await,
        List::Services(args) => list::services(args, console).await,
        List::Builds(args) => list::builds(args, console).await,
        List::Notifications(args) => list::notifications(args, console).await,
        List::Secrets(args) => secrets::list(args, console).await,
        List::GlobalSecrets(args) => of_team::list_global(args, console).await,
        List::Tags(args) => of_team::list_tags(args, console).await,
        List::Plans(args) => list::plans(args, console).await,
        List::Regions(args) => list::regions(args, console).await,
    }
}

async fn get(what: Get, console: &mut Console) -> Result<(), CliError> {
    match what {
        Get::Project(args) => look::project(args, console).await,
        Get::Secret(args) => secrets::get(args, console).await,
        Get::GlobalSecret(args) => of_team::get_global(args, console).await,
        Get::Tag(args) => of_team::get_tag(args, console).await,
        Get::Service(args) => match *args {
            GetService {
                part: Some(GetServicePart::Builds(args)),
                ..
            } => list::builds(args, console).await,
            GetService {
                part: Some(GetServicePart::Build(args)),
                ..
            } => look::build(args, console).await,
            GetService {
                part: Some(GetServicePart::BuildLogs(args)),
                ..
            } => logs::show(args, console).await,
            GetService {
                part: Some(GetServicePart::BuildMetrics(args)),
                ..
            } => metrics::show(args, console).await,
            GetService {
                part: None,
                of,
                common,
            } => look::service(of, common, console).await,
        },
    }
}
