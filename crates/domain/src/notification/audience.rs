//! Whose builds an integration is told about.

use crate::tag::TagMatch;
use serde::{Deserialize, Serialize};

/// The builds of a team that an integration is told about: all of them, unless restricted. Stored as
/// JSON: fields may be added with a default, never renamed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Audience {
    /// The ids of the only projects; `None` means every one.
    pub projects: Option<Vec<String>>,
    /// What the service's tags must be like; `None` means anything.
    pub tags: Option<TagRule>,
}

/// Tags that a service must have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TagRule {
    /// The tags.
    pub items: Vec<String>,
    /// Whether one of them will do.
    pub matching: TagMatch,
}

impl Audience {
    /// Whether builds of this project, of a service with these tags, are among them.
    pub fn admits(&self, project: &str, tags: &[String]) -> bool {
        let project_fits = self
            .projects
            .as_ref()
            .is_none_or(|only| only.iter().any(|id| id == project));
        project_fits && self.tags.as_ref().is_none_or(|rule| rule.admits(tags))
    }
}

impl TagRule {
    fn admits(&self, tags: &[String]) -> bool {
        self.matching.holds(&self.items, tags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn without_a_restriction_everybody_is_admitted() {
        assert!(Audience::default().admits("shop", &[]));
    }

    #[test]
    fn every_restriction_must_hold() {
        let audience = |matching| Audience {
            projects: Some(list(&["shop"])),
            tags: Some(TagRule {
                items: list(&["a", "b"]),
                matching,
            }),
        };
        let (all, any) = (audience(TagMatch::And), audience(TagMatch::Or));
        assert!(all.admits("shop", &list(&["b", "x", "a"])));
        assert!(!all.admits("shop", &list(&["a"])));
        assert!(any.admits("shop", &list(&["a"])));
        assert!(!any.admits("shop", &list(&["x"])));
        assert!(!any.admits("other", &list(&["a"])));
    }
}
