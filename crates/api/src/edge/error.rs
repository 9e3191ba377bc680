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
    /// It could not be made because its id is taken.
    taken: bool,
}

/// What a call failed with, kept with its response for those that it passes on its way out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ErrorId(pub(crate) &'static str);

impl ErrorId {
    /// What the call was changing was changed by another; nothing was stored.
    pub(crate) const CHANGED_MEANWHILE: ErrorId = ErrorId("changed-meanwhile");

    /// That of a response, where it is a failure.
    pub(crate) fn of(response: &Response) -> Option<ErrorId> {
        response.extensions().get().copied()
    }
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
            taken: false,
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
            StoreError::Conflict => ApiError {
                taken: true,
                ..ApiError::conflict(message)
            },
            other => other.into(),
        }
    }

    /// The error of making something because it was not there, where it would be changed if it was:
    /// when somebody else has made it since, the call is made again, and finds it.
    pub(crate) fn or_made_meanwhile(self) -> Self {
        if self.taken {
            return Self::changed_meanwhile();
        }
        self
    }

    /// Somebody changed what this call was changing. Nothing was stored, so the whole call may be made
    /// again, as [`again`](super::again) does.
    pub(crate) fn changed_meanwhile() -> Self {
        let message = "Others were changing it all the while, and nothing of this call was stored. Look \
                       at it as it is now, and try again.";
        Self::new(StatusCode::CONFLICT, ErrorId::CHANGED_MEANWHILE.0, message)
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
            taken: false,
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
            StoreError::Changed => Self::changed_meanwhile(),
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
        let mut response = (self.status, Json(body)).into_response();
        response.extensions_mut().insert(ErrorId(self.id));
        response
    }
}
