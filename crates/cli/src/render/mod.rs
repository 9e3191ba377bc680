//! Shows results: tables for people, the server's own data as JSON or YAML for programs.

mod builds;
mod detail;
mod list;
mod metrics;
mod notifications;
mod secrets;
mod table;
mod text;
mod things;
mod time;

pub(crate) use builds::{build, builds, found_builds, outcome};
pub use list::show_list;
pub(crate) use metrics::metrics;
pub(crate) use notifications::notifications;
pub(crate) use secrets::{global_secret, global_secrets, secret, secrets, tag, tags};
pub(crate) use table::{Cell, Sheet};
pub(crate) use text::{log_text, plain};
pub(crate) use things::{plans, project, projects, regions, service, services};
pub(crate) use time::length;

use crate::args::Format;
use crate::client::ClientError;
use crate::console::Console;
use crate::error::CliError;
use jiff::Timestamp;
use serde_json::Value;

/// How a kind of data becomes a table.
pub(crate) type View = fn(Value, Timestamp) -> Result<Sheet, ClientError>;

/// Shows the data of an answer.
pub(crate) fn show(
    console: &mut Console,
    format: Format,
    data: Value,
    view: impl FnOnce(Value, Timestamp) -> Result<Sheet, ClientError>,
) -> Result<(), CliError> {
    let text = match format {
        Format::Json => serde_json::to_string_pretty(&data)? + "\n",
        Format::Yaml => serde_saphyr::to_string(&data)?,
        Format::Table => {
            let sheet = view(data, (console.clock)()).map_err(|source| CliError::Call {
                explanation: source.to_string(),
                source,
            })?;
            sheet.draw(console.look)
        }
    };
    console.out.write_all(text.as_bytes())?;
    console.out.flush()?;
    Ok(())
}
