//! Blobs: reading, whole or in part, and taking away.

use super::{Answer, CONTENT_DIGEST, Call, digest, empty, has_already, number};
use crate::error::Refusal;
use crate::telemetry;
use axum::body::Body;
use futures::TryStreamExt;
use http::StatusCode;
use http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, RANGE};
use store::BlobRemoval;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

const BUFFER: usize = 256 * 1024;

impl Call<'_> {
    /// `GET` and `HEAD`.
    pub(super) async fn blob(&self, text: &str, with_body: bool) -> Answer {
        let digest = digest(text)?;
        let catalog = self.inner.store.catalog();
        // A push that asks relies on the answer.
        let found = catalog
            .keep_blob(self.repository, digest.as_str(), self.inner.stale_before())
            .await?;
        let size = found.ok_or_else(Refusal::blob_unknown)?;
        let etag = format!("\"{}\"", digest.as_str());
        if has_already(self.headers, &etag) {
            return Ok(empty(StatusCode::NOT_MODIFIED, &[(ETAG, &etag)]));
        }
        // Ranges are a matter of GET (RFC 9110).
        let range = self.headers.get(RANGE).filter(|_| with_body);
        let range = range.and_then(|value| value.to_str().ok());
        let (status, first, length) = match range.map(|text| span(text, size)) {
            None | Some(Span::Whole) => (StatusCode::OK, 0, size),
            Some(Span::Part(first, last)) => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
            Some(Span::Outside) => {
                let message = "The range lies outside the blob.";
                let status = StatusCode::RANGE_NOT_SATISFIABLE;
                let refusal = Refusal::new(status, "RANGE_INVALID", message);
                return Err(refusal.with_header(CONTENT_RANGE, format!("bytes */{size}")));
            }
        };
        let length_text = length.to_string();
        let part = format!("bytes {first}-{}/{size}", first + length.saturating_sub(1));
        let mut headers = vec![
            (CONTENT_TYPE, "application/octet-stream"),
            (CONTENT_LENGTH, length_text.as_str()),
            (ACCEPT_RANGES, "bytes"),
            (CONTENT_DIGEST, digest.as_str()),
            (ETAG, etag.as_str()),
        ];
        if status == StatusCode::PARTIAL_CONTENT {
            headers.push((CONTENT_RANGE, part.as_str()));
        }
        let mut response = empty(status, &headers);
        if with_body {
            let mut file = tokio::fs::File::open(self.inner.files.blob(&digest)).await?;
            file.seek(std::io::SeekFrom::Start(first)).await?;
            let stream = ReaderStream::with_capacity(file.take(length), BUFFER)
                .inspect_ok(|chunk| telemetry::gave(chunk.len()));
            *response.body_mut() = Body::from_stream(stream);
        }
        Ok(response)
    }

    /// `DELETE`.
    pub(super) async fn delete_blob(&self, text: &str) -> Answer {
        let digest = digest(text)?;
        match self
            .inner
            .store
            .catalog()
            .remove_blob(self.repository, digest.as_str())
            .await?
        {
            BlobRemoval::Removed => Ok(empty(
                StatusCode::ACCEPTED,
                &[(CONTENT_DIGEST, digest.as_str())],
            )),
            BlobRemoval::Needed => Err(Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "DENIED",
                "A manifest of the repository needs this blob; delete the manifest first.",
            )),
            BlobRemoval::Unknown => Err(Refusal::blob_unknown()),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Span {
    Whole,
    /// First and last byte.
    Part(u64, u64),
    Outside,
}

/// Reads `bytes=a-b`, `bytes=a-`, `bytes=-n`. What is not understood means the whole, as RFC 9110
/// has it; so do several ranges at once.
fn span(text: &str, size: u64) -> Span {
    let Some((first, last)) = text
        .strip_prefix("bytes=")
        .and_then(|rest| rest.split_once('-'))
    else {
        return Span::Whole;
    };
    match (number(first), number(last)) {
        (Some(first), _) if first >= size => Span::Outside,
        (Some(first), Some(last)) if last >= first => Span::Part(first, last.min(size - 1)),
        (Some(first), None) if last.trim().is_empty() => Span::Part(first, size - 1),
        (None, Some(0)) if first.trim().is_empty() => Span::Outside,
        (None, Some(count)) if first.trim().is_empty() && size > 0 => {
            Span::Part(size.saturating_sub(count), size - 1)
        }
        _ => Span::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        assert_eq!(span("bytes=0-4", 10), Span::Part(0, 4));
        assert_eq!(span("bytes=5-", 10), Span::Part(5, 9));
        assert_eq!(span("bytes=-3", 10), Span::Part(7, 9));
        assert_eq!(span("bytes=-30", 10), Span::Part(0, 9));
        assert_eq!(span("bytes=8-99", 10), Span::Part(8, 9));
        assert_eq!(span("bytes=10-", 10), Span::Outside);
        assert_eq!(span("bytes=0-", 0), Span::Outside);
        assert_eq!(span("bytes=4-2", 10), Span::Whole);
        assert_eq!(span("lines=1-2", 10), Span::Whole);
        assert_eq!(span("bytes=+1-+2", 10), Span::Whole);
        assert_eq!(span("bytes=0-1,4-5", 10), Span::Whole);
    }
}
