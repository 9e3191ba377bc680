//! `boatyard start service build`, and with `--wait` the build's whole way to its end.

use super::body::{arguments, read, set_some};
use crate::args::{Format, StartBuild};
use crate::client::{Build, BuildPath, parse};
use crate::connect::{Place, Session};
use crate::console::Console;
use crate::error::CliError;
use crate::follow::{self, Ending};
use crate::render;
use serde_json::Value;
use std::process::ExitCode;

/// The build did not succeed.
const NOT_BUILT: u8 = 1;
/// The person stopped waiting (128 + SIGINT).
const INTERRUPTED: u8 = 130;

pub(super) async fn build(args: StartBuild, console: &mut Console) -> Result<ExitCode, CliError> {
    let session = Session::open(console, &args.common.connection)?.with_body(&args.body);
    let (project, service) = session.service(&args.of).await?;
    let body = body(&args, console)?;
    let path = ["projects", &project, "services", &service, "build"];
    let call = session.client.post(&path, &body);
    let data = session
        .at(&Place::service(&project, &service), call)
        .await?
        .data;
    let format = args.common.shown.output;
    started(
        &session,
        console,
        (project, service),
        data,
        args.wait,
        format,
    )
    .await
}

/// Shows a build of a project's service that was just started, or with `wait` follows it to its end.
pub(super) async fn started(
    session: &Session,
    console: &mut Console,
    (project, service): (String, String),
    data: Value,
    wait: bool,
    format: Format,
) -> Result<ExitCode, CliError> {
    let build = read_build(data.clone())?;
    let path = BuildPath {
        project,
        service,
        build: build.id.clone(),
    };
    if wait {
        return to_the_end(session, console, path, build, format).await;
    }
    render::show(console, format, data, render::build)?;
    if format == Format::Table {
        console.note(&format!("next: {}", follow::command_to_tail(&path)))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn body(args: &StartBuild, console: &mut Console) -> Result<Value, CliError> {
    let mut body = read(&args.body, console)?;
    set_some(&mut body, &["branch"], args.branch.clone())?;
    set_some(&mut body, &["sha"], args.sha.clone())?;
    set_some(&mut body, &["pullRequestId"], args.pull_request)?;
    set_some(&mut body, &["bundleUrl"], args.bundle_url.clone())?;
    set_some(
        &mut body,
        &["overrides", "buildArguments"],
        arguments(&args.args),
    )?;
    let docker = |field| ["overrides", "docker", field];
    set_some(
        &mut body,
        &docker("dockerFilePath"),
        args.dockerfile.clone(),
    )?;
    set_some(&mut body, &docker("dockerWorkDir"), args.workdir.clone())?;
    set_some(&mut body, &docker("dockerfileTarget"), args.target.clone())?;
    Ok(body)
}

async fn to_the_end(
    session: &Session,
    console: &mut Console,
    path: BuildPath,
    build: Build,
    format: Format,
) -> Result<ExitCode, CliError> {
    match follow::to_the_end(session, console, &path, &build, format).await? {
        Ending::Interrupted => Ok(ExitCode::from(INTERRUPTED)),
        Ending::Concluded(build) => {
            if format == Format::Table {
                let now = (console.clock)();
                console.say(&render::outcome(&build, now))?;
            } else {
                let segments = path.segments();
                let call = session.client.get(&segments, &[]);
                let data = session.at(&Place::build(&path), call).await?.data;
                render::show(console, format, data, render::build)?;
            }
            Ok(if build.succeeded() {
                ExitCode::SUCCESS
            } else {
                ExitCode::from(NOT_BUILT)
            })
        }
    }
}

fn read_build(data: Value) -> Result<Build, CliError> {
    parse(data).map_err(|source| CliError::Call {
        explanation: source.to_string(),
        source,
    })
}
