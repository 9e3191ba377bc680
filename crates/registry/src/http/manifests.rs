//! Manifests: reading, pushing, taking away.

use super::{Answer, CONTENT_DIGEST, Call, empty, has_already, putting};
use crate::digest::Digest;
use crate::error::Refusal;
use crate::{manifest, names};
use axum::body::Body;
use http::StatusCode;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, LOCATION};
use store::{Missing, NewManifest};

/// Manifests are small; the specification wants 4 MiB to work.
const LARGEST: usize = 4 * 1024 * 1024;
const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

impl Call<'_> {
    /// `GET` and `HEAD`.
    pub(super) async fn manifest(&self, reference: &str, with_body: bool) -> Answer {
        check(reference)?;
        let found = self.inner.find_manifest(self.repository, reference).await?;
        let found = found.ok_or_else(Refusal::manifest_unknown)?;
        let etag = format!("\"{}\"", found.digest);
        if has_already(self.headers, &etag) {
            return Ok(empty(StatusCode::NOT_MODIFIED, &[(ETAG, &etag)]));
        }
        let headers = [
            (CONTENT_TYPE, found.media_type.as_str()),
            (CONTENT_LENGTH, &found.size.to_string()),
            (CONTENT_DIGEST, found.digest.as_str()),
            (ETAG, etag.as_str()),
        ];
        let mut response = empty(StatusCode::OK, &headers);
        if with_body {
            let digest = super::digest(&found.digest)?;
            *response.body_mut() = Body::from(self.inner.files.read(&digest).await?);
        }
        Ok(response)
    }

    /// `PUT`.
    pub(super) async fn put_manifest(&self, reference: &str, body: Body) -> Answer {
        let by_digest = check(reference)?;
        let bytes = axum::body::to_bytes(body, LARGEST).await.map_err(|_| {
            let message = "A manifest may have 4 MiB at the most.";
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "MANIFEST_INVALID", message)
        })?;
        let digest = Digest::of_bytes(&bytes);
        if by_digest.is_some_and(|wanted| wanted != digest) {
            return Err(Refusal::digest_invalid(
                "The manifest does not have this digest.",
            ));
        }
        let content_type = self
            .headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let read = manifest::read(&bytes, content_type).map_err(Refusal::manifest_invalid)?;
        let new = NewManifest {
            repository: self.repository,
            digest: digest.as_str(),
            size: bytes.len() as u64,
            media_type: &read.media_type,
            artifact_type: read.artifact_type.as_deref(),
            subject: read.subject.as_deref(),
            annotations: read.annotations.as_deref(),
            blobs: &read.blobs,
            manifests: &read.manifests,
            tag: names::is_tag(reference).then_some(reference),
        };
        let _placing = self.placing(putting(reference)).await?;
        self.inner.files.write(&digest, &bytes).await?;
        if let Err(missing) = self.inner.store.catalog().add_manifest(&new).await? {
            return Err(refuse_missing(&missing));
        }
        let location = self.path(&format!("manifests/{}", digest.as_str()));
        let mut headers = vec![
            (LOCATION, location.as_str()),
            (CONTENT_DIGEST, digest.as_str()),
        ];
        headers.extend(read.subject.as_deref().map(|subject| (SUBJECT, subject)));
        Ok(empty(StatusCode::CREATED, &headers))
    }

    /// `DELETE`: by tag takes the name away, by digest the manifest and its names.
    pub(super) async fn delete_manifest(&self, reference: &str) -> Answer {
        let catalog = self.inner.store.catalog();
        let removed = match check(reference)? {
            Some(digest) => {
                catalog
                    .remove_manifest(self.repository, digest.as_str())
                    .await?
            }
            None => catalog.remove_tag(self.repository, reference).await?,
        };
        if removed {
            Ok(empty(StatusCode::ACCEPTED, &[]))
        } else {
            Err(Refusal::manifest_unknown())
        }
    }
}

/// A reference is a digest or a tag.
fn check(reference: &str) -> Result<Option<Digest>, Refusal> {
    match Digest::parse(reference) {
        Some(digest) => Ok(Some(digest)),
        None if names::is_tag(reference) => Ok(None),
        None => {
            let message = "That is neither a tag nor a digest.";
            Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                "TAG_INVALID",
                message,
            ))
        }
    }
}

fn refuse_missing(missing: &Missing) -> Refusal {
    let message = match missing {
        Missing::Absent(digest) => {
            format!("The manifest refers to {digest}, which the repository does not have.")
        }
        Missing::Size(digest, size) => {
            format!("The manifest refers to {digest} with a wrong size; it has {size} bytes.")
        }
    };
    Refusal::new(StatusCode::BAD_REQUEST, "MANIFEST_BLOB_UNKNOWN", message)
}
