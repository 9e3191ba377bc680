//! Uploads: at once, in one stream, or in chunks that must follow each other.

use super::{Answer, CONTENT_DIGEST, Call, authorize, digest, empty, number};
use crate::access::Action;
use crate::digest::Digest;
use crate::error::Refusal;
use crate::uploads::{Session, Turn};
use axum::body::Body;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, HeaderName, LOCATION, RANGE};
use http::{HeaderMap, StatusCode};
use std::sync::Arc;

const UPLOAD_ID: HeaderName = HeaderName::from_static("docker-upload-uuid");

impl Call<'_> {
    /// `POST`: a mount, a whole blob, or a session.
    pub(super) async fn begin_upload(&self, body: Body) -> Answer {
        if let (Some(mount), Some(from)) = (self.query.get("mount"), self.query.get("from"))
            && let Some(answer) = self.mount(mount, from).await?
        {
            return Ok(answer);
        }
        let wanted = self.query.get("digest").map(|text| digest(text));
        let wanted = wanted.transpose()?;
        let uploads = &self.inner.uploads;
        let begun = uploads.begin(&self.inner.files, self.repository).await?;
        let id = begun.ok_or_else(Refusal::too_many_uploads)?;
        match wanted {
            Some(wanted) => self.complete(&id, &wanted, body).await,
            None => Ok(self.standing(StatusCode::ACCEPTED, &id, 0)),
        }
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
        let _placing = self.placing(Action::Push).await?;
        if visible
            && catalog
                .mount_blob(from, self.repository, wanted.as_str())
                .await?
        {
            return Ok(Some(self.created(&wanted)));
        }
        Ok(None)
    }

    /// `GET`. Does not wait for who is writing: that one may hang.
    pub(super) async fn upload_status(&self, id: &str) -> Answer {
        let length = self.upload(id).await?.length();
        Ok(self.standing(StatusCode::NO_CONTENT, id, length))
    }

    /// `PATCH`.
    pub(super) async fn append_upload(&self, id: &str, body: Body) -> Answer {
        let upload = self.upload(id).await?;
        let mut turn = self.turn_to_write(id, &upload).await?;
        turn.append(body).await.map_err(broken)?;
        Ok(self.standing(StatusCode::ACCEPTED, id, turn.length()))
    }

    /// `PUT`.
    pub(super) async fn finish_upload(&self, id: &str, body: Body) -> Answer {
        let missing = || Refusal::digest_invalid("The query has no digest.");
        let wanted = digest(self.query.get("digest").ok_or_else(missing)?)?;
        self.complete(id, &wanted, body).await
    }

    /// `DELETE`.
    pub(super) async fn cancel_upload(&self, id: &str) -> Answer {
        let upload = self.upload(id).await?;
        self.turn(id, &upload).await?.discard().await?;
        self.inner.uploads.forget(self.repository, id);
        Ok(empty(StatusCode::NO_CONTENT, &[]))
    }

    async fn complete(&self, id: &str, wanted: &Digest, body: Body) -> Answer {
        let upload = self.upload(id).await?;
        let mut turn = self.turn_to_write(id, &upload).await?;
        turn.append(body).await.map_err(broken)?;
        if !turn.check(wanted).await? {
            self.inner.uploads.forget(self.repository, id);
            let message = "The content does not have this digest.";
            return Err(Refusal::digest_invalid(message));
        }
        // From here on only a rename and a row: syncing a large layer would hold everybody up.
        let _placing = self.placing(Action::Push).await?;
        turn.keep(&self.inner.files, wanted).await?;
        self.inner.uploads.forget(self.repository, id);
        let catalog = self.inner.store.catalog();
        catalog
            .add_blob(self.repository, wanted.as_str(), turn.length())
            .await?;
        Ok(self.created(wanted))
    }

    async fn upload(&self, id: &str) -> Result<Arc<Session>, Refusal> {
        let found = self
            .inner
            .uploads
            .find(&self.inner.files, self.repository, id)
            .await?;
        found.ok_or_else(Refusal::upload_unknown)
    }

    /// The turn to write an upload that has not ended, for a chunk that fits. One that does not
    /// takes the turn from nobody: it may have come late.
    async fn turn_to_write(&self, id: &str, upload: &Session) -> Result<Turn, Refusal> {
        let first = first_byte(self.headers)?;
        self.check_gap(id, first, upload.length())?;
        let turn = self.turn(id, upload).await?;
        self.check_gap(id, first, turn.length())?;
        Ok(turn)
    }

    /// The turn to write an upload that has not ended.
    async fn turn(&self, id: &str, upload: &Session) -> Result<Turn, Refusal> {
        let turn = upload.turn().await?;
        if turn.is_none() {
            // Whoever ended it may have been dropped before this.
            self.inner.uploads.forget(self.repository, id);
        }
        turn.ok_or_else(Refusal::upload_unknown)
    }

    /// A chunk that says where it begins must begin where the last one ended.
    fn check_gap(&self, id: &str, first: Option<u64>, length: u64) -> Result<(), Refusal> {
        if first.is_none_or(|first| first == length) {
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
            .with_header(RANGE, range(length))
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

/// Where a chunk with a `Content-Range` begins. It must be as long as it says.
fn first_byte(headers: &HeaderMap) -> Result<Option<u64>, Refusal> {
    let Some(value) = headers.get(CONTENT_RANGE) else {
        return Ok(None);
    };
    let Some((first, last)) = value.to_str().ok().and_then(content_range) else {
        let message = "The Content-Range cannot be read.";
        let status = StatusCode::BAD_REQUEST;
        return Err(Refusal::new(status, "BLOB_UPLOAD_INVALID", message));
    };
    let sent = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if sent.is_some_and(|sent| last - first != sent.wrapping_sub(1)) {
        let message = "The chunk is not as long as its Content-Range says.";
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "SIZE_INVALID",
            message,
        ));
    }
    Ok(Some(first))
}

/// First and last byte of `0-9`, the specification's form, or `bytes 0-9/10`, HTTP's.
fn content_range(text: &str) -> Option<(u64, u64)> {
    let text = text.strip_prefix("bytes ").unwrap_or(text);
    let (span, _) = text.split_once('/').unwrap_or((text, ""));
    let (first, last) = span.split_once('-')?;
    let (first, last) = (number(first)?, number(last)?);
    (first <= last).then_some((first, last))
}

/// A connection that broke is the client's affair; anything else is ours.
fn broken(error: std::io::Error) -> Refusal {
    if error.kind() == std::io::ErrorKind::ConnectionAborted {
        let message = "The upload broke off; ask where it stands and go on from there.";
        return Refusal::new(StatusCode::BAD_REQUEST, "BLOB_UPLOAD_INVALID", message);
    }
    error.into()
}
