//! Replaces references by what they stand for, and keeps account of what becomes secret by it.

use super::{Piece, pieces, references};
use crate::fields::{ARGUMENTS_BYTES, PROCESS_STRING_BYTES, argument_bytes};
use crate::{FileContent, SecretValues};
use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// How large everything that a build is given may be, in bytes.
pub const BUILD_BYTES: usize = 4 * 1024 * 1024;

/// How many references there may be in everything that a build is given. One to an empty value adds
/// no byte, and is looked up all the same.
pub(super) const REFERENCES: usize = 50_000;

/// Values are too large, or grow so while references in them are replaced.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("goes beyond {limit}")]
pub struct TooLarge {
    /// The argument, file or mount that went over the limit.
    pub name: String,
    pub(super) limit: Limit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Limit {
    #[error("{} MiB for all arguments, files and mounts together", BUILD_BYTES / 1024 / 1024)]
    Bytes,
    #[error("{REFERENCES} references for all arguments, files and mounts together")]
    References,
    #[error("{} KiB with its name, what a process can be given", PROCESS_STRING_BYTES / 1024)]
    Argument,
    #[error("{} MiB for all arguments together", ARGUMENTS_BYTES / 1024 / 1024)]
    Arguments,
}

/// What a name stands for.
#[derive(Clone, PartialEq, Eq)]
pub struct Referent {
    /// The value.
    pub text: String,
    /// Whether it is a secret.
    pub secret: bool,
}

/// What a build is given, without references, and what of it nobody should see.
pub struct Expanded {
    /// The values.
    pub values: SecretValues,
    /// The names of the arguments that are secret, or have something secret in them.
    pub secret_arguments: BTreeSet<String>,
    /// The secrets of the account that are in the values, each by itself.
    pub account_secrets: BTreeSet<String>,
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

/// The values with every reference replaced. The arguments in `secret` are secret, and what refers
/// to them becomes it; `account` knows the secrets of the account.
///
/// # Errors
/// When they grow too large.
pub fn expand(
    values: SecretValues,
    secret: &BTreeSet<String>,
    account: impl Fn(&str) -> Option<Referent>,
) -> Result<Expanded, TooLarge> {
    check(&values)?;
    let account_secrets = RefCell::new(BTreeSet::new());
    let account = |name: &str| {
        let found = account(name)?;
        if found.secret {
            account_secrets.borrow_mut().insert(found.text.clone());
        }
        Some(found)
    };
    let mut budget = Budget::of_bytes();
    let variables = expand_variables(&values.variables, secret, &account, &mut budget)?;
    fit_into_a_process(&variables)?;
    let known = |name: &str| variables.get(name).cloned().or_else(|| account(name));
    let mut files = |files: BTreeMap<String, FileContent>| {
        let expand = |(name, file): (String, FileContent)| {
            let file = match file.text() {
                Some(text) => FileContent::of_text(&fill(&name, &text, known, &mut budget)?.text),
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
    let is_secret = |(name, value): (&String, &Referent)| value.secret.then(|| name.clone());
    let secret_arguments = variables.iter().filter_map(is_secret).collect();
    let text = |(name, value): (String, Referent)| (name, value.text);
    Ok(Expanded {
        values: SecretValues {
            variables: variables.into_iter().map(text).collect(),
            files,
            mounts,
        },
        secret_arguments,
        account_secrets: account_secrets.into_inner(),
    })
}

/// The engine, and every step, is started with all arguments in its environment.
fn fit_into_a_process(variables: &BTreeMap<String, Referent>) -> Result<(), TooLarge> {
    let budget = |left, limit| Budget { left, limit };
    let mut all = budget(ARGUMENTS_BYTES, Limit::Arguments);
    for (name, value) in variables {
        let bytes = argument_bytes(name, &value.text);
        let mut one = budget(PROCESS_STRING_BYTES + size_of::<usize>(), Limit::Argument);
        one.spend(name, bytes)?;
        all.spend(name, bytes)?;
    }
    Ok(())
}

/// Variables in an order in which each comes after those that it names, circles aside.
fn expand_variables(
    values: &BTreeMap<String, String>,
    secret: &BTreeSet<String>,
    account: &impl Fn(&str) -> Option<Referent>,
    budget: &mut Budget,
) -> Result<BTreeMap<String, Referent>, TooLarge> {
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
            let mut value = fill(name, &values[name], known, budget)?;
            value.secret |= secret.contains(name);
            done.push((name.to_owned(), value));
        }
        expanded.extend(done);
    }
    Ok(expanded)
}

/// Which variable names which.
pub(super) fn graph(values: &BTreeMap<String, String>) -> DiGraph<&str, ()> {
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

/// A text with what is known in the place of its references; a secret in it makes it one.
fn fill(
    name: &str,
    text: &str,
    known: impl Fn(&str) -> Option<Referent>,
    budget: &mut Budget,
) -> Result<Referent, TooLarge> {
    let mut filled = Referent {
        text: String::with_capacity(text.len()),
        secret: false,
    };
    for piece in pieces(text) {
        let known = match piece {
            Piece::Text(_) => None,
            Piece::Reference(_, target) => known(target),
        };
        let (Piece::Text(as_it_is) | Piece::Reference(as_it_is, _)) = piece;
        let put = known.as_ref().map_or(as_it_is, |known| &known.text);
        budget.spend(name, put.len())?;
        filled.text.push_str(put);
        // Nothing of an empty secret is in there.
        filled.secret |= known.is_some_and(|known| known.secret && !known.text.is_empty());
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
