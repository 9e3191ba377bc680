//! Values that name others: `${OTHER}` stands for the value of the argument `OTHER`, in arguments, and
//! in files and mounts that are text.
//!
//! What is unknown stays as it is, for a `${…}` may be meant for somebody else. So does a reference
//! in a circle: `PATH=${PATH}:/more` names itself. What a value brings in is not looked at again.

mod expand;

pub use expand::{BUILD_BYTES, Expanded, Referent, TooLarge, check, expand};

use crate::{FileContent, SecretChanges, SecretValues};
use std::collections::{BTreeMap, BTreeSet};

/// What references to the secrets of the account begin with.
const ACCOUNT: &str = "secrets.";

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

/// Whether arguments name others than each other, whose values they would bring in.
pub fn names_others(variables: &BTreeMap<String, String>) -> bool {
    let mut names = variables.values().flat_map(|value| references(value));
    names.any(|name| !variables.contains_key(name))
}

#[cfg(test)]
mod tests;
