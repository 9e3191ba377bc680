//! Who asks, and whether they may; judged elsewhere.
//!
//! Clients are sent to the token call (`/v2/token`) rather than asked for Basic: the Docker engine
//! cannot pull anonymously from a registry that asks for Basic, and clients that were not asked do
//! not send credentials when they push.

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;

/// What came with a request. Never shown: the password is a token.
#[derive(Clone)]
pub struct Credentials {
    /// The user's name; any will do, the token says who it is.
    pub user: String,
    /// A token.
    pub password: String,
}

/// What somebody wants to do with a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action<'a> {
    /// Read.
    Pull,
    /// Write content: blobs, and manifests by their digest.
    Push,
    /// Write a manifest under this tag.
    Tag(&'a str),
    /// Take away.
    Delete,
}

/// Whether they may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They may.
    Allow,
    /// Not without (other) credentials: 401.
    NeedLogin,
    /// They may not: 403.
    Deny,
    /// To them there is no such repository: 404.
    NotVisible,
    /// It cannot be said now: 503.
    Unavailable,
}

/// Judges access to repositories.
#[async_trait]
pub trait Authorizer: Send + Sync {
    /// Whether the holder of `credentials` may do this with the repository.
    async fn authorize(
        &self,
        credentials: Option<Credentials>,
        repository: &str,
        action: Action<'_>,
    ) -> Verdict;

    /// Whether these credentials are good at all: `docker login` asks.
    async fn login(&self, credentials: Option<Credentials>) -> Verdict;
}

/// The bearer token of somebody who did not log in.
pub(crate) const ANONYMOUS: &str = "anonymous";

/// The credentials of a request, if it has any that can be read: Basic as a script sends it, or the
/// bearer token that the token call gave out, which is the API token itself.
pub(crate) fn credentials(headers: &HeaderMap) -> Option<Credentials> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    let found = if scheme.eq_ignore_ascii_case("bearer") {
        Credentials {
            user: String::new(),
            password: rest.trim().to_owned(),
        }
    } else if scheme.eq_ignore_ascii_case("basic") {
        let text = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
        let (user, password) = text.split_once(':')?;
        Credentials {
            user: user.to_owned(),
            password: password.to_owned(),
        }
    } else {
        return None;
    };
    (!found.password.is_empty() && found.password != ANONYMOUS).then_some(found)
}
