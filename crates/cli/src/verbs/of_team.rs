//! Secrets of the account and tags: what a team has, all of it in the same manner.

use super::body::{arguments, read, set_some};
use super::create::How;
use super::delete::{confirm, delete};
use super::list::{List, show};
use super::patch::something;
use super::secrets::{Kind, look, or_default, word};
use crate::args::{
    Body, Common, CreateGlobalSecret, CreateTag, DeleteGlobalSecret, DeleteTag, GetGlobalSecret,
    GetTag, GlobalSecretFields, ListOfTeam, PatchGlobalSecret, PatchTag, TagFields,
};
use crate::connect::{Place, Session};
use crate::console::Console;
use crate::error::CliError;
use crate::render;
use serde_json::Value;

const GLOBAL_SECRET: Kind = Kind {
    name: "secret of the account",
    view: render::global_secret,
};
const TAG: Kind = Kind {
    name: "tag",
    view: render::tag,
};

pub(super) async fn list_global(args: ListOfTeam, console: &mut Console) -> Result<(), CliError> {
    let list = List::new(
        &["secrets"],
        "secrets",
        render::global_secrets,
        Place::default(),
    );
    of_team(list, args, console).await
}

pub(super) async fn list_tags(args: ListOfTeam, console: &mut Console) -> Result<(), CliError> {
    let list = List::new(&["tags"], "tags", render::tags, Place::default());
    of_team(list, args, console).await
}

async fn of_team(list: List<'_>, args: ListOfTeam, console: &mut Console) -> Result<(), CliError> {
    let session = Session::open(console, &args.common.connection)?;
    show(console, &session, list, &args.paging, &args.common).await
}

pub(super) async fn get_global(
    args: GetGlobalSecret,
    console: &mut Console,
) -> Result<(), CliError> {
    let session = Session::open(console, &args.common.connection)?;
    let path = ["secrets", &args.of.secret];
    let place = Place::default();
    look(
        console,
        &session,
        &place,
        &path,
        GLOBAL_SECRET,
        &args.common,
    )
    .await
}

pub(super) async fn get_tag(args: GetTag, console: &mut Console) -> Result<(), CliError> {
    let session = Session::open(console, &args.common.connection)?;
    let path = ["tags", &args.of.tag];
    look(
        console,
        &session,
        &Place::default(),
        &path,
        TAG,
        &args.common,
    )
    .await
}

pub(super) async fn create_global(
    args: CreateGlobalSecret,
    how: How,
    console: &mut Console,
) -> Result<(), CliError> {
    let mut body = read(&args.body, console)?;
    set_some(&mut body, &["name"], args.name)?;
    global_fields(&mut body, args.fields)?;
    or_default(&mut body, "type", "secret");
    make(
        console,
        how,
        "secrets",
        &body,
        &args.body,
        GLOBAL_SECRET,
        &args.common,
    )
    .await
}

pub(super) async fn create_tag(
    args: CreateTag,
    how: How,
    console: &mut Console,
) -> Result<(), CliError> {
    let mut body = read(&args.body, console)?;
    set_some(&mut body, &["name"], args.name)?;
    tag_fields(&mut body, args.fields)?;
    make(console, how, "tags", &body, &args.body, TAG, &args.common).await
}

/// Makes something of the team's.
async fn make(
    console: &mut Console,
    how: How,
    path: &str,
    body: &Value,
    given: &Body,
    kind: Kind,
    common: &Common,
) -> Result<(), CliError> {
    let session = Session::open(console, &common.connection)?.with_body(given);
    let call = how.send(&session.client, std::slice::from_ref(&path), body);
    let answer = session.at(&Place::default(), call).await?;
    render::show(console, common.shown.output, answer.data, kind.view)
}

pub(super) async fn patch_global(
    args: PatchGlobalSecret,
    console: &mut Console,
) -> Result<(), CliError> {
    let mut body = read(&args.body, console)?;
    global_fields(&mut body, args.fields)?;
    let path = ["secrets", &args.of.secret];
    change(
        console,
        &path,
        &body,
        &args.body,
        GLOBAL_SECRET,
        &args.common,
    )
    .await
}

pub(super) async fn patch_tag(args: PatchTag, console: &mut Console) -> Result<(), CliError> {
    let mut body = read(&args.body, console)?;
    tag_fields(&mut body, args.fields)?;
    let path = ["tags", &args.of.tag];
    change(console, &path, &body, &args.body, TAG, &args.common).await
}

/// Changes something of the team's.
async fn change(
    console: &mut Console,
    path: &[&str],
    body: &Value,
    given: &Body,
    kind: Kind,
    common: &Common,
) -> Result<(), CliError> {
    something(body)?;
    let session = Session::open(console, &common.connection)?.with_body(given);
    let call = session.client.patch(path, body);
    let answer = session.at(&Place::default(), call).await?;
    render::show(console, common.shown.output, answer.data, kind.view)
}

pub(super) async fn remove_global(
    args: DeleteGlobalSecret,
    console: &mut Console,
) -> Result<(), CliError> {
    let path = ["secrets", &args.of.secret];
    drop_one(console, &path, GLOBAL_SECRET, args.force, &args.common).await
}

pub(super) async fn remove_tag(args: DeleteTag, console: &mut Console) -> Result<(), CliError> {
    let path = ["tags", &args.of.tag];
    drop_one(console, &path, TAG, args.force, &args.common).await
}

/// Deletes something of the team's.
async fn drop_one(
    console: &mut Console,
    path: &[&str; 2],
    kind: Kind,
    force: bool,
    common: &Common,
) -> Result<(), CliError> {
    let session = Session::open(console, &common.connection)?;
    let what = format!("{} `{}`", kind.name, path[1]);
    confirm(console, &what, force)?;
    let place = Place::default();
    delete(console, &session, &place, path, &[], &what, common).await
}

fn global_fields(body: &mut Value, fields: GlobalSecretFields) -> Result<(), CliError> {
    set_some(body, &["description"], fields.description)?;
    set_some(body, &["type"], fields.kind.map(word))?;
    set_some(body, &["secrets", "values"], arguments(&fields.values))
}

fn tag_fields(body: &mut Value, fields: TagFields) -> Result<(), CliError> {
    set_some(body, &["description"], fields.description)?;
    set_some(body, &["color"], fields.color)
}
