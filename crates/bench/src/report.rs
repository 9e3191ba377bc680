//! What was measured, as tables for people: first every aim with its figure, then the details.

use comfy_table::{Table, presets::ASCII_MARKDOWN};

/// A figure with an aim.
pub(crate) struct Aim {
    /// What was measured.
    pub(crate) what: String,
    /// What came out, with its unit.
    pub(crate) figure: String,
    /// What was aimed at, with its unit.
    pub(crate) aim: String,
    /// Whether it was reached.
    pub(crate) reached: bool,
}

/// One part's tables.
pub(crate) struct Section {
    pub(crate) title: &'static str,
    /// How it was measured, in a sentence or two.
    pub(crate) how: String,
    pub(crate) columns: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<String>>,
    pub(crate) aims: Vec<Aim>,
}

/// Everything of one run.
pub(crate) struct Report {
    machine: String,
    sections: Vec<Section>,
}

impl Report {
    pub(crate) fn new(machine: String) -> Report {
        Report {
            machine,
            sections: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, section: Section) {
        self.sections.push(section);
    }

    /// Notes what else the machine was doing at the end.
    pub(crate) fn finish(&mut self, load: String) {
        self.machine += &format!(" Load at the end: {load}.");
    }

    /// The whole report.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("{}\n\n{}\n", self.machine, self.aims());
        for section in &self.sections {
            let rows = section.rows.iter().cloned();
            let table = table(&section.columns, rows);
            text += &format!("\n### {}\n\n{}\n\n{table}\n", section.title, section.how);
        }
        text
    }

    fn aims(&self) -> String {
        let aims = self.sections.iter().flat_map(|section| &section.aims);
        let rows = aims.map(|aim| {
            let reached = if aim.reached { "yes" } else { "no" };
            vec![
                aim.what.clone(),
                aim.figure.clone(),
                aim.aim.clone(),
                reached.to_owned(),
            ]
        });
        table(&["what", "measured", "aim", "reached"], rows)
    }
}

fn table(columns: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header(columns);
    for row in rows {
        table.add_row(row);
    }
    table.to_string()
}
