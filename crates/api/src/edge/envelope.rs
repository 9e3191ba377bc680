//! Success: always status 200 with `{"data": …}`, because the published client takes any other
//! status for an error.

use axum::Json;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

/// `{"data": T}`.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Data<T: Serialize> {
    pub(crate) data: T,
}

impl<T: Serialize> IntoResponse for Data<T> {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

/// `{"data": {}}`.
pub(crate) type Nothing = Data<Empty>;

#[derive(Serialize, JsonSchema)]
pub(crate) struct Empty {}

impl Nothing {
    pub(crate) fn new() -> Self {
        Data { data: Empty {} }
    }
}

/// `{"data": T, "pagination": …}`.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Listed<T: Serialize> {
    pub(crate) data: T,
    pub(crate) pagination: Pagination,
}

/// `{"data": T, "pagination": …, "unavailable": […]}`: a list from several places. Those that could not be
/// asked are named beside what the others told.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Gathered<T: Serialize> {
    pub(crate) data: T,
    pub(crate) pagination: Pagination,
    /// The linked accounts whose forges did not answer; absent when all did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unavailable: Option<Vec<Unavailable>>,
}

/// A linked account whose forge did not answer.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Unavailable {
    pub(crate) vcs_link_id: String,
    /// What was wrong, for a person.
    pub(crate) message: String,
}

impl<T: Serialize> IntoResponse for Gathered<T> {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

/// Where a walk stands. A cursor is there only when there is a next page: on the last page it
/// would make the published client loop for ever.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Pagination {
    pub(crate) has_next_page: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cursor: Option<String>,
    pub(crate) count: usize,
}

impl<T: Serialize> IntoResponse for Listed<T> {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}
