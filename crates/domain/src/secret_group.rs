//! Groups of secrets in a project, and what the builds of a service inherit from them.

use crate::tag::TagMatch;
use crate::{Millis, SecretValues};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How many groups a project may have: a build's start reads them all.
pub const GROUPS: i64 = 200;

/// A group of secrets, without its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretGroup {
    /// Stable identity (uuid v7), never shown.
    pub uid: String,
    /// Identity of its project.
    pub project_uid: String,
    /// Dense number in its project, by which lists are walked.
    pub number: i64,
    /// The id in URLs.
    pub id: String,
    /// The name a person gave it.
    pub name: String,
    /// What is said about it.
    pub settings: GroupSettings,
    /// When it was made.
    pub created_at: Millis,
    /// When it last changed.
    pub updated_at: Millis,
}

/// What may change in a group. Stored as JSON: fields may be added with a default, never renamed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupSettings {
    /// A short description.
    pub description: Option<String>,
    /// Ids of the tags that it has.
    pub tags: Vec<String>,
    /// What kind of values it holds.
    pub kind: SecretKind,
    /// Where its values go.
    pub scope: Scope,
    /// Where groups have the same name, the highest priority wins.
    pub priority: i64,
    /// Which services it is for.
    pub restrictions: Restrictions,
}

/// What kind of values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SecretKind {
    /// Secrets: masked in the logs of builds.
    #[default]
    Secret,
    /// Configuration: not masked.
    Config,
}

impl SecretKind {
    /// The contract's word.
    pub fn as_str(self) -> &'static str {
        match self {
            SecretKind::Secret => "secret",
            SecretKind::Config => "config",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<SecretKind> {
        [SecretKind::Secret, SecretKind::Config]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// Where a group's values go, as the contract names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "SecretType")]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// To running containers and to builds.
    #[default]
    EnvironmentArguments,
    /// To running containers only, of which there are none here.
    Environment,
    /// To builds only.
    Arguments,
}

/// Which services a group is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "SecretGroupRestrictions")]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Restrictions {
    /// Whether it is for those named here only; else for all of the project.
    pub restricted: bool,
    /// Services by their ids.
    pub nf_objects: Vec<NfObject>,
    /// Services that have these tags.
    pub tags: Vec<String>,
    /// Whether one of the tags is enough.
    pub tag_match_condition: TagMatch,
}

/// Something that a group is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NfObject {
    /// Its id.
    pub id: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: NfObjectKind,
}

/// What a group can be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NfObjectKind {
    /// A service.
    Service,
    /// A job; there are none here.
    Job,
}

impl Restrictions {
    fn admit(&self, service: &str, tags: &[String]) -> bool {
        let is_service =
            |object: &NfObject| object.kind == NfObjectKind::Service && object.id == service;
        let named = self.nf_objects.iter().any(is_service);
        let tagged = self.tag_match_condition.holds(&self.tags, tags);
        !self.restricted || named || tagged
    }
}

impl Restrictions {
    /// Whether there may be a service that is let in and was not by these before.
    fn let_more_in(&self, before: &Restrictions) -> bool {
        if !before.restricted || !self.restricted {
            return before.restricted;
        }
        let mut named = self.nf_objects.iter();
        let tagged = |tags: &[String]| before.tag_match_condition.holds(&before.tags, tags);
        // Looked at are the services with as few tags as will do.
        let tags_were_enough = match self.tag_match_condition {
            TagMatch::Or => self
                .tags
                .iter()
                .all(|tag| tagged(std::slice::from_ref(tag))),
            TagMatch::And => self.tags.is_empty() || tagged(&self.tags),
        };
        named.any(|object| !before.nf_objects.contains(object)) || !tags_were_enough
    }
}

impl GroupSettings {
    fn is_for_builds(&self) -> bool {
        self.scope != Scope::Environment
    }

    /// Whether the values may be seen where they could not with the settings of before: in the builds of
    /// more services, or in logs.
    pub fn shows_more_than(&self, before: &GroupSettings) -> bool {
        let unmasked = self.kind == SecretKind::Config && before.kind == SecretKind::Secret;
        let further =
            !before.is_for_builds() || self.restrictions.let_more_in(&before.restrictions);
        unmasked || (self.is_for_builds() && further)
    }
}

impl SecretGroup {
    /// Whether builds of a service with these tags get its values.
    pub fn is_for_builds_of(&self, service: &str, tags: &[String]) -> bool {
        self.settings.is_for_builds() && self.settings.restrictions.admit(service, tags)
    }

    /// Whether it is for services with certain tags only, and this is one of the tags.
    pub fn is_restricted_to_tag(&self, tag: &str) -> bool {
        let restrictions = &self.settings.restrictions;
        restrictions.restricted && restrictions.tags.iter().any(|named| named == tag)
    }
}

/// Values, and where they are from.
#[derive(Clone, Debug)]
pub struct Layer {
    /// The group and its priority; `None` for the service's own, and the call's.
    pub group: Option<(String, i64)>,
    /// Whether its variables are secrets, whatever they are called.
    pub secret: bool,
    /// The values.
    pub values: SecretValues,
}

/// All that a service's builds get: what lies further up hides what has the same name below.
#[derive(Clone, Debug)]
pub struct Inheritance {
    layers: Vec<Layer>,
}

impl Inheritance {
    /// The service's own values over those of its groups, the highest priority first; among equals,
    /// the group that was made last.
    pub fn new(own: SecretValues, mut groups: Vec<(SecretGroup, SecretValues)>) -> Inheritance {
        groups.sort_by_key(|(group, _)| (group.settings.priority, group.number));
        let below = groups.into_iter().rev().map(|(group, values)| Layer {
            group: Some((group.id, group.settings.priority)),
            secret: group.settings.kind == SecretKind::Secret,
            values,
        });
        let layers = below.collect();
        Inheritance { layers }.under(own)
    }

    /// With values that no group has on top of everything.
    pub fn under(mut self, values: SecretValues) -> Inheritance {
        let top = Layer {
            group: None,
            secret: false,
            values,
        };
        self.layers.insert(0, top);
        self
    }

    /// What is inherited, without the service's own values.
    pub fn inherited(mut self) -> Inheritance {
        self.layers.retain(|layer| layer.group.is_some());
        self
    }

    /// The values that count.
    pub fn merged(self) -> SecretValues {
        let mut merged = SecretValues::default();
        for layer in self.layers.into_iter().rev() {
            merged.extend(layer.values);
        }
        merged
    }

    /// The names of the variables whose value that counts is from a group of secrets.
    pub fn secret_variables(&self) -> BTreeSet<String> {
        let variables = self.by_name(|values| &values.variables);
        let secret = variables
            .into_iter()
            .filter(|(_, values)| values.first().is_some_and(|(layer, _)| layer.secret));
        secret.map(|(name, _)| name.to_owned()).collect()
    }

    /// Of one part, every name with its values, the one that counts first.
    pub fn by_name<'a, T>(
        &'a self,
        part: impl Fn(&'a SecretValues) -> &'a BTreeMap<String, T>,
    ) -> BTreeMap<&'a str, Vec<(&'a Layer, &'a T)>> {
        let mut names: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for layer in &self.layers {
            for (name, value) in part(&layer.values) {
                names.entry(name).or_default().push((layer, value));
            }
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};

    fn group(number: i64, priority: i64, restrictions: Restrictions) -> SecretGroup {
        SecretGroup {
            uid: String::new(),
            project_uid: String::new(),
            number,
            id: format!("g{number}"),
            name: String::new(),
            settings: GroupSettings {
                priority,
                restrictions,
                ..GroupSettings::default()
            },
            created_at: 0,
            updated_at: 0,
        }
    }

    fn values(value: &str, names: &[&str]) -> SecretValues {
        let pair = |name: &&str| ((*name).to_owned(), value.to_owned());
        SecretValues {
            variables: names.iter().map(pair).collect(),
            ..SecretValues::default()
        }
    }

    fn strings(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_restricted_group_is_for_whom_it_names() {
        let web = NfObject {
            id: "web".into(),
            kind: NfObjectKind::Service,
        };
        let mut restrictions = Restrictions {
            nf_objects: vec![web],
            tags: strings(&["blue", "fast"]),
            ..Restrictions::default()
        };
        let admits = |restrictions: &Restrictions, service: &str, tags: &[&str]| {
            group(1, 0, restrictions.clone()).is_for_builds_of(service, &strings(tags))
        };
        assert!(admits(&restrictions, "api", &[]), "not restricted");
        restrictions.restricted = true;
        assert!(admits(&restrictions, "web", &[]));
        assert!(!admits(&restrictions, "api", &[]));
        assert!(admits(&restrictions, "api", &["fast"]));
        restrictions.tag_match_condition = TagMatch::And;
        assert!(!admits(&restrictions, "api", &["fast"]));
        assert!(admits(&restrictions, "api", &["fast", "old", "blue"]));
        restrictions.tags.clear();
        assert!(
            !admits(&restrictions, "api", &["fast"]),
            "no tag is no match"
        );
        let mut runtime = group(1, 0, Restrictions::default());
        runtime.settings.scope = Scope::Environment;
        assert!(!runtime.is_for_builds_of("web", &[]));
    }

    fn some_of(words: &'static [&str]) -> impl Strategy<Value = Vec<String>> {
        subsequence(words, 0..=words.len()).prop_map(|some| strings(&some))
    }

    fn settings() -> impl Strategy<Value = GroupSettings> {
        let scopes = [
            Scope::EnvironmentArguments,
            Scope::Environment,
            Scope::Arguments,
        ];
        let kinds = [SecretKind::Secret, SecretKind::Config];
        let matches = [TagMatch::And, TagMatch::Or];
        let parts = (
            select(scopes.to_vec()),
            select(kinds.to_vec()),
            any::<bool>(),
            some_of(&["web", "api"]),
            some_of(&["blue", "fast", "old"]),
            select(matches.to_vec()),
        );
        parts.prop_map(
            |(scope, kind, restricted, services, tags, matching)| GroupSettings {
                scope,
                kind,
                restrictions: Restrictions {
                    restricted,
                    nf_objects: services.into_iter().map(service).collect(),
                    tags,
                    tag_match_condition: matching,
                },
                ..GroupSettings::default()
            },
        )
    }

    fn service(id: String) -> NfObject {
        NfObject {
            id,
            kind: NfObjectKind::Service,
        }
    }

    proptest! {
        /// Nothing that is shown more widely goes through as if it were not.
        #[test]
        fn what_shows_no_more_is_for_nobody_new(
            before in settings(),
            after in settings(),
            id in select(vec!["web", "api", "worker"]),
            tags in some_of(&["blue", "fast", "old", "new"]),
        ) {
            let is_for = |settings: &GroupSettings| {
                let group = SecretGroup { settings: settings.clone(), ..group(1, 0, Restrictions::default()) };
                group.is_for_builds_of(id, &tags)
            };
            if !after.shows_more_than(&before) {
                prop_assert!(is_for(&before) || !is_for(&after));
                prop_assert!(before.kind == SecretKind::Config || after.kind == SecretKind::Secret);
            }
            prop_assert!(!before.shows_more_than(&before));
        }
    }

    #[test]
    fn a_group_that_is_for_fewer_shows_no_more() {
        let all = GroupSettings::default();
        let mut some = all.clone();
        some.restrictions.restricted = true;
        some.restrictions.tags = strings(&["blue", "fast"]);
        assert!(!some.shows_more_than(&all) && all.shows_more_than(&some));
        let mut fewer = some.clone();
        fewer.restrictions.tag_match_condition = TagMatch::And;
        assert!(!fewer.shows_more_than(&some) && some.shows_more_than(&fewer));
        let mut none = some.clone();
        none.scope = Scope::Environment;
        assert!(!none.shows_more_than(&some) && some.shows_more_than(&none));
    }

    #[test]
    fn the_highest_priority_wins_and_the_service_over_all() {
        let inheritance = Inheritance::new(
            values("own", &["A"]),
            vec![
                (
                    group(1, 50, Restrictions::default()),
                    values("high", &["A", "B"]),
                ),
                (
                    group(2, 20, Restrictions::default()),
                    values("low", &["B", "C", "D"]),
                ),
                (
                    group(3, 20, Restrictions::default()),
                    values("later", &["D"]),
                ),
            ],
        );
        let names = inheritance.by_name(|values| &values.variables);
        let b: Vec<_> = names["B"]
            .iter()
            .map(|(layer, value)| (layer.group.as_ref(), value.as_str()))
            .collect();
        assert_eq!(
            b,
            [
                (Some(&("g1".to_owned(), 50)), "high"),
                (Some(&("g2".to_owned(), 20)), "low")
            ]
        );
        assert_eq!(names["A"][0].1, "own");
        let merged = inheritance.clone().merged().variables;
        let merged: Vec<_> = merged.values().map(String::as_str).collect();
        assert_eq!(merged, ["own", "high", "low", "later"]);
        assert_eq!(inheritance.inherited().merged().variables["A"], "high");
    }

    #[test]
    fn a_variable_is_secret_when_the_value_that_counts_is_of_a_group_of_secrets() {
        let mut config = group(3, 90, Restrictions::default());
        config.settings.kind = SecretKind::Config;
        let groups = vec![
            (
                group(1, 50, Restrictions::default()),
                values("secret", &["OWN", "CALL", "SHOWN", "HIDDEN"]),
            ),
            (config, values("config", &["SHOWN", "PLAIN"])),
        ];
        let inheritance = Inheritance::new(values("own", &["OWN", "MINE"]), groups);
        let secret = |inheritance: &Inheritance| Vec::from_iter(inheritance.secret_variables());
        assert_eq!(secret(&inheritance), ["CALL", "HIDDEN"]);
        let called = inheritance.under(values("call", &["CALL", "MINE"]));
        assert_eq!(secret(&called), ["HIDDEN"]);
        let merged = called.merged().variables;
        assert_eq!((&*merged["MINE"], &*merged["OWN"]), ("call", "own"));
    }
}
