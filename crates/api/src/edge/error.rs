//! The one place where errors become HTTP: status, message, id, details.

use super::Problems;
use axum::Json;
use axum::response::{IntoResponse, Response};
use domain::Permission;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use store::StoreError;

/// A failed call, as the caller sees it.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    id: &'static str,
    message: String,
    details: Option<Problems>,
}

/// A failure on the wire.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Error")]
pub(crate) struct ErrorView {
    error: ErrorDetails,
}

#[derive(Serialize, JsonSchema)]
struct ErrorDetails {
    /// The HTTP status again.
    status: u16,
    /// What to do about it, for a person.
    message: String,
    /// A stable word to match on, like `invalid-request`.
    id: String,
    /// Each field that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Problems>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, id: &'static str, message: impl Into<String>) -> Self {
        ApiError {
            status,
            id,
            message: message.into(),
            details: None,
        }
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "No valid API token was given. Send the header `Authorization: Bearer <token>`.",
        )
    }

    pub(crate) fn forbidden(permission: Permission) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            format!(
                "The token's role lacks the permission `{}`.",
                permission.as_str()
            ),
        )
    }

    /// Not there, or not this caller's to see: the two look the same.
    pub(crate) fn not_found(kind: &str, id: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            format!("There is no {kind} `{id}`, or this token may not see it."),
        )
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", message)
    }

    /// What became of making something, with these words where its id is taken.
    pub(crate) fn or_taken(message: impl Into<String>) -> impl FnOnce(StoreError) -> ApiError {
        move |error| match error {
            StoreError::Conflict => ApiError::conflict(message),
            other => other.into(),
        }
    }

    /// One field is wrong.
    pub(crate) fn field(field: &str, problem: impl Into<String>) -> Self {
        let mut problems = Problems::default();
        problems.add(field, problem);
        Self::invalid(problems)
    }

    /// Fields are wrong; the message names them all.
    pub(crate) fn invalid(problems: Problems) -> Self {
        ApiError {
            status: StatusCode::BAD_REQUEST,
            id: "invalid-request",
            message: problems.sentence(),
            details: Some(problems),
        }
    }

    /// The caller's token was good, but something else in the request was not.
    pub(crate) fn bad_request(id: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, id, message)
    }

    pub(crate) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal-error",
            "Something went wrong on the server; its log says what.",
        )
    }
}

/// The message alone, for a WebSocket, which has no envelope.
impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => Self::conflict("That name is taken."),
            StoreError::TooMany => Self::conflict("There are as many as there may be."),
            StoreError::Gone => Self::new(
                StatusCode::NOT_FOUND,
                "not-found",
                "It was deleted meanwhile.",
            ),
            StoreError::Full => Self::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "storage-full",
                "The server's disk is full; nothing was stored.",
            ),
            StoreError::Unavailable(ref why) => {
                tracing::error!(%why, "the database cannot be reached");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "database-unavailable",
                    "The server cannot reach its database; try again in a moment.",
                )
            }
            other => {
                tracing::error!(error = %other, "a call failed in the store");
                Self::internal()
            }
        }
    }
}

impl From<logs::LogError> for ApiError {
    fn from(error: logs::LogError) -> Self {
        tracing::error!(%error, "a call failed in the logs");
        match error {
            logs::LogError::NoSpace { .. } => Self::from(StoreError::Full),
            _ => Self::internal(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = ErrorView {
            error: ErrorDetails {
                status: self.status.as_u16(),
                message: self.message,
                id: self.id.to_owned(),
                details: self.details,
            },
        };
        (self.status, Json(body)).into_response()
    }
}
