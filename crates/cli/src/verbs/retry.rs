//! `boatyard retry service build`

use super::start::started;
use crate::args::RetryBuild;
use crate::client::BuildPath;
use crate::connect::{Place, Session};
use crate::console::Console;
use crate::error::CliError;
use serde_json::json;
use std::process::ExitCode;

pub(super) async fn build(args: RetryBuild, console: &mut Console) -> Result<ExitCode, CliError> {
    let session = Session::open(console, &args.common.connection)?;
    let of = session.build(&args.of).await?;
    let mut path = of.segments().to_vec();
    path.push("retry");
    let body = json!({});
    let call = session.client.post(&path, &body);
    let data = session.at(&Place::build(&of), call).await?.data;
    let BuildPath {
        project, service, ..
    } = of;
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
