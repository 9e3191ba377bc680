//! An event in a few words for people.

use domain::notification::{Event, Occurrence};
use serde_json::Value;

/// The longest text of one fact, in letters: within every provider's limits.
const LONGEST: usize = 900;

pub(super) struct Summary {
    pub(super) event: Event,
    pub(super) title: String,
    /// What there is to know, each under a label.
    pub(super) facts: Vec<(&'static str, String)>,
}

impl Summary {
    pub(super) fn new(occurrence: &Occurrence, described: &Value) -> Summary {
        let build = &occurrence.build;
        let what = match occurrence.event {
            Event::BuildStart => "started",
            Event::BuildSuccess => "succeeded",
            Event::BuildFailure => "failed",
            Event::BuildAbort => "was aborted",
        };
        let image = described.pointer("/registry/uri").and_then(Value::as_str);
        let facts = [
            ("Project", Some(occurrence.project.name.clone())),
            ("Service", Some(occurrence.service.name.clone())),
            ("Branch", build.branch.clone()),
            (
                "Pull request",
                build.pull_request_id.map(|id| id.to_string()),
            ),
            ("Commit", build.sha.clone()),
            ("Message", build.message.clone()),
            ("Image", image.map(str::to_owned)),
        ];
        let facts = facts.into_iter().filter_map(|(label, text)| {
            let text = clip(&text?);
            (!text.is_empty()).then_some((label, text))
        });
        Summary {
            event: occurrence.event,
            title: format!("{}: build {} {what}", occurrence.service.name, build.id),
            facts: facts.collect(),
        }
    }

    /// A colour that says how it went, as a number.
    pub(super) fn color(&self) -> u32 {
        match self.event {
            Event::BuildStart => 0x2f_6f_eb,
            Event::BuildSuccess => 0x2d_a4_4e,
            Event::BuildFailure => 0xcf_22_2e,
            Event::BuildAbort => 0x6e_77_81,
        }
    }
}

fn clip(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_letters() {
        assert_eq!(clip(" short "), "short");
        let clipped = clip(&"é".repeat(LONGEST + 1));
        assert_eq!(clipped, format!("{}…", "é".repeat(LONGEST)));
    }
}
