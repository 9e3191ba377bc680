//! Groups of secrets, secrets of the account and tags as tables. Values are left out: whoever looks over
//! a shoulder could read them.

use super::detail::Detail;
use super::table::{Cell, Sheet};
use super::time::ago;
use crate::client::{ClientError, SecretGroup, Tag, parse, parse_rows};
use jiff::Timestamp;
use serde_json::Value;

pub(crate) fn secrets(data: Value, _now: Timestamp) -> Result<Sheet, ClientError> {
    let mut sheet = Sheet::new(
        &["ID", "NAME", "TYPE", "FOR", "PRIORITY", "DESCRIPTION"],
        "no groups of secrets; create one with `boatyard create secret --name NAME --var KEY=VALUE`",
    );
    for group in parse_rows::<SecretGroup>(data, "secrets")? {
        sheet.row(vec![
            Cell::new(&group.id),
            Cell::new(&group.name),
            Cell::new(&group.kind),
            Cell::or_dash(group.secret_type.as_deref()),
            Cell::or_dash(group.priority.map(|priority| priority.to_string())),
            Cell::or_dash(group.description.as_deref()),
        ]);
    }
    Ok(sheet)
}

pub(crate) fn global_secrets(data: Value, _now: Timestamp) -> Result<Sheet, ClientError> {
    let mut sheet = Sheet::new(
        &["ID", "NAME", "TYPE", "DESCRIPTION"],
        "no secrets of the account; create one with `boatyard create global-secret --name NAME --value KEY=VALUE`",
    );
    for secret in parse_rows::<SecretGroup>(data, "secrets")? {
        sheet.row(vec![
            Cell::new(&secret.id),
            Cell::new(&secret.name),
            Cell::new(&secret.kind),
            Cell::or_dash(secret.description.as_deref()),
        ]);
    }
    Ok(sheet)
}

pub(crate) fn secret(data: Value, now: Timestamp) -> Result<Sheet, ClientError> {
    one(data, now)
}

pub(crate) fn global_secret(data: Value, now: Timestamp) -> Result<Sheet, ClientError> {
    one(data, now)
}

fn one(data: Value, now: Timestamp) -> Result<Sheet, ClientError> {
    let secret: SecretGroup = parse(data)?;
    let names = |part: &str| {
        let values = secret.secrets.get(part).and_then(Value::as_object);
        values.map(|values| values.keys().cloned().collect::<Vec<_>>().join(", "))
    };
    Ok(Detail::new()
        .add("ID", Some(&secret.id))
        .add("Name", Some(&secret.name))
        .add("Description", secret.description.as_ref())
        .add("Type", Some(&secret.kind))
        .add("For", secret.secret_type.as_ref())
        .add(
            "Priority",
            secret.priority.map(|priority| priority.to_string()),
        )
        .add("Variables", names("variables"))
        .add("Values", names("values"))
        .add("Files", names("files"))
        .add("Mounts", names("dockerSecretMounts"))
        .add("Updated", secret.updated_at.map(|at| ago(at, now)))
        .into_sheet())
}

pub(crate) fn tags(data: Value, _now: Timestamp) -> Result<Sheet, ClientError> {
    let mut sheet = Sheet::new(
        &["ID", "NAME", "COLOUR", "DESCRIPTION"],
        "no tags; create one with `boatyard create tag --name NAME`",
    );
    for tag in parse_rows::<Tag>(data, "tags")? {
        sheet.row(vec![
            Cell::new(&tag.id),
            Cell::new(&tag.name),
            Cell::or_dash(tag.color.as_deref()),
            Cell::or_dash(tag.description.as_deref()),
        ]);
    }
    Ok(sheet)
}

pub(crate) fn tag(data: Value, now: Timestamp) -> Result<Sheet, ClientError> {
    let tag: Tag = parse(data)?;
    Ok(Detail::new()
        .add("ID", Some(&tag.id))
        .add("Name", Some(&tag.name))
        .add("Description", tag.description.as_ref())
        .add("Colour", tag.color.as_ref())
        .add("Created", tag.created_at.map(|at| ago(at, now)))
        .into_sheet())
}
