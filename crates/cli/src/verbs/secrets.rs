//! Groups of secrets of a project.

use super::body::{arguments, read, set_some};
use super::create::How;
use super::delete::{confirm, delete};
use super::list::{List, show};
use super::patch::something;
use crate::args::{
    Common, CreateSecret, DeleteSecret, GetSecret, ListSecrets, PatchSecret, SecretFields,
};
use crate::connect::{Place, Session};
use crate::console::Console;
use crate::error::CliError;
use crate::render::{self, View};
use clap::ValueEnum;
use serde_json::Value;

/// A kind of thing: what it is called, and how one is shown.
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) view: View,
}

const SECRET: Kind = Kind {
    name: "group of secrets",
    view: render::secret,
};

pub(super) async fn list(args: ListSecrets, console: &mut Console) -> Result<(), CliError> {
    let session = Session::open(console, &args.common.connection)?;
    let project = session.project(&args.of).await?;
    let path = ["projects", &project, "secrets"];
    let list = List::new(&path, "secrets", render::secrets, Place::project(&project));
    show(console, &session, list, &args.paging, &args.common).await
}

pub(super) async fn get(args: GetSecret, console: &mut Console) -> Result<(), CliError> {
    let session = Session::open(console, &args.common.connection)?;
    let project = session.project(&args.of.of).await?;
    let path = ["projects", &project, "secrets", &args.of.secret];
    let place = Place::project(&project);
    look(console, &session, &place, &path, SECRET, &args.common).await
}

pub(super) async fn look(
    console: &mut Console,
    session: &Session,
    place: &Place,
    path: &[&str],
    kind: Kind,
    common: &Common,
) -> Result<(), CliError> {
    let answer = session.at(place, session.client.get(path, &[])).await?;
    render::show(console, common.shown.output, answer.data, kind.view)
}

pub(super) async fn create(
    args: CreateSecret,
    how: How,
    console: &mut Console,
) -> Result<(), CliError> {
    let session = Session::open(console, &args.common.connection)?.with_body(&args.body);
    let project = session.project(&args.of).await?;
    let mut body = read(&args.body, console)?;
    set_some(&mut body, &["name"], args.name)?;
    secret_fields(&mut body, args.fields)?;
    or_default(&mut body, "secretType", "arguments");
    or_default(&mut body, "priority", 0);
    let path = ["projects", &project, "secrets"];
    let call = how.send(&session.client, &path, &body);
    let answer = session.at(&Place::project(&project), call).await?;
    render::show(console, args.common.shown.output, answer.data, SECRET.view)
}

/// How a group of secrets is changed: the published API has two calls for it.
#[derive(Clone, Copy)]
pub(super) enum Change {
    Patch,
    Update,
}

pub(super) async fn patch(
    args: PatchSecret,
    how: Change,
    console: &mut Console,
) -> Result<(), CliError> {
    let session = Session::open(console, &args.common.connection)?.with_body(&args.body);
    let project = session.project(&args.of.of).await?;
    let mut body = read(&args.body, console)?;
    secret_fields(&mut body, args.fields)?;
    something(&body)?;
    let path = ["projects", &project, "secrets", &args.of.secret];
    let place = Place::project(&project);
    let answer = match how {
        Change::Patch => {
            session
                .at(&place, session.client.patch(&path, &body))
                .await?
        }
        Change::Update => {
            session
                .at(&place, session.client.post(&path, &body))
                .await?
        }
    };
    render::show(console, args.common.shown.output, answer.data, SECRET.view)
}

pub(super) async fn remove(args: DeleteSecret, console: &mut Console) -> Result<(), CliError> {
    let session = Session::open(console, &args.common.connection)?;
    let project = session.project(&args.of.of).await?;
    let what = format!(
        "{} `{}` of project `{project}`",
        SECRET.name, args.of.secret
    );
    confirm(console, &what, args.force)?;
    let path = ["projects", &project, "secrets", &args.of.secret];
    let place = Place::project(&project);
    delete(console, &session, &place, &path, &[], &what, &args.common).await
}

fn secret_fields(body: &mut Value, fields: SecretFields) -> Result<(), CliError> {
    set_some(body, &["description"], fields.description)?;
    set_some(body, &["type"], fields.kind.map(word))?;
    set_some(body, &["secretType"], fields.secret_type.map(word))?;
    set_some(body, &["priority"], fields.priority)?;
    let variables = arguments(&fields.variables);
    set_some(body, &["secrets", "variables"], variables)
}

/// The word on the wire, which is the flag's.
pub(super) fn word(value: impl ValueEnum) -> String {
    let word = value.to_possible_value();
    word.map_or_else(String::new, |word| word.get_name().to_owned())
}

/// What nobody has said is what most mean.
pub(super) fn or_default(body: &mut Value, field: &str, usual: impl Into<Value>) {
    if let Some(fields) = body.as_object_mut() {
        fields.entry(field).or_insert_with(|| usual.into());
    }
}
