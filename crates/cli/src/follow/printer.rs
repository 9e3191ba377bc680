//! Prints log lines as they come.

use crate::args::Format;
use crate::client::LogLine;
use crate::console::{Console, Look};
use crate::error::CliError;
use crate::render::log_text;
use std::io::Write;

/// How and where lines are printed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer {
    format: Format,
    timestamps: bool,
    beside: bool,
}

impl Printer {
    pub(crate) fn new(format: Format, timestamps: bool) -> Printer {
        Printer {
            format,
            timestamps,
            beside: false,
        }
    }

    /// Plain lines as the result.
    pub(crate) fn lines() -> Printer {
        Printer::new(Format::Table, false)
    }

    /// Plain lines beside the result.
    pub(crate) fn beside() -> Printer {
        Printer {
            beside: true,
            ..Printer::lines()
        }
    }

    pub(crate) fn print(&self, console: &mut Console, lines: &[LogLine]) -> Result<(), CliError> {
        let look = if self.beside {
            Look {
                out_is_terminal: console.look.err_is_terminal,
                ..console.look
            }
        } else {
            console.look
        };
        let mut text = String::new();
        for line in lines {
            self.add(&mut text, line, look)?;
        }
        let stream = if self.beside {
            &mut console.err
        } else {
            &mut console.out
        };
        stream.write_all(text.as_bytes())?;
        stream.flush()?;
        Ok(())
    }

    /// As text, as one JSON object a line, or as an entry of a YAML list: streams that can be cut
    /// anywhere between two lines.
    fn add(&self, text: &mut String, line: &LogLine, look: Look) -> Result<(), CliError> {
        match self.format {
            Format::Table => {
                if self.timestamps {
                    text.push_str(&format!("{:.3} ", line.ts));
                }
                text.push_str(&log_text(&line.text(), look));
                text.push('\n');
            }
            Format::Json => {
                text.push_str(&serde_json::to_string(line)?);
                text.push('\n');
            }
            Format::Yaml => text.push_str(&serde_saphyr::to_string(&[line])?),
        }
        Ok(())
    }
}
