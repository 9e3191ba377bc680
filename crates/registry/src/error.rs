//! What goes wrong inside, and how the specification spells what went wrong for a client.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{HeaderValue, WWW_AUTHENTICATE};
use http::{HeaderName, StatusCode};
use serde_json::json;
use store::StoreError;

/// An error inside the registry.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The catalogue failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file failed.
    #[error("the registry's files: {0}")]
    File(#[from] std::io::Error),
}

/// An answer that is no success.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Refusal {
            status,
            code,
            message: message.into(),
            headers: Vec::new(),
        }
    }

    pub(crate) fn with_header(
        mut self,
        name: HeaderName,
        value: impl TryInto<HeaderValue>,
    ) -> Self {
        self.headers
            .extend(value.try_into().ok().map(|value| (name, value)));
        self
    }

    /// With where to get a token, as the client should ask for it.
    pub(crate) fn need_login(challenge: String) -> Self {
        let message = "Log in as `boatyard` with an API token as password.";
        Refusal::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", message)
            .with_header(WWW_AUTHENTICATE, challenge)
    }

    pub(crate) fn denied() -> Self {
        let message = "This token may not do that with this repository.";
        Refusal::new(StatusCode::FORBIDDEN, "DENIED", message)
    }

    pub(crate) fn name_unknown() -> Self {
        Refusal::new(
            StatusCode::NOT_FOUND,
            "NAME_UNKNOWN",
            "There is no such repository.",
        )
    }

    pub(crate) fn name_invalid() -> Self {
        let message = "That is not a repository's name.";
        Refusal::new(StatusCode::BAD_REQUEST, "NAME_INVALID", message)
    }

    pub(crate) fn blob_unknown() -> Self {
        let message = "The repository does not have this blob.";
        Refusal::new(StatusCode::NOT_FOUND, "BLOB_UNKNOWN", message)
    }

    pub(crate) fn manifest_unknown() -> Self {
        let message = "The repository does not have this manifest.";
        Refusal::new(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", message)
    }

    pub(crate) fn upload_unknown() -> Self {
        let message = "There is no such upload; begin a new one.";
        Refusal::new(StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN", message)
    }

    pub(crate) fn too_many_uploads() -> Self {
        let message = "The repository has too many uploads that were begun and not ended; end or \
                       cancel some, or wait: those untouched for a day are removed.";
        Refusal::new(StatusCode::TOO_MANY_REQUESTS, "TOOMANYREQUESTS", message)
    }

    pub(crate) fn digest_invalid(message: impl Into<String>) -> Self {
        Refusal::new(StatusCode::BAD_REQUEST, "DIGEST_INVALID", message)
    }

    pub(crate) fn manifest_invalid(message: impl Into<String>) -> Self {
        Refusal::new(StatusCode::BAD_REQUEST, "MANIFEST_INVALID", message)
    }

    pub(crate) fn unsupported() -> Self {
        let message = "This registry does not do that.";
        Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", message)
    }

    pub(crate) fn unavailable() -> Self {
        let message = "The registry cannot answer now; try again.";
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", message)
    }
}

impl From<RegistryError> for Refusal {
    fn from(error: RegistryError) -> Self {
        let full = match &error {
            RegistryError::File(io) => io.kind() == std::io::ErrorKind::StorageFull,
            RegistryError::Store(store) => matches!(store, StoreError::Full),
        };
        tracing::error!(%error, "a call to the registry failed");
        if full {
            let message = "The registry's disk is full; nothing was stored.";
            return Refusal::new(StatusCode::INSUFFICIENT_STORAGE, "DENIED", message);
        }
        match error {
            RegistryError::Store(StoreError::Unavailable(_)) => Refusal::unavailable(),
            _ => Refusal::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "UNKNOWN",
                "Something went wrong in the registry; the server's log says what.",
            ),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        RegistryError::from(error).into()
    }
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        RegistryError::from(error).into()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({"errors": [{"code": self.code, "message": self.message}]});
        let mut response = (self.status, Json(body)).into_response();
        response
            .headers_mut()
            .extend(self.headers.into_iter().map(|(n, v)| (Some(n), v)));
        response
    }
}
