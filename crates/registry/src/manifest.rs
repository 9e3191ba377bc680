//! Reads a pushed manifest: what it is, what it needs, what it speaks about.

use crate::digest::Digest;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const INDEXES: [&str; 2] = [
    OCI_INDEX,
    "application/vnd.docker.distribution.manifest.list.v2+json",
];
const IMAGES: [&str; 2] = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    schema_version: u64,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Descriptor>>,
    subject: Option<Descriptor>,
    annotations: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: String,
    size: u64,
    #[serde(default)]
    urls: Vec<String>,
}

/// A manifest that may be stored.
pub(crate) struct Manifest {
    pub(crate) media_type: String,
    pub(crate) artifact_type: Option<String>,
    pub(crate) subject: Option<String>,
    pub(crate) annotations: Option<String>,
    pub(crate) blobs: BTreeMap<String, u64>,
    pub(crate) manifests: BTreeMap<String, u64>,
}

/// Reads `bytes`, which the client calls `content_type`; a phrase when it is not one.
pub(crate) fn read(bytes: &[u8], content_type: Option<&str>) -> Result<Manifest, String> {
    let document: Document =
        serde_json::from_slice(bytes).map_err(|error| format!("It cannot be read: {error}"))?;
    if document.schema_version != 2 {
        return Err("Only schemaVersion 2 is supported.".to_owned());
    }
    let media_type = media_type(&document, content_type)?;
    check_shape(&document, &media_type)?;
    let mut blobs = BTreeMap::new();
    let local = document.layers.iter().flatten().filter(|l| !is_foreign(l));
    for descriptor in document.config.iter().chain(local) {
        blobs.insert(checked(descriptor)?, descriptor.size);
    }
    let mut manifests = BTreeMap::new();
    for descriptor in document.manifests.iter().flatten() {
        manifests.insert(checked(descriptor)?, descriptor.size);
    }
    // The specification: an artifact without a type of its own has its configuration's.
    let config_type = document
        .config
        .as_ref()
        .map(|config| config.media_type.clone());
    Ok(Manifest {
        media_type,
        artifact_type: document.artifact_type.or(config_type),
        subject: document.subject.as_ref().map(checked).transpose()?,
        annotations: document
            .annotations
            .map(|map| Value::Object(map).to_string()),
        blobs,
        manifests,
    })
}

fn media_type(document: &Document, content_type: Option<&str>) -> Result<String, String> {
    let said = document.media_type.as_deref();
    let sent = content_type.map(|text| text.split(';').next().unwrap_or(text).trim());
    if let (Some(said), Some(sent)) = (said, sent)
        && said != sent
    {
        return Err(format!("It says {said} inside and {sent} outside."));
    }
    match said.or(sent) {
        Some(known) if IMAGES.contains(&known) || INDEXES.contains(&known) => Ok(known.to_owned()),
        Some(other) => Err(format!("The media type {other} is not supported.")),
        None => Err("It has no media type.".to_owned()),
    }
}

/// A document that is an image to one client and an index to another would show each something
/// else under one digest.
fn check_shape(document: &Document, media_type: &str) -> Result<(), String> {
    let has_image = document.config.is_some() || document.layers.is_some();
    if INDEXES.contains(&media_type) {
        return match has_image {
            true => Err("An index has neither config nor layers.".to_owned()),
            false => Ok(()),
        };
    }
    if document.manifests.is_some() {
        return Err("An image has no manifests; an index has.".to_owned());
    }
    match document.config {
        Some(_) => Ok(()),
        None => Err("An image has a config.".to_owned()),
    }
}

/// Layers that may not be passed on and live where their address says need not be here.
fn is_foreign(layer: &Descriptor) -> bool {
    let kind = &layer.media_type;
    let foreign = kind.contains(".nondistributable.") || kind.contains(".foreign.");
    foreign && !layer.urls.is_empty()
}

fn checked(descriptor: &Descriptor) -> Result<String, String> {
    match Digest::parse(&descriptor.digest) {
        Some(digest) => Ok(digest.as_str().to_owned()),
        None => Err("It refers to a digest that is none.".to_owned()),
    }
}
