//! `boatyard context …`

use crate::args::{ContextCommand, ContextUse, Format};
use crate::connect::contexts::Contexts;
use crate::console::Console;
use crate::error::CliError;
use crate::render::{self, Cell, Sheet};
use jiff::Timestamp;
use serde_json::{Value, json};

pub(super) fn run(command: ContextCommand, console: &mut Console) -> Result<(), CliError> {
    match command {
        ContextCommand::List(args) => list(args.shown.output, console),
        ContextCommand::Use(args) => choose(args, console),
        ContextCommand::Remove(args) => remove(&args.name, console),
    }
}

/// Without the tokens: a list is shown to others.
fn list(format: Format, console: &mut Console) -> Result<(), CliError> {
    let contexts = Contexts::load(&console.environment)?;
    let rows = contexts.contexts.iter().map(|(name, context)| {
        json!({
            "name": name,
            "current": contexts.current.as_ref() == Some(name),
            "host": context.host,
            "project": context.project,
            "service": context.service,
        })
    });
    let data = Value::Array(rows.collect());
    render::show(console, format, data, table)
}

fn table(data: Value, _now: Timestamp) -> Result<Sheet, crate::client::ClientError> {
    let mut sheet = Sheet::new(
        &["CURRENT", "NAME", "HOST", "PROJECT", "SERVICE"],
        "no contexts yet; `boatyard login` adds one",
    );
    for row in data.as_array().into_iter().flatten() {
        sheet.row(vec![
            Cell::new(if row["current"] == true { "*" } else { "" }),
            Cell::or_dash(row["name"].as_str()),
            Cell::or_dash(row["host"].as_str()),
            Cell::or_dash(row["project"].as_str()),
            Cell::or_dash(row["service"].as_str()),
        ]);
    }
    Ok(sheet)
}

fn choose(args: ContextUse, console: &mut Console) -> Result<(), CliError> {
    let mut contexts = Contexts::load(&console.environment)?;
    let name = args
        .name
        .or(args.named)
        .or_else(|| contexts.current.clone());
    let Some(name) = name else {
        return Err(CliError::NoContext(
            "no context is current; `boatyard login` adds one".to_owned(),
        ));
    };
    let context = contexts.named_mut(&name)?;
    if let Some(project) = args.project {
        // Another project has other services.
        context.service = None;
        context.project = Some(project);
    }
    if let Some(service) = args.service {
        context.service = Some(service);
    }
    let default = |what: &str, id: &Option<String>| match id {
        Some(id) => format!(", {what} `{id}`"),
        None => String::new(),
    };
    let line = format!(
        "using `{name}` ({}){}{}",
        context.host,
        default("project", &context.project),
        default("service", &context.service)
    );
    contexts.current = Some(name);
    contexts.save(&console.environment)?;
    Ok(console.say(&line)?)
}

fn remove(name: &str, console: &mut Console) -> Result<(), CliError> {
    let mut contexts = Contexts::load(&console.environment)?;
    contexts.named(name)?;
    contexts.contexts.remove(name);
    if contexts.current.as_deref() == Some(name) {
        contexts.current = None;
    }
    contexts.save(&console.environment)?;
    Ok(console.say(&format!("forgot `{name}`"))?)
}
