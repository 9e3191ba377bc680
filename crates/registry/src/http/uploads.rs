//! Uploads: at once, in one stream, or in chunks that must follow each other.

use super::{Answer, CONTENT_DIGEST, Call, authorize, digest, empty};
use crate::access::Action;
use crate::digest::Digest;
use crate::error::Refusal;
use crate::uploads::Upload;
use axum::body::Body;
use http::header::{CONTENT_RANGE, HeaderName, LOCATION, RANGE};
use http::{HeaderMap, StatusCode};
use std::sync::Arc;
use tokio::sync::Mutex;

const UPLOAD_ID: HeaderName = HeaderName::from_static("docker-upload-uuid");

impl Call<'_> {
    /// `POST`: a mount, a whole blob, or a session.
    pub(super) async fn begin_upload(&self, body: Body) -> Answer {
        if let (Some(mount), Some(from)) = (self.query.get("mount"), self.query.get("from"))
            && let Some(answer) = self.mount(mount, from).await?
        {
            return Ok(answer);
        }
        let id = self
            .inner
            .uploads
            .begin(&self.inner.files, self.repository)
            .await?;
        if let Some(text) = self.query.get("digest") {
            let wanted = digest(text)?;
            let upload = self.upload(&id).await?;
            return self.complete(&id, &upload, &wanted, body).await;
        }
        Ok(self.standing(StatusCode::ACCEPTED, &id, 0))
    }

    /// A blob of another repository shown in this one, without sending it again. Where that is not
    /// possible or not allowed, the client gets an ordinary session, as the specification says.
    async fn mount(
        &self,
        mount: &str,
        from: &str,
    ) -> Result<Option<axum::response::Response>, Refusal> {
        let wanted = digest(mount)?;
        let visible = crate::names::is_repository(from)
            && authorize(self.inner, self.headers, from, Action::Pull)
                .await
                .is_ok();
        let catalog = self.inner.store.catalog();
        if visible
            && catalog
                .mount_blob(from, self.repository, wanted.as_str())
                .await?
        {
            return Ok(Some(self.created(&wanted)));
        }
        Ok(None)
    }

    /// `GET`.
    pub(super) async fn upload_status(&self, id: &str) -> Answer {
        let length = self.upload(id).await?.lock().await.length();
        Ok(self.standing(StatusCode::NO_CONTENT, id, length))
    }

    /// `PATCH`.
    pub(super) async fn append_upload(&self, id: &str, body: Body) -> Answer {
        let upload = self.upload(id).await?;
        let mut upload = upload.lock().await;
        self.check_gap(id, &upload)?;
        upload.append(body).await.map_err(broken)?;
        Ok(self.standing(StatusCode::ACCEPTED, id, upload.length()))
    }

    /// `PUT`.
    pub(super) async fn finish_upload(&self, id: &str, body: Body) -> Answer {
        let missing = || Refusal::digest_invalid("The query has no digest.");
        let wanted = digest(self.query.get("digest").ok_or_else(missing)?)?;
        let upload = self.upload(id).await?;
        self.check_gap(id, &*upload.lock().await)?;
        self.complete(id, &upload, &wanted, body).await
    }

    /// `DELETE`.
    pub(super) async fn cancel_upload(&self, id: &str) -> Answer {
        let upload = self.upload(id).await?;
        upload.lock().await.discard().await?;
        self.inner.uploads.forget(self.repository, id);
        Ok(empty(StatusCode::NO_CONTENT, &[]))
    }

    async fn complete(
        &self,
        id: &str,
        upload: &Mutex<Upload>,
        wanted: &Digest,
        body: Body,
    ) -> Answer {
        let mut upload = upload.lock().await;
        upload.append(body).await.map_err(broken)?;
        let size = upload.length();
        let _placing = self.inner.placing.read().await;
        let kept = upload.finish(&self.inner.files, wanted).await?;
        self.inner.uploads.forget(self.repository, id);
        if !kept {
            return Err(Refusal::digest_invalid(
                "The content does not have this digest.",
            ));
        }
        let catalog = self.inner.store.catalog();
        catalog
            .add_blob(self.repository, wanted.as_str(), size)
            .await?;
        Ok(self.created(wanted))
    }

    async fn upload(&self, id: &str) -> Result<Arc<Mutex<Upload>>, Refusal> {
        let found = self
            .inner
            .uploads
            .find(&self.inner.files, self.repository, id)
            .await?;
        found.ok_or_else(Refusal::upload_unknown)
    }

    /// A chunk that says where it begins must begin where the last one ended.
    fn check_gap(&self, id: &str, upload: &Upload) -> Result<(), Refusal> {
        let Some(first) = first_byte(self.headers)? else {
            return Ok(());
        };
        if first == upload.length() {
            return Ok(());
        }
        let message = "The chunk does not begin where the upload stands.";
        let refusal = Refusal::new(
            StatusCode::RANGE_NOT_SATISFIABLE,
            "BLOB_UPLOAD_INVALID",
            message,
        );
        Err(refusal
            .with_header(LOCATION, self.path(&format!("blobs/uploads/{id}")))
            .with_header(RANGE, range(upload.length()))
            .with_header(UPLOAD_ID, id))
    }

    fn standing(&self, status: StatusCode, id: &str, length: u64) -> axum::response::Response {
        let location = self.path(&format!("blobs/uploads/{id}"));
        empty(
            status,
            &[
                (LOCATION, &location),
                (RANGE, &range(length)),
                (UPLOAD_ID, id),
            ],
        )
    }

    fn created(&self, digest: &Digest) -> axum::response::Response {
        let location = self.path(&format!("blobs/{}", digest.as_str()));
        empty(
            StatusCode::CREATED,
            &[(LOCATION, &location), (CONTENT_DIGEST, digest.as_str())],
        )
    }
}

/// The specification's form: first and last byte, `0-0` before the first.
fn range(length: u64) -> String {
    format!("0-{}", length.saturating_sub(1))
}

/// Where a chunk with a `Content-Range` begins.
fn first_byte(headers: &HeaderMap) -> Result<Option<u64>, Refusal> {
    let Some(value) = headers.get(CONTENT_RANGE) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    let text = text.strip_prefix("bytes ").unwrap_or(text);
    let first = text
        .split('-')
        .next()
        .and_then(|first| first.trim().parse().ok());
    first.map(Some).ok_or_else(|| {
        let message = "The Content-Range cannot be read.";
        Refusal::new(StatusCode::BAD_REQUEST, "BLOB_UPLOAD_INVALID", message)
    })
}

/// A connection that broke is the client's affair; anything else is ours.
fn broken(error: std::io::Error) -> Refusal {
    if error.kind() == std::io::ErrorKind::ConnectionAborted {
        let message = "The upload broke off; ask where it stands and go on from there.";
        return Refusal::new(StatusCode::BAD_REQUEST, "BLOB_UPLOAD_INVALID", message);
    }
    error.into()
}
