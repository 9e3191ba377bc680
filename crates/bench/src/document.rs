//! Puts the measured part into a document that people wrote the rest of.

use anyhow::{Context, bail};
use std::path::Path;

const BEGIN: &str = "<!-- measured: begin; `make bench` writes what follows -->";
const END: &str = "<!-- measured: end -->";

/// Replaces what is between the file's two markers.
pub(crate) fn put(file: &Path, measured: &str) -> anyhow::Result<()> {
    let name = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
    let Some(text) = replaced(&text, measured) else {
        bail!("{name} lacks the lines `{BEGIN}` and `{END}`");
    };
    std::fs::write(file, text).with_context(|| format!("cannot write {name}"))
}

fn replaced(text: &str, measured: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    let measured = measured.trim();
    Some(format!("{before}{BEGIN}\n\n{measured}\n\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_stays() {
        let text = format!("above\n{BEGIN}\nold\n{END}\nbelow\n");
        let once = replaced(&text, "new\n").unwrap();
        assert_eq!(once, format!("above\n{BEGIN}\n\nnew\n\n{END}\nbelow\n"));
        assert_eq!(replaced(&once, "new\n").unwrap(), once);
        assert_eq!(replaced("no markers", "new"), None);
    }
}
