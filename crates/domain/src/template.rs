//! Values that name others: `${OTHER}` stands for the value of the argument `OTHER`, in arguments, and
//! in files and mounts that are text.
//!
//! What is unknown stays as it is, for a `${…}` may be meant for somebody else. So does a reference
//! in a circle: `PATH=${PATH}:/more` names itself. What a value brings in is not looked at again.

use crate::{FileContent, SecretChanges, SecretValues};
use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::{BTreeMap, BTreeSet};

/// How large everything that a build is given may be, in bytes.
pub const BUILD_BYTES: usize = 4 * 1024 * 1024;
/// What references to the secrets of the account begin with.
const ACCOUNT: &str = "secrets.";

/// How many references there may be in everything that a build is given. One to an empty value adds
/// no byte, and is looked up all the same.
const REFERENCES: usize = 50_000;

/// Values are too large, or grow so while references in them are replaced.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("goes beyond {limit} for all arguments, files and mounts together")]
pub struct TooLarge {
    /// The argument, file or mount that went over the limit.
    pub name: String,
    limit: Limit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Limit {
    #[error("{} MiB", BUILD_BYTES / 1024 / 1024)]
    Bytes,
    #[error("{REFERENCES} references")]
    References,
}

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    /// `${name}`, whole, and the name in it.
    Reference(&'a str, &'a str),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let inside = &rest[start + 2..];
        let length = inside.bytes().take_while(|b| is_name(*b)).count();
        // The `${` of what is no reference is text like any other.
        let end = match inside.as_bytes().get(length) {
            Some(b'}') if length > 0 => start + 2 + length + 1,
            _ => {
                pieces.push(Piece::Text(&rest[..start + 2]));
                rest = inside;
                continue;
            }
        };
        pieces.push(Piece::Text(&rest[..start]));
        pieces.push(Piece::Reference(&rest[start..end], &inside[..length]));
        rest = &rest[end..];
    }
    pieces.push(Piece::Text(rest));
    pieces
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'/' | b'.')
}

fn references(text: &str) -> impl Iterator<Item = &str> {
    pieces(text).into_iter().filter_map(|piece| match piece {
        Piece::Reference(_, name) => Some(name),
        Piece::Text(_) => None,
    })
}

/// The references to the account's secrets in a text, like `secrets.db.values.password`.
pub fn account_references(text: &str) -> impl Iterator<Item = &str> {
    references(text).filter(|name| name.starts_with(ACCOUNT))
}

/// The references to the account's secrets in all of the values.
pub fn account_references_of(values: &SecretValues) -> BTreeSet<String> {
    let files = values.files.values().chain(values.mounts.values());
    let texts = files.filter_map(FileContent::text);
    let texts = texts.chain(values.variables.values().cloned());
    texts
        .flat_map(|text| {
            let names: Vec<_> = account_references(&text).map(str::to_owned).collect();
            names
        })
        .collect()
}

/// Whether changes bring in references to the account's secrets that are not in these values already,
/// at the same place.
pub fn refers_anew(changes: &SecretChanges, before: &SecretValues) -> bool {
    let mut new = SecretValues::default();
    changes.clone().apply(&mut new);
    new.variables
        .retain(|name, value| before.variables.get(name) != Some(value));
    new.files
        .retain(|name, value| before.files.get(name) != Some(value));
    new.mounts
        .retain(|name, value| before.mounts.get(name) != Some(value));
    !account_references_of(&new).is_empty()
}

/// Whether values are small enough to be looked at any closer: they may be a whole project's.
///
/// # Errors
/// When they are too large before anything in them is replaced.
pub fn check(values: &SecretValues) -> Result<(), TooLarge> {
    let (mut bytes, mut left) = (Budget::of_bytes(), Budget::of_references());
    for (name, value) in &values.variables {
        bytes.spend(name, value.len())?;
        left.spend(name, references(value).count())?;
    }
    for (name, file) in values.files.iter().chain(&values.mounts) {
        bytes.spend(name, size(file))?;
        let references = file.text().map_or(0, |text| references(&text).count());
        left.spend(name, references)?;
    }
    Ok(())
}

/// How many bytes are in a file, or a few more.
fn size(file: &FileContent) -> usize {
    file.data.len() / 4 * 3
}

/// The values with every reference replaced; `account` knows the secrets of the account.
///
/// # Errors
/// When they grow too large.
pub fn expand(
    values: SecretValues,
    account: impl Fn(&str) -> Option<String>,
) -> Result<SecretValues, TooLarge> {
    check(&values)?;
    let mut budget = Budget::of_bytes();
    let variables = expand_variables(&values.variables, &account, &mut budget)?;
    let known = |name: &str| variables.get(name).cloned().or_else(|| account(name));
    let mut files = |files: BTreeMap<String, FileContent>| {
        let expand = |(name, file): (String, FileContent)| {
            let file = match file.text() {
                Some(text) => FileContent::of_text(&fill(&name, &text, known, &mut budget)?),
                None => {
                    budget.spend(&name, size(&file))?;
                    file
                }
            };
            Ok((name, file))
        };
        files.into_iter().map(expand).collect::<Result<_, _>>()
    };
    let (files, mounts) = (files(values.files)?, files(values.mounts)?);
    Ok(SecretValues {
        variables,
        files,
        mounts,
    })
}

/// Variables in an order in which each comes after those that it names, circles aside.
fn expand_variables(
    values: &BTreeMap<String, String>,
    account: &impl Fn(&str) -> Option<String>,
    budget: &mut Budget,
) -> Result<BTreeMap<String, String>, TooLarge> {
    let graph = graph(values);
    let mut expanded = BTreeMap::new();
    for circle in kosaraju_scc(&graph) {
        // What is not expanded yet when it is named is in the same circle.
        let mut done = Vec::new();
        for name in circle.into_iter().map(|node| graph[node]) {
            let known = |target: &str| match values.contains_key(target) {
                true => expanded.get(target).cloned(),
                false => account(target),
            };
            let value = fill(name, &values[name], known, budget)?;
            done.push((name.to_owned(), value));
        }
        expanded.extend(done);
    }
    Ok(expanded)
}

/// Which variable names which.
fn graph(values: &BTreeMap<String, String>) -> DiGraph<&str, ()> {
    let mut graph = DiGraph::new();
    let nodes: BTreeMap<&str, NodeIndex> = values
        .keys()
        .map(|name| (name.as_str(), graph.add_node(name.as_str())))
        .collect();
    for (name, value) in values {
        // Each once: the graph itself would walk all of a node's edges to find one that is there.
        let targets: BTreeSet<_> = references(value)
            .filter_map(|target| nodes.get(target))
            .collect();
        for target in targets {
            graph.add_edge(nodes[name.as_str()], *target, ());
        }
    }
    graph
}

/// A text with what is known in the place of its references.
fn fill(
    name: &str,
    text: &str,
    known: impl Fn(&str) -> Option<String>,
    budget: &mut Budget,
) -> Result<String, TooLarge> {
    let mut filled = String::with_capacity(text.len());
    for piece in pieces(text) {
        let known = match piece {
            Piece::Text(text) => text.to_owned(),
            Piece::Reference(whole, target) => known(target).unwrap_or_else(|| whole.to_owned()),
        };
        budget.spend(name, known.len())?;
        filled.push_str(&known);
    }
    Ok(filled)
}

/// What may still be used: a few values that name each other twice would fill any memory.
struct Budget {
    left: usize,
    limit: Limit,
}

impl Budget {
    fn of_bytes() -> Budget {
        Budget {
            left: BUILD_BYTES,
            limit: Limit::Bytes,
        }
    }

    fn of_references() -> Budget {
        Budget {
            left: REFERENCES,
            limit: Limit::References,
        }
    }

    fn spend(&mut self, name: &str, used: usize) -> Result<(), TooLarge> {
        let too_large = || TooLarge {
            name: name.to_owned(),
            limit: self.limit,
        };
        self.left = self.left.checked_sub(used).ok_or_else(too_large)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn variables(pairs: &[(&str, &str)]) -> SecretValues {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        SecretValues {
            variables: pairs.iter().map(owned).collect(),
            ..SecretValues::default()
        }
    }

    fn nothing(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn a_name_stands_for_its_value_in_arguments_and_text_files() {
        let mut values = variables(&[
            ("NODE_ENV", "production"),
            ("HOST", "${NODE_ENV}.example.com"),
            ("URL", "https://${HOST}/${NODE_ENV}"),
        ]);
        // The published example of a file.
        let published =
            "VGhpcyBpcyBhbiBleGFtcGxlIHdpdGggYSB0ZW1wbGF0ZWQgJHtOT0RFX0VOVn0gdmFyaWFibGU=";
        let file = |encoding: &str| FileContent {
            data: published.to_owned(),
            encoding: encoding.to_owned(),
        };
        values.files.insert("/text".into(), file("utf-8"));
        values.mounts.insert("bytes".into(), file("binary"));
        let expanded = expand(values, nothing).unwrap();
        assert_eq!(
            expanded.variables["URL"],
            "https://production.example.com/production"
        );
        let text = expanded.files["/text"].text().unwrap();
        assert_eq!(
            text,
            "This is an example with a templated production variable"
        );
        assert_eq!(expanded.mounts["bytes"].data, published);
    }

    #[test]
    fn what_is_unknown_or_in_a_circle_stays() {
        let values = variables(&[
            ("PATH", "${PATH}:/more"),
            ("A", "a ${B}"),
            ("B", "b ${A}"),
            ("C", "${A} ${NOBODY} ${} ${A B} $A {A} ${${A}}"),
        ]);
        let expanded = expand(values, nothing).unwrap().variables;
        assert_eq!(expanded["PATH"], "${PATH}:/more");
        assert_eq!(expanded["A"], "a ${B}");
        assert_eq!(expanded["B"], "b ${A}");
        assert_eq!(
            expanded["C"],
            "a ${B} ${NOBODY} ${} ${A B} $A {A} ${a ${B}}"
        );
    }

    #[test]
    fn secrets_of_the_account_are_asked_for_and_arguments_come_first() {
        let values = variables(&[
            ("A", "${secrets.db.values.user}"),
            ("secrets.x", "own"),
            ("B", "${secrets.x}"),
        ]);
        assert!(
            account_references("a ${secrets.db.values.user} ${B}").eq(["secrets.db.values.user"])
        );
        let expanded = expand(values, |name| Some(format!("<{name}>"))).unwrap();
        assert_eq!(expanded.variables["A"], "<secrets.db.values.user>");
        assert_eq!(expanded.variables["B"], "own");
    }

    #[test]
    fn only_new_references_to_the_account_count() {
        let before = variables(&[("A", "${secrets.db.values.user}")]);
        let changes = |values: SecretValues| SecretChanges {
            variables: Some(values.variables),
            ..SecretChanges::default()
        };
        assert!(!refers_anew(&changes(before.clone()), &before));
        assert!(!refers_anew(&changes(variables(&[("A", "${B}")])), &before));
        let moved = variables(&[("B", "${secrets.db.values.user}")]);
        assert!(refers_anew(&changes(moved), &before));
        let file = SecretChanges {
            files: Some([("/a".to_owned(), FileContent::of_text("x ${secrets.a.b}"))].into()),
            ..SecretChanges::default()
        };
        assert!(refers_anew(&file, &before));
    }

    #[test]
    fn values_that_multiply_are_stopped() {
        let mut pairs = vec![("V0".to_owned(), "x".repeat(1000))];
        for n in 0..40 {
            pairs.push((format!("V{}", n + 1), format!("${{V{n}}}${{V{n}}}")));
        }
        let values = SecretValues {
            variables: pairs.into_iter().collect(),
            ..SecretValues::default()
        };
        let name = expand(values, nothing).unwrap_err().name;
        assert!(name.starts_with('V'), "{name}");
    }

    /// A thousand empty variables, and so many values that name them over and over.
    fn attack(values: usize, references: usize) -> SecretValues {
        let empty = (0..1000).map(|n| (format!("E{n}"), String::new()));
        let value: String = (0..references)
            .map(|n| format!("${{E{}}}", n % 1000))
            .collect();
        let full = (0..values).map(|n| (format!("V{n}"), value.clone()));
        SecretValues {
            variables: empty.chain(full).collect(),
            ..SecretValues::default()
        }
    }

    #[test]
    fn what_is_too_large_is_refused_before_anything_is_looked_up() {
        let refused = |values: SecretValues| {
            let untouched = |name: &str| panic!("{name} was looked up");
            expand(values, untouched).unwrap_err().limit
        };
        let mut unknown = attack(0, 0);
        let many = "${secrets.a.values.b}".repeat(REFERENCES + 1);
        unknown.variables.insert("A".to_owned(), many.clone());
        assert_eq!(refused(unknown), Limit::References);
        let file = FileContent::of_text(&many);
        let in_a_file = SecretValues {
            files: [("/a".to_owned(), file)].into(),
            ..SecretValues::default()
        };
        assert_eq!(refused(in_a_file), Limit::References);
        assert_eq!(refused(attack(5, 10_001)), Limit::References);
        let mut large = attack(0, 0);
        let (name, megabyte) = ("A".to_owned(), "x".repeat(1024 * 1024));
        large
            .variables
            .insert(name, format!("{}x", megabyte.repeat(4)));
        assert_eq!(refused(large), Limit::Bytes);
    }

    #[test]
    fn references_to_nothing_cost_one_step_each() {
        let values = attack(5, 10_000);
        let graph = graph(&values.variables);
        assert_eq!(graph.edge_count(), 5 * 1000, "each is an edge once");
        let expanded = expand(values.clone(), nothing).unwrap();
        assert!(expanded.variables.values().all(String::is_empty));

        let steps = std::cell::Cell::new(0);
        let mut of_account = SecretValues::default();
        let text = "${secrets.a.values.b}".repeat(REFERENCES);
        of_account.variables.insert("A".to_owned(), text);
        let empty = |_: &str| {
            steps.set(steps.get() + 1);
            Some(String::new())
        };
        expand(of_account, empty).unwrap();
        assert_eq!(steps.get(), REFERENCES);
    }

    fn tangled() -> impl Strategy<Value = BTreeMap<String, String>> {
        let part = prop_oneof![
            "[a-c]",
            Just("${A}".to_owned()),
            Just("${B}".to_owned()),
            Just("${C}".to_owned()),
            Just("${D}".to_owned()),
            Just("${".to_owned())
        ];
        let value = prop::collection::vec(part, 0..4).prop_map(|parts| parts.concat());
        prop::collection::btree_map("[A-D]", value, 0..5)
    }

    proptest! {
        #[test]
        fn it_always_ends_and_leaves_only_circles_and_what_is_unknown(variables in tangled()) {
            let values = SecretValues { variables: variables.clone(), ..SecretValues::default() };
            let expanded = expand(values, nothing).unwrap().variables;
            prop_assert!(expanded.keys().eq(variables.keys()));
            for (name, value) in &expanded {
                // Whatever is still named is unknown, or leads back to itself.
                for left in references(value).filter(|left| variables.contains_key(*left)) {
                    prop_assert!(leads(&variables, left, left), "{name}: {left}");
                }
            }
        }

        #[test]
        fn texts_without_references_stay(text in "[^$]*") {
            let expanded = expand(variables(&[("A", &text)]), |_| Some("x".to_owned()));
            prop_assert_eq!(&expanded.unwrap().variables["A"], &text);
        }
    }

    /// Whether `to` is reached from `from` by one reference or more.
    fn leads(variables: &BTreeMap<String, String>, from: &str, to: &str) -> bool {
        let mut seen = Vec::new();
        let mut open = vec![from.to_owned()];
        while let Some(name) = open.pop() {
            for next in references(variables.get(&name).map_or("", String::as_str)) {
                if next == to {
                    return true;
                }
                if !seen.contains(&next.to_owned()) {
                    seen.push(next.to_owned());
                    open.push(next.to_owned());
                }
            }
        }
        false
    }
}
