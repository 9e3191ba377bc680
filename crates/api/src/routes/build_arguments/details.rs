//! Where each value is from, and what it hides.

use domain::secret_group::{Inheritance, Layer};
use domain::{FileContent, SecretValues};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// Every value with where it is from.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Details {
    build_arguments: BTreeMap<String, Detail<String>>,
    build_files: BTreeMap<String, Detail<FileContent>>,
    docker_secret_mounts: BTreeMap<String, Detail<FileContent>>,
}

/// One value.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Detail<T> {
    value: T,
    /// The group of secrets; none for the service's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    inherited_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<i64>,
    /// What has the same name in groups and does not count, the highest priority first.
    overriding: Vec<Hidden<T>>,
}

/// A value that does not count.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Hidden<T> {
    value: T,
    inherited_from: String,
    priority: i64,
}

impl Details {
    pub(super) fn of(all: &Inheritance) -> Details {
        Details {
            build_arguments: details(all, |values| &values.variables),
            build_files: details(all, |values| &values.files),
            docker_secret_mounts: details(all, |values| &values.mounts),
        }
    }
}

fn details<T: Clone>(
    all: &Inheritance,
    part: fn(&SecretValues) -> &BTreeMap<String, T>,
) -> BTreeMap<String, Detail<T>> {
    let detail = |(name, values): (&str, Vec<(&Layer, &T)>)| {
        let mut values = values.into_iter();
        let (layer, value) = values.next()?;
        let (inherited_from, priority) = layer.group.clone().unzip();
        let detail = Detail {
            value: value.clone(),
            inherited_from,
            priority,
            overriding: values.filter_map(hidden).collect(),
        };
        Some((name.to_owned(), detail))
    };
    all.by_name(part).into_iter().filter_map(detail).collect()
}

fn hidden<T: Clone>((layer, value): (&Layer, &T)) -> Option<Hidden<T>> {
    let (inherited_from, priority) = layer.group.clone()?;
    Some(Hidden {
        value: value.clone(),
        inherited_from,
        priority,
    })
}
