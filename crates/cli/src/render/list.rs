//! Lists of the binary's own commands, shown as the verbs show theirs.

use super::show;
use super::table::{Cell, Sheet};
use crate::args::Shown;
use crate::console::Console;
use crate::error::CliError;
use serde_json::Value;

/// Shows objects: a row each with these columns (a heading and a field's name), or all of them as
/// JSON or YAML.
pub fn show_list(
    console: &mut Console,
    shown: &Shown,
    objects: Vec<Value>,
    columns: &[(&'static str, &str)],
) -> Result<(), CliError> {
    show(console, shown.output, Value::Array(objects), |data, _| {
        let header: Vec<_> = columns.iter().map(|(heading, _)| *heading).collect();
        let mut sheet = Sheet::new(&header, "none");
        for object in data.as_array().into_iter().flatten() {
            let cells = columns.iter().map(|(_, field)| cell(&object[*field]));
            sheet.row(cells.collect());
        }
        Ok(sheet)
    })
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::or_dash(None::<&str>),
        Value::String(text) => Cell::or_dash(Some(text)),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().filter_map(Value::as_str).collect();
            Cell::or_dash(Some(items.join(", ")))
        }
        other => Cell::new(other.to_string()),
    }
}
