//! Tables without frames, in the manner of other command lines: easy to read, easy to cut and grep.

use super::text::plain;
use crate::console::Look;
use comfy_table::{
    Attribute, Cell as Drawn, Color, ColumnConstraint, ContentArrangement, Row, Table,
};

/// What a cell's colour says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing.
    #[default]
    Plain,
    /// It went well.
    Good,
    /// It went wrong.
    Bad,
    /// It goes on.
    Busy,
    /// It matters less.
    Faint,
}

/// One cell; never holds control characters, whatever the server sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    pub(crate) fn new(text: impl AsRef<str>) -> Cell {
        Cell {
            text: plain(text.as_ref()),
            tone: Tone::Plain,
        }
    }

    /// The text, or `-` where there is none.
    pub(crate) fn or_dash(text: Option<impl AsRef<str>>) -> Cell {
        match text {
            Some(text) if !text.as_ref().is_empty() => Cell::new(text),
            _ => Cell::new("-").tone(Tone::Faint),
        }
    }

    pub(crate) fn tone(mut self, tone: Tone) -> Cell {
        self.tone = tone;
        self
    }

    fn drawn(&self) -> Drawn {
        let cell = Drawn::new(&self.text);
        match self.tone {
            Tone::Plain => cell,
            Tone::Good => cell.fg(Color::Green),
            Tone::Bad => cell.fg(Color::Red),
            Tone::Busy => cell.fg(Color::Yellow),
            Tone::Faint => cell.add_attribute(Attribute::Dim),
        }
    }
}

/// A table, or a list of properties when it has no header.
#[derive(Debug, Default)]
pub(crate) struct Sheet {
    header: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
    /// Shown instead of a table without rows.
    empty: String,
}

impl Sheet {
    /// A table with these columns; only the last one is cut to the terminal.
    pub(crate) fn new(header: &[&'static str], empty: impl Into<String>) -> Sheet {
        Sheet {
            header: header.to_vec(),
            rows: Vec::new(),
            empty: empty.into(),
        }
    }

    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    pub(crate) fn draw(&self, look: Look) -> String {
        if self.rows.is_empty() {
            return self.empty.clone() + "\n";
        }
        let mut table = Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        table.set_content_arrangement(ContentArrangement::Disabled);
        if let Some(width) = look.width.filter(|_| look.out_is_terminal) {
            table
                .set_content_arrangement(ContentArrangement::Dynamic)
                .set_width(width);
        }
        if look.colour {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        if !self.header.is_empty() {
            table.set_header(self.line(self.header.iter().map(|name| Drawn::new(*name))));
        }
        for row in &self.rows {
            table.add_row(self.line(row.iter().map(Cell::drawn)));
        }
        let last = table.column_count().saturating_sub(1);
        for (index, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, if index == last { 0 } else { 3 }));
            if index != last {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        table.trim_fmt() + "\n"
    }

    /// A list stays a line a row, cut where the terminal ends; a property is shown whole.
    fn line(&self, cells: impl Iterator<Item = Drawn>) -> Row {
        let mut row = Row::from(cells);
        if !self.header.is_empty() {
            row.max_height(1);
        }
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet() -> Sheet {
        let mut sheet = Sheet::new(&["ID", "STATUS", "MESSAGE"], "nothing");
        sheet.row(vec![
            Cell::new("calm-sea-1"),
            Cell::new("SUCCESS").tone(Tone::Good),
            Cell::new("Image successfully built"),
        ]);
        sheet.row(vec![
            Cell::new("b"),
            Cell::new("QUEUED"),
            Cell::or_dash(None::<&str>),
        ]);
        sheet
    }

    #[test]
    fn a_pipe_gets_plain_lines_of_any_length() {
        let look = Look {
            width: Some(20),
            ..Look::default()
        };
        assert_eq!(
            sheet().draw(look),
            "ID           STATUS    MESSAGE\n\
             calm-sea-1   SUCCESS   Image successfully built\n\
             b            QUEUED    -\n"
        );
    }

    #[test]
    fn a_terminal_gets_colours_and_only_the_last_column_is_cut() {
        let look = Look {
            out_is_terminal: true,
            colour: true,
            width: Some(42),
            ..Look::default()
        };
        let text = sheet().draw(look);
        assert!(
            text.contains("\u{1b}[38;5;10m") || text.contains("\u{1b}[32m"),
            "{text:?}"
        );
        assert!(text.contains("calm-sea-1"), "{text}");
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(text.contains("Image successfully…"), "{text}");
    }

    #[test]
    fn a_property_is_wrapped_and_not_cut() {
        let look = Look {
            out_is_terminal: true,
            width: Some(20),
            ..Look::default()
        };
        let mut sheet = Sheet::new(&[], "");
        sheet.row(vec![
            Cell::new("Message"),
            Cell::new("RUN make failed with 2"),
        ]);
        let text = sheet.draw(look);
        assert_eq!(
            text,
            "Message   RUN make\n          failed\n          with 2\n"
        );
    }

    #[test]
    fn no_rows_are_said_in_words() {
        assert_eq!(
            Sheet::new(&["ID"], "no builds yet").draw(Look::default()),
            "no builds yet\n"
        );
    }
}
