//! The parts of a path, read so that one that cannot be read is refused in the envelope.

use super::ApiError;
use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The parameters of any path; what a route does not have stays `None` or empty.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Place {
    pub(crate) team_id: Option<String>,
    pub(crate) project_id: String,
    pub(crate) service_id: String,
    pub(crate) build_id: String,
    pub(crate) credential_id: String,
    pub(crate) notification_id: String,
    pub(crate) secret_id: String,
}

/// The parts of the path that the route names.
pub(crate) struct Path<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Path(value)),
            Err(rejection) if rejection.status().is_client_error() => Err(ApiError::bad_request(
                "invalid-path",
                "The path cannot be read: its parts must be percent-encoded UTF-8.",
            )),
            Err(rejection) => {
                tracing::error!(%rejection, "a route does not fit its handler");
                Err(ApiError::internal())
            }
        }
    }
}
