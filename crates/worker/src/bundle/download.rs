//! The archive, from its server to a file.

use std::path::Path;
use std::time::{Duration, Instant};

use domain::Reason;
use git::{HttpClient, HttpError, OutboundError};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use tokio::io::AsyncWriteExt;
use url::Url;

use super::{by_disk, too_large};
use crate::failure::Failure;
use crate::server::Log;

/// How often the log says how far it is.
const SAY: Duration = Duration::from_secs(5);

/// Downloads at most `limit` bytes; tells how many it were.
pub(super) async fn download(
    http: &HttpClient,
    url: &Url,
    to: &Path,
    limit: u64,
    log: &Log,
) -> Result<u64, Failure> {
    let mut answer = http.get(url, HeaderMap::new()).await.map_err(failed)?;
    let announced = answer.content_length();
    if announced.is_some_and(|bytes| bytes > limit) {
        return Err(too_large(limit));
    }
    let file = tokio::fs::File::create(to).await;
    let mut file = file.map_err(|error| by_disk(&error))?;
    let (mut bytes, mut said) = (0, Instant::now());
    let host = url.host_str().unwrap_or_default();
    let broken = |error| failed(HttpError::broken(host, error));
    while let Some(chunk) = answer.chunk().await.map_err(broken)? {
        bytes += chunk.len() as u64;
        if bytes > limit {
            return Err(too_large(limit));
        }
        let written = file.write_all(&chunk).await;
        written.map_err(|error| by_disk(&error))?;
        if said.elapsed() >= SAY {
            said = Instant::now();
            log.say(progress(bytes, announced));
        }
    }
    let flushed = file.flush().await;
    flushed.map_err(|error| by_disk(&error))?;
    log.say(progress(bytes, None));
    Ok(bytes)
}

fn progress(bytes: u64, of: Option<u64>) -> String {
    let mb = |bytes: u64| format!("{:.1}", bytes as f64 / f64::from(1 << 20));
    match of {
        Some(all) => format!("Downloaded {} of {} MB", mb(bytes), mb(all)),
        None => format!("Downloaded {} MB", mb(bytes)),
    }
}

fn failed(error: HttpError) -> Failure {
    let reason = match &error {
        HttpError::Address(OutboundError::Unresolved { .. }) => Reason::BundleUnreachable,
        HttpError::Address(_) | HttpError::ProtocolNotAllowed(_) => Reason::BundleAddressNotAllowed,
        HttpError::Refused { status, .. } if is_final(*status) => Reason::BundleNotFound,
        HttpError::Refused { .. } | HttpError::Unreachable { .. } | HttpError::Redirects { .. } => {
            Reason::BundleUnreachable
        }
    };
    Failure::new(reason, format!("The bundle cannot be fetched: {error}"))
}

/// Whether asking again later would be answered in the same way.
fn is_final(status: StatusCode) -> bool {
    status.is_client_error()
        && status != StatusCode::TOO_MANY_REQUESTS
        && status != StatusCode::REQUEST_TIMEOUT
}
