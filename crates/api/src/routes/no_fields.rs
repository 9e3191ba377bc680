//! The body of a call that takes none.

use crate::edge::{ApiError, Body};
use aide::OperationInput;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use serde::Deserialize;

/// Nothing, or `{}`: a field is refused by name, so that nobody waits for what it asks for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoFields {}

impl<S: Send + Sync> FromRequest<S> for NoFields {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|rejection| {
            let message = "The body could not be read, and this call takes none.";
            ApiError::new(rejection.status(), "unreadable-body", message)
        })?;
        if bytes.is_empty() {
            return Ok(NoFields {});
        }
        let Body(nothing) = Body::from_request(Request::new(bytes.into()), state).await?;
        Ok(nothing)
    }
}

/// The document says nothing of a body: there is nothing to be said in it.
impl OperationInput for NoFields {}
