//! Who calls: the token behind a request and what it may do.

use super::{ApiError, Call, Declared, Path, Place};
use crate::state::State;
use axum::extract::{FromRequestParts, OptionalFromRequestParts, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::Permission;
use http::header::AUTHORIZATION;
use http::request::Parts;
use std::sync::Arc;
use store::{Store, StoreError, Token, Version};

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
    pub(crate) async fn may(
        &self,
        store: &Store,
        call: Call,
        place: &Place,
    ) -> Result<(), ApiError> {
        let team = self.team(place.team_id.as_deref())?;
        if team != self.token.team && store.team(team).await?.is_none() {
            return Err(ApiError::not_found("team", team));
        }
        let rights = &self.token.rights;
        match (call.permission, place.project_id.as_str()) {
            (None, "") => Ok(()),
            (Some(needed), "") => self.require(needed),
            (None, project) if rights.cover(project) => Ok(()),
            (None, project) => Err(ApiError::not_found("project", project)),
            (Some(needed), project) => self.may_in(needed, project),
        }
    }

    /// Whether the caller has a permission in a project: 404 for one it may not see.
    pub(crate) fn may_in(&self, needed: Permission, project: &str) -> Result<(), ApiError> {
        if !self.token.rights.cover(project) {
            return Err(ApiError::not_found("project", project));
        }
        if !self.token.rights.allow_in(needed, project) {
            return Err(ApiError::forbidden(needed));
        }
        Ok(())
    }

    /// Whether the caller has a permission that is not about projects, or has it in one of them: 403
    /// without.
    pub(crate) fn require(&self, needed: Permission) -> Result<(), ApiError> {
        if !self.has(needed) {
            return Err(ApiError::forbidden(needed));
        }
        Ok(())
    }

    /// The same as an answer.
    pub(crate) fn has(&self, permission: Permission) -> bool {
        self.token.rights.allow(permission)
    }

    /// Whether the caller has a permission in a project.
    pub(crate) fn has_in(&self, permission: Permission, project: &str) -> bool {
        self.token.rights.allow_in(permission, project)
    }

    /// The team a call is about: the one in the path, or the token's own. 404 for a team that is not
    /// the token's, unless it is of the organisation.
    pub(crate) fn team<'a>(&'a self, in_path: Option<&'a str>) -> Result<&'a str, ApiError> {
        match in_path {
            None => Ok(&self.token.team),
            Some(team) if self.acts_in(team) => Ok(team),
            Some(team) => Err(ApiError::not_found("team", team)),
        }
    }

    /// Whether the token acts in this team, if there is such a team.
    pub(crate) fn acts_in(&self, team: &str) -> bool {
        self.token.organisation || team == self.token.team
    }
}

impl FromRequestParts<State> for Caller {
    type Rejection = ApiError;

    /// A handler that takes a caller takes one who may make its call.
    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, ApiError> {
        let caller = parts.extensions.get::<Caller>().cloned();
        let caller = caller.ok_or_else(ApiError::unauthorized)?;
        let Path(place) = Path::<Place>::from_request_parts(parts, state).await?;
        let Some(declared) = parts.extensions.get::<Declared>() else {
            tracing::error!(uri = %parts.uri, "a route was not declared as a call");
            return Err(ApiError::internal());
        };
        caller.may(&state.store, declared.call, &place).await?;
        declared.check_query(parts.uri.query().unwrap_or_default())?;
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
