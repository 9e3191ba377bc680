//! The few calls to our registry that the engine is not needed for: giving an image that is there
//! another tag is one small request, where the engine would start a process and look at every layer.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Method, RequestBuilder, Response};
use serde::{Deserialize, Serialize};

use crate::engine::base_url;
use crate::failure::shorten;
use crate::gateway::REGISTRY_USER;
use crate::token::Token;

const CALL_TIMEOUT: Duration = Duration::from_secs(60);
/// The largest manifest that registries have to take, in bytes.
const MAX_MANIFEST: usize = 4 << 20;
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

/// Our registry, seen from one repository.
pub(crate) struct Registry<'a> {
    http: reqwest::Client,
    host: &'a str,
    repository: &'a str,
    token: &'a Token,
}

impl<'a> Registry<'a> {
    pub(crate) fn new(
        host: &'a str,
        repository: &'a str,
        token: &'a Token,
    ) -> Result<Registry<'a>, RegistryError> {
        let http = reqwest::Client::builder()
            .timeout(CALL_TIMEOUT)
            .build()
            .map_err(|error| RegistryError::Unreachable(error.to_string()))?;
        Ok(Registry {
            http,
            host,
            repository,
            token,
        })
    }

    /// The manifest under a tag or digest.
    pub(crate) async fn manifest(&self, reference: &str) -> Result<Manifest, RegistryError> {
        let request = self
            .request(Method::GET, reference)
            .header(ACCEPT, MANIFESTS);
        let response = answer(request).await?;
        let media_type = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let bytes = response.bytes().await.map_err(unreachable)?;
        match String::from_utf8(bytes.into()) {
            Ok(text) if text.len() <= MAX_MANIFEST => Ok(Manifest { media_type, text }),
            _ => Err(RegistryError::Refused {
                status: 200,
                body: "something that is no manifest".into(),
            }),
        }
    }

    /// Puts a manifest under a tag. The registry refuses one whose layers it does not have.
    pub(crate) async fn put(&self, tag: &str, manifest: &Manifest) -> Result<(), RegistryError> {
        let request = self
            .request(Method::PUT, tag)
            .header(CONTENT_TYPE, &manifest.media_type)
            .body(Bytes::from(manifest.text.clone()));
        answer(request).await.map(drop)
    }

    fn request(&self, method: Method, reference: &str) -> RequestBuilder {
        let url = format!(
            "{}/v2/{}/manifests/{reference}",
            base_url(self.host),
            self.repository
        );
        self.http
            .request(method, url)
            .basic_auth(REGISTRY_USER, Some(self.token.reveal()))
    }
}

fn unreachable(error: reqwest::Error) -> RegistryError {
    RegistryError::Unreachable(error.without_url().to_string())
}

async fn answer(request: RequestBuilder) -> Result<Response, RegistryError> {
    let response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    if matches!(status.as_u16(), 429 | 502..=504) {
        return Err(RegistryError::Unreachable(format!("status {status}")));
    }
    let body = response.text().await.unwrap_or_default();
    Err(RegistryError::Refused {
        status: status.as_u16(),
        body: shorten(&body, 200),
    })
}
