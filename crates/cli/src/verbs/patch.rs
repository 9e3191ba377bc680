//! `boatyard patch …`

use super::body::{read, set_some};
use super::service_body;
use crate::args::{PatchProject, PatchServiceBuild};
use crate::connect::{Place, Session};
use crate::console::Console;
use crate::error::CliError;
use crate::render;
use serde_json::Value;

pub(super) async fn project(args: PatchProject, console: &mut Console) -> Result<(), CliError> {
    let session = Session::open(console, &args.common.connection)?.with_body(&args.body);
    let project = session.project(&args.of).await?;
    let mut body = read(&args.body, console)?;
    set_some(&mut body, &["description"], args.description)?;
    set_some(&mut body, &["color"], args.color)?;
    something(&body)?;
    let path = ["projects", &project];
    let call = session.client.patch(&path, &body);
    let answer = session.at(&Place::project(&project), call).await?;
    render::show(
        console,
        args.common.shown.output,
        answer.data,
        render::project,
    )
}

pub(super) async fn service(
    args: PatchServiceBuild,
    console: &mut Console,
) -> Result<(), CliError> {
    let session = Session::open(console, &args.common.connection)?.with_body(&args.body);
    let (project, service) = session.service(&args.of).await?;
    let mut body = read(&args.body, console)?;
    service_body::apply(&args.fields, &mut body)?;
    something(&body)?;
    let path = ["projects", &project, "services", "build", &service];
    let place = Place::service(&project, &service);
    let answer = session
        .at(&place, session.client.patch(&path, &body))
        .await?;
    render::show(
        console,
        args.common.shown.output,
        answer.data,
        render::service,
    )
}

pub(super) fn something(body: &Value) -> Result<(), CliError> {
    if body.as_object().is_some_and(|fields| !fields.is_empty()) {
        return Ok(());
    }
    Err(CliError::Usage(
        "nothing to change: name a field, or give --input or --file".to_owned(),
    ))
}
