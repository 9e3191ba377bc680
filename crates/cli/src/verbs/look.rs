//! `boatyard get project`, `get service` and `get service build`

use crate::args::{Common, GetBuild, GetProject, ServiceArg};
use crate::connect::{Place, Session};
use crate::console::Console;
use crate::error::CliError;
use crate::render;

pub(super) async fn project(args: GetProject, console: &mut Console) -> Result<(), CliError> {
    let session = Session::open(console, &args.common.connection)?;
    let project = session.project(&args.of).await?;
    let path = ["projects", &project];
    let call = session.client.get(&path, &[]);
    let answer = session.at(&Place::project(&project), call).await?;
    render::show(
        console,
        args.common.shown.output,
        answer.data,
        render::project,
    )
}

pub(super) async fn service(
    of: ServiceArg,
    common: Common,
    console: &mut Console,
) -> Result<(), CliError> {
    let session = Session::open(console, &common.connection)?;
    let (project, service) = session.service(&of).await?;
    let path = ["projects", &project, "services", &service];
    let place = Place::service(&project, &service);
    let answer = session.at(&place, session.client.get(&path, &[])).await?;
    render::show(console, common.shown.output, answer.data, render::service)
}

pub(super) async fn build(args: GetBuild, console: &mut Console) -> Result<(), CliError> {
    let session = Session::open(console, &args.common.connection)?;
    let path = session.build(&args.of).await?;
    let segments = path.segments();
    let call = session.client.get(&segments, &[]);
    let answer = session.at(&Place::build(&path), call).await?;
    render::show(
        console,
        args.common.shown.output,
        answer.data,
        render::build,
    )
}
