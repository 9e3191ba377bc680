//! Who calls: the token behind a request and what it may do.

use super::{ApiError, Call, Path, Place};
use crate::state::State;
use axum::extract::{FromRequestParts, OptionalFromRequestParts, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::Project;
use http::header::AUTHORIZATION;
use http::request::Parts;
use std::sync::Arc;
use store::{Store, StoreError, Token, Version};

/// The one team until teams land.
pub const DEFAULT_TEAM: &str = "default";

/// A caller with a valid token.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) token: Arc<Token>,
    /// The database's version from before the token was looked up.
    pub(crate) version: Version,
}

impl Caller {
    /// Whoever has this secret.
    pub(crate) async fn by_secret(
        store: &Store,
        secret: &str,
    ) -> Result<Option<Caller>, StoreError> {
        let version = store.version().await?;
        let token = store.token_at(secret, &version).await?;
        Ok(token.map(|token| Caller { token, version }))
    }

    /// Whether the caller may make this call at this place. What it may not see is a 404, and only
    /// then a lack of permission a 403 that names it, so that nothing shows what may not be seen.
    pub(crate) fn may(&self, call: Call, place: &Place) -> Result<(), ApiError> {
        self.team(place.team_id.as_deref())?;
        if !place.project_id.is_empty() && !self.sees_project_id(&place.project_id) {
            return Err(ApiError::not_found("project", &place.project_id));
        }
        match call.permission {
            Some(needed) if !self.token.permissions.allows(needed) => {
                Err(ApiError::forbidden(needed))
            }
            _ => Ok(()),
        }
    }

    /// The team a call is about: the one in the path, or the token's own. 404 for another team.
    pub(crate) fn team<'a>(&'a self, in_path: Option<&'a str>) -> Result<&'a str, ApiError> {
        match in_path {
            Some(team) if team != self.token.team => Err(ApiError::not_found("team", team)),
            _ => Ok(&self.token.team),
        }
    }

    /// Whether the token may see a project at all.
    pub(crate) fn sees(&self, project: &Project) -> bool {
        project.team == self.token.team && self.sees_project_id(&project.id)
    }

    /// Whether the token's restriction names this project, or there is none.
    pub(crate) fn sees_project_id(&self, id: &str) -> bool {
        self.token
            .projects
            .as_ref()
            .is_none_or(|only| only.iter().any(|p| p == id))
    }
}

impl FromRequestParts<State> for Caller {
    type Rejection = ApiError;

    /// A handler that takes a caller takes one who may make its call.
    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, ApiError> {
        let caller = parts.extensions.get::<Caller>().cloned();
        let caller = caller.ok_or_else(ApiError::unauthorized)?;
        let Path(place) = Path::<Place>::from_request_parts(parts, state).await?;
        let Some(call) = parts.extensions.get::<Call>() else {
            tracing::error!(uri = %parts.uri, "a route was not declared as a call");
            return Err(ApiError::internal());
        };
        caller.may(*call, &place)?;
        Ok(caller)
    }
}

/// A caller, where the request carries a token.
impl OptionalFromRequestParts<State> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &State,
    ) -> Result<Option<Self>, ApiError> {
        if parts.extensions.get::<Caller>().is_none() {
            return Ok(None);
        }
        let caller = <Caller as FromRequestParts<State>>::from_request_parts(parts, state);
        caller.await.map(Some)
    }
}

/// The bearer token of a request.
pub(crate) fn bearer(headers: &http::HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

/// Middleware: finds out who calls, before the rate limit counts. A bad token is refused by the
/// calls that need one, so that their 401 is counted and carries the rate headers too.
pub(crate) async fn authenticate(
    axum::extract::State(state): axum::extract::State<State>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(secret) = bearer(request.headers()) {
        match Caller::by_secret(&state.store, secret).await {
            Ok(Some(caller)) => {
                request.extensions_mut().insert(caller);
            }
            Ok(None) => {}
            Err(error) => return ApiError::from(error).into_response(),
        }
    }
    next.run(request).await
}
