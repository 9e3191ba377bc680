//! Who asks, and whether they may: HTTP Basic, as `docker login` sends it, judged elsewhere.

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
pub enum Action {
    /// Read.
    Pull,
    /// Write.
    Push,
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
        action: Action,
    ) -> Verdict;

    /// Whether these credentials are good at all: `docker login` asks.
    async fn login(&self, credentials: Option<Credentials>) -> Verdict;
}

/// The credentials of a request, if it has any that can be read.
pub(crate) fn credentials(headers: &HeaderMap) -> Option<Credentials> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some(Credentials {
        user: user.to_owned(),
        password: password.to_owned(),
    })
}
