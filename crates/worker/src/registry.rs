//! The few calls to the registry that an image goes to that the engine is not needed for: giving an image that is there
//! another tag is one small request, where the engine would start a process and look at every layer.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Body, Method, Response};
use serde::{Deserialize, Serialize};

use crate::failure::shorten;
use crate::gateway::{Sent, Upstream, UpstreamError};

const CALL_TIMEOUT: Duration = Duration::from_secs(60);
/// The largest manifest that registries have to take, in bytes.
const MAX_MANIFEST: usize = 4 << 20;
/// How much of a refusal is read, in bytes.
const MAX_REFUSAL: usize = 4096;
const MANIFESTS: &str = "application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json, \
    application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json";

/// Why a call to the registry did not work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RegistryError {
    /// Nobody there, or not able to answer now.
    #[error("{0}")]
    Unreachable(String),
    /// It did not take the login, or is where nothing may be contacted.
    #[error("{0}")]
    Closed(UpstreamError),
    /// It said no.
    #[error("the registry answered {status}: {body}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The beginning of the answer.
        body: String,
    },
}

/// A manifest as it is stored, byte by byte: its digest is over these bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) media_type: String,
    pub(crate) text: String,
}

impl Manifest {
    /// The size of the image: manifest, configuration and layers. Of an index, what it says of the
    /// manifests in it.
    pub(crate) fn image_size(&self) -> i64 {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Sized {
            size: i64,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Parts {
            config: Sized,
            layers: Vec<Sized>,
            manifests: Vec<Sized>,
        }
        let parts: Parts = serde_json::from_str(&self.text).unwrap_or_default();
        let listed = parts
            .layers
            .iter()
            .chain(&parts.manifests)
            .map(|part| part.size);
        let own = i64::try_from(self.text.len()).unwrap_or(i64::MAX);
        listed.fold(own.saturating_add(parts.config.size), i64::saturating_add)
    }
}

/// A registry, seen from one repository.
pub(crate) struct Registry<'a> {
    upstream: &'a Upstream,
    repository: &'a str,
}

impl<'a> Registry<'a> {
    pub(crate) fn new(upstream: &'a Upstream, repository: &'a str) -> Registry<'a> {
        Registry {
            upstream,
            repository,
        }
    }

    /// Its host and port.
    pub(crate) fn host(&self) -> &str {
        self.upstream.host()
    }

    /// The manifest under a tag or digest.
    pub(crate) async fn manifest(&self, reference: &str) -> Result<Manifest, RegistryError> {
        let accept = (ACCEPT, HeaderValue::from_static(MANIFESTS));
        let response = self.call(Method::GET, reference, accept, None).await?;
        let media_type = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let bytes = body(response, MAX_MANIFEST).await?;
        match String::from_utf8(bytes) {
            Ok(text) if text.len() <= MAX_MANIFEST => Ok(Manifest { media_type, text }),
            _ => Err(RegistryError::Refused {
                status: 200,
                body: "something that is no manifest".into(),
            }),
        }
    }

    /// Puts a manifest under a tag. The registry refuses one whose layers it does not have.
    pub(crate) async fn put(&self, tag: &str, manifest: &Manifest) -> Result<(), RegistryError> {
        let kind = HeaderValue::from_str(&manifest.media_type)
            .unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"));
        let body = Bytes::from(manifest.text.clone());
        let put = self.call(Method::PUT, tag, (CONTENT_TYPE, kind), Some(body));
        put.await.map(drop)
    }

    async fn call(
        &self,
        method: Method,
        reference: &str,
        (name, value): (HeaderName, HeaderValue),
        body: Option<Bytes>,
    ) -> Result<Response, RegistryError> {
        let path = format!("/v2/{}/manifests/{reference}", self.repository);
        let sent = Sent {
            method,
            path: &path,
            repository: self.repository,
            headers: HeaderMap::from_iter([(name, value)]),
        };
        let answer = self.upstream.send(sent, body.map(Body::from));
        match tokio::time::timeout(CALL_TIMEOUT, answer).await {
            Ok(Ok(response)) => checked(response).await,
            Ok(Err(error @ UpstreamError::Unreachable { .. })) => {
                Err(RegistryError::Unreachable(error.to_string()))
            }
            Ok(Err(error)) => Err(RegistryError::Closed(error)),
            Err(_) => Err(RegistryError::Unreachable("no answer in time".into())),
        }
    }
}

/// What a response says, up to a byte more than `limit`.
async fn body(mut response: Response, limit: usize) -> Result<Vec<u8>, RegistryError> {
    let unreachable =
        |error: reqwest::Error| RegistryError::Unreachable(error.without_url().to_string());
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > limit {
            bytes.truncate(limit + 1);
            break;
        }
    }
    Ok(bytes)
}

async fn checked(response: Response) -> Result<Response, RegistryError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    if matches!(status.as_u16(), 429 | 502..=504) {
        return Err(RegistryError::Unreachable(format!("status {status}")));
    }
    let said = body(response, MAX_REFUSAL).await.unwrap_or_default();
    Err(RegistryError::Refused {
        status: status.as_u16(),
        body: shorten(&String::from_utf8_lossy(&said), 200),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_as_large_as_its_parts() {
        let manifest = |text: &str| Manifest {
            media_type: String::new(),
            text: text.into(),
        };
        let text = r#"{"config": {"size": 10}, "layers": [{"size": 100}, {"size": 1000}]}"#;
        let own = i64::try_from(text.len()).unwrap();
        assert_eq!(manifest(text).image_size(), own + 1110);
        assert_eq!(manifest("no manifest").image_size(), 11);
    }
}
