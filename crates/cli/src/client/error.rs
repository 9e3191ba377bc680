//! What can go wrong between here and the server.

use serde::Deserialize;
use serde_json::Value;

/// A call that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address is not one of a server.
    #[error("`{0}` is not a server's address; it looks like http://127.0.0.1:8484")]
    Host(String),
    /// The id could not stand in a path.
    #[error("`{0}` cannot be an id")]
    Id(String),
    /// The token could not stand in a header.
    #[error("the token holds characters that no token has")]
    Token,
    /// The machine's TLS or name resolution could not be set up.
    #[error("cannot set up HTTP on this machine: {0}")]
    Setup(#[source] reqwest::Error),
    /// No connection came about.
    #[error("nothing answers at {url} ({why})")]
    Unreachable {
        /// The server's address.
        url: String,
        /// The lowest cause, such as "Connection refused".
        why: String,
    },
    /// The server took too long.
    #[error("{url} did not answer in time")]
    TimedOut {
        /// What was called.
        url: String,
    },
    /// The connection broke in the middle.
    #[error("the connection to {url} broke ({why})")]
    Broken {
        /// What was called.
        url: String,
        /// The lowest cause.
        why: String,
    },
    /// The server understood and said no.
    #[error(transparent)]
    Api(Box<ApiError>),
    /// The server sends its callers elsewhere, where a token is not sent unasked.
    #[error("{url} redirects to `{to}`; if you trust that server, use its address as --host")]
    Redirected {
        /// What was called.
        url: String,
        /// Where it points.
        to: String,
    },
    /// Something answered that does not speak this API.
    #[error("{url} answered {status}, and not as a Boatyard server does; is the address right?")]
    NotTheApi {
        /// What was called.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The answer was JSON, but not in the contract's shape.
    #[error("cannot understand the server's answer: {source}")]
    Answer {
        /// Which part.
        source: serde_json::Error,
    },
    /// A list's cursor led nowhere.
    #[error("the server's list does not end: it gave no new cursor although it says there is more")]
    EndlessList,
    /// The server ended a live log with an error.
    #[error("the live log ended with an error: {0}")]
    Tail(String),
}

impl ClientError {
    /// Sorts the errors of the HTTP library.
    pub(super) fn transport(url: &str, error: reqwest::Error) -> ClientError {
        let url = url.to_owned();
        if error.is_builder() {
            return ClientError::Setup(error);
        }
        if error.is_connect() {
            return ClientError::Unreachable {
                url,
                why: lowest_cause(&error),
            };
        }
        if error.is_timeout() {
            return ClientError::TimedOut { url };
        }
        ClientError::Broken {
            url,
            why: lowest_cause(&error),
        }
    }

    /// What the server said, when it said something.
    pub fn api(&self) -> Option<&ApiError> {
        match self {
            ClientError::Api(error) => Some(error),
            _ => None,
        }
    }

    /// Whether the same call may well succeed a moment later: a restart, a hiccup, a rate limit.
    pub fn is_passing(&self) -> bool {
        match self {
            ClientError::Unreachable { .. }
            | ClientError::TimedOut { .. }
            | ClientError::Broken { .. } => true,
            ClientError::Api(error) => matches!(error.status, 429 | 500 | 502..=504),
            // A proxy in front of a server that restarts answers in its own words.
            ClientError::NotTheApi { status, .. } => matches!(status, 502..=504),
            _ => false,
        }
    }
}

/// An error as the server names it.
#[derive(Clone, Debug, Default, Deserialize, thiserror::Error)]
#[error("{message}")]
#[serde(default)]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// A stable word to match on.
    pub id: String,
    /// What to do about it.
    pub message: String,
    /// The offending fields.
    pub details: Value,
    /// Seconds to wait, after too many calls.
    #[serde(skip)]
    pub retry_after: Option<u64>,
}

fn lowest_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
