//! `delete_child_objects`, which deletions take.

use crate::edge::{ApiError, Params};
use schemars::JsonSchema;

const NAME: &str = "delete_child_objects";

/// For the document: the parameters of a project's deletion.
#[derive(JsonSchema)]
pub(crate) struct OfProject {
    /// Whether to delete the services and groups of secrets in it, too.
    #[expect(dead_code, reason = "for the document")]
    delete_child_objects: Option<bool>,
}

/// For the document: the parameters of a service's deletion.
#[derive(JsonSchema)]
pub(crate) struct OfService {
    /// Whether to delete its volumes, too. A service here has none, so that both come to the same.
    #[expect(dead_code, reason = "for the document")]
    delete_child_objects: Option<bool>,
}

/// Whether what belongs to the deleted is to go, too.
pub(crate) fn asked<Q>(params: &Params<Q>) -> Result<bool, ApiError> {
    match params.get(NAME) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(ApiError::field(NAME, "must be true or false")),
    }
}
