//! One thing, property by property.

use super::table::{Cell, Sheet, Tone};

/// A list of properties; those without a value are left out.
pub(super) struct Detail(Sheet);

impl Detail {
    pub(super) fn new() -> Detail {
        Detail(Sheet::new(&[], ""))
    }

    pub(super) fn add(self, name: &str, value: Option<impl AsRef<str>>) -> Detail {
        self.toned(name, value, Tone::Plain)
    }

    pub(super) fn toned(
        mut self,
        name: &str,
        value: Option<impl AsRef<str>>,
        tone: Tone,
    ) -> Detail {
        if let Some(value) = value.filter(|v| !v.as_ref().is_empty()) {
            self.0.row(vec![
                Cell::new(name).tone(Tone::Faint),
                Cell::new(value).tone(tone),
            ]);
        }
        self
    }

    pub(super) fn into_sheet(self) -> Sheet {
        self.0
    }
}
