//! Small images, made of text.

use serde_json::{Value, json};

pub const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Some content and its digest.
#[derive(Clone, Debug)]
pub struct Blob {
    pub bytes: Vec<u8>,
    pub digest: String,
}

impl Blob {
    pub fn of(bytes: impl Into<Vec<u8>>) -> Blob {
        let bytes = bytes.into();
        Blob {
            digest: registry::digest_of(&bytes),
            bytes,
        }
    }

    /// How a manifest refers to it.
    pub fn descriptor(&self, media_type: &str) -> Value {
        json!({"mediaType": media_type, "digest": self.digest, "size": self.bytes.len()})
    }
}

/// An image of one layer.
#[derive(Clone, Debug)]
pub struct Image {
    pub config: Blob,
    pub layer: Blob,
    pub manifest: Blob,
}

impl Image {
    /// The image with this text in it.
    pub fn of(text: &str) -> Image {
        Image::with(text, json!({}))
    }

    /// The same; `extra` is laid over the manifest.
    pub fn with(text: &str, extra: Value) -> Image {
        let config = Blob::of(format!("{{\"os\":\"linux\",\"comment\":\"{text}\"}}"));
        let layer = Blob::of(format!("a layer of {text}"));
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": IMAGE,
            "config": config.descriptor("application/vnd.oci.image.config.v1+json"),
            "layers": [layer.descriptor("application/vnd.oci.image.layer.v1.tar+gzip")],
        });
        for (key, value) in extra.as_object().unwrap() {
            manifest[key] = value.clone();
        }
        Image {
            config,
            layer,
            manifest: Blob::of(manifest.to_string()),
        }
    }
}

/// An index of these images.
pub fn index_of(images: &[&Image]) -> Blob {
    let manifests: Vec<Value> = images
        .iter()
        .map(|image| image.manifest.descriptor(IMAGE))
        .collect();
    Blob::of(json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).to_string())
}
