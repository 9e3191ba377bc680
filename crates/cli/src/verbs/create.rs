//! `boatyard create …` and `boatyard put …`

use super::body::{read, set_some};
use super::service_body;
use crate::args::{CreateProject, CreateServiceBuild, Format};
use crate::client::{Answer, Client, ClientError};
use crate::connect::{Place, Session};
use crate::console::Console;
use crate::error::CliError;
use crate::render;
use serde_json::Value;

/// Whether something of that name may be there already.
#[derive(Clone, Copy)]
pub(super) enum How {
    /// It must be new.
    Create,
    /// It may be replaced.
    Put,
}

impl How {
    pub(super) async fn send(
        self,
        client: &Client,
        path: &[&str],
        body: &Value,
    ) -> Result<Answer, ClientError> {
        match self {
            How::Create => client.post(path, body).await,
            How::Put => client.put(path, body).await,
        }
    }
}

pub(super) async fn project(
    args: CreateProject,
    how: How,
    console: &mut Console,
) -> Result<(), CliError> {
    let session = Session::open(console, &args.common.connection)?.with_body(&args.body);
    let mut body = read(&args.body, console)?;
    set_some(&mut body, &["name"], args.name)?;
    set_some(&mut body, &["description"], args.description)?;
    set_some(&mut body, &["color"], args.color)?;
    set_some(&mut body, &["region"], args.region)?;
    let call = how.send(&session.client, &["projects"], &body);
    let answer = session.at(&Place::default(), call).await?;
    let id = id_of(&answer);
    render::show(
        console,
        args.common.shown.output,
        answer.data,
        render::project,
    )?;
    next(
        console,
        args.common.shown.output,
        &format!("boatyard create service build --project {id} --name NAME --repo URL"),
    )
}

pub(super) async fn service(
    args: CreateServiceBuild,
    how: How,
    console: &mut Console,
) -> Result<(), CliError> {
    let session = Session::open(console, &args.common.connection)?.with_body(&args.body);
    let project = session.project(&args.of).await?;
    let mut body = read(&args.body, console)?;
    set_some(&mut body, &["name"], args.name)?;
    service_body::apply(&args.fields, &mut body)?;
    service_body::complete(&mut body)?;
    if args.fields.repo.is_none() && !args.body.is_given() {
        let words = "which repository? Give its address with --repo URL";
        return Err(CliError::Usage(words.to_owned()));
    }
    let path = ["projects", &project, "services", "build"];
    let call = how.send(&session.client, &path, &body);
    let answer = session.at(&Place::project(&project), call).await?;
    let id = id_of(&answer);
    render::show(
        console,
        args.common.shown.output,
        answer.data,
        render::service,
    )?;
    next(
        console,
        args.common.shown.output,
        &format!(
            "boatyard start service build --project {project} --service {id} --branch main --wait"
        ),
    )
}

fn id_of(answer: &Answer) -> String {
    render::plain(answer.data["id"].as_str().unwrap_or("ID"))
}

/// Says what people usually do next; programs are not told.
fn next(console: &mut Console, format: Format, command: &str) -> Result<(), CliError> {
    if format == Format::Table {
        console.note(&format!("next: {command}"))?;
    }
    Ok(())
}
