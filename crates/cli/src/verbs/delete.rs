//! `boatyard delete …`: asks first, since what is gone is gone.

use super::abort::NO_TABLE;
use crate::args::{Common, DeleteProject, DeleteService, Format};
use crate::connect::{Place, Session};
use crate::console::Console;
use crate::error::CliError;
use crate::render;

pub(super) async fn project(args: DeleteProject, console: &mut Console) -> Result<(), CliError> {
    let session = Session::open(console, &args.common.connection)?;
    let project = session.project(&args.of).await?;
    let everything = if args.delete_child_objects {
        " with all its services"
    } else {
        ""
    };
    let what = format!("project `{project}`{everything}");
    confirm(console, &what, args.force)?;
    let query: &[(&str, String)] = if args.delete_child_objects {
        &[("delete_child_objects", "true".to_owned())]
    } else {
        &[]
    };
    let path = ["projects", &project];
    delete(
        console,
        &session,
        &Place::project(&project),
        &path,
        query,
        &what,
        &args.common,
    )
    .await
}

pub(super) async fn service(args: DeleteService, console: &mut Console) -> Result<(), CliError> {
    let session = Session::open(console, &args.common.connection)?;
    let (project, service) = session.service(&args.of).await?;
    let what =
        format!("service `{service}` of project `{project}` with its builds, logs and images");
    confirm(console, &what, args.force)?;
    let path = ["projects", &project, "services", &service];
    let place = Place::service(&project, &service);
    delete(console, &session, &place, &path, &[], &what, &args.common).await
}

pub(super) async fn delete(
    console: &mut Console,
    session: &Session,
    place: &Place,
    path: &[&str],
    query: &[(&str, String)],
    what: &str,
    common: &Common,
) -> Result<(), CliError> {
    let answer = session
        .at(place, session.client.delete(path, query))
        .await?;
    match common.shown.output {
        Format::Table => Ok(console.say(&format!("deleted {what}"))?),
        format => render::show(console, format, answer.data, NO_TABLE),
    }
}

pub(super) fn confirm(console: &mut Console, what: &str, force: bool) -> Result<(), CliError> {
    if force {
        return Ok(());
    }
    if !console.look.in_is_terminal {
        return Err(CliError::Usage(format!(
            "not deleting {what} unasked: add --force"
        )));
    }
    if console.confirm(&format!("Delete {what}?"))? {
        Ok(())
    } else {
        Err(CliError::Usage("nothing was deleted".to_owned()))
    }
}
