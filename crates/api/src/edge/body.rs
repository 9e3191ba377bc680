//! Bodies and query strings, read so that every error is in the envelope and names its field.

use super::{ApiError, Problems, parse_iso};
use axum::extract::{FromRequest, FromRequestParts, Request};
use http::StatusCode;
use http::request::Parts;
use schemars::JsonSchema;
use serde::de::{DeserializeOwned, IgnoredAny};
use std::marker::PhantomData;

/// A JSON body.
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = read(request, state).await?;
        if bytes.is_empty() {
            return Err(ApiError::bad_request(
                "invalid-json",
                "The call needs a JSON body.",
            ));
        }
        parse(&bytes).map(Body)
    }
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Vec<u8>, ApiError> {
    match axum::body::Bytes::from_request(request, state).await {
        Ok(bytes) => Ok(bytes.to_vec()),
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Err(ApiError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body-too-large",
                "The body is larger than this call takes.",
            ))
        }
        Err(_) => Err(ApiError::bad_request(
            "unreadable-body",
            "The body could not be read.",
        )),
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if inner.is_data() {
            ApiError::field(&path, plain(&inner))
        } else if serde_json::from_slice::<IgnoredAny>(bytes).is_ok() {
            // Where a word of a list is wanted, a number is not data of the wrong kind to serde
            // but no JSON at all.
            ApiError::field(&path, "is wrong: a value of another kind is expected")
        } else {
            ApiError::bad_request("invalid-json", format!("The body is not JSON: {inner}."))
        }
    })?;
    json.end().map_err(|error| {
        ApiError::bad_request("invalid-json", format!("The body is not JSON: {error}."))
    })?;
    Ok(value)
}

/// serde's words without the position, which means little in a body a program wrote.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    format!("is wrong: {}", &text[..end])
}

/// The query string's parameters; of those that are not lists the last one of a name counts. `Q` says
/// which there are, for the document; they are read by name so that every problem is told in one answer.
pub(crate) struct Params<Q = NoQuery>(Vec<(String, String)>, PhantomData<Q>);

/// For the document: a call without parameters in its query.
#[derive(JsonSchema)]
pub(crate) struct NoQuery {}

impl<Q> Params<Q> {
    pub(crate) fn parse(query: &str) -> Params<Q> {
        let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
        Params(pairs.collect(), PhantomData)
    }

    /// A parameter that is there and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let value = self.all(name).last()?;
        Some(value).filter(|value| !value.is_empty())
    }

    /// A parameter that may be repeated.
    pub(crate) fn all(&self, name: &str) -> impl DoubleEndedIterator<Item = &str> {
        let named = self.0.iter().filter(move |(key, _)| key == name);
        named.map(|(_, value)| value.as_str())
    }

    /// A time, in microseconds since 1970.
    pub(crate) fn time(&self, name: &str, problems: &mut Problems) -> Option<i64> {
        let time = parse_iso(self.get(name)?);
        if time.is_none() {
            problems.add(
                name,
                "must be an ISO 8601 time like 2021-07-28T15:55:38.296Z",
            );
        }
        time
    }

    /// A whole number from 1 on.
    pub(crate) fn whole(&self, name: &str, max: i64, problems: &mut Problems) -> Option<i64> {
        let value = self.get(name)?.parse().ok();
        let value = value.filter(|value| (1..=max).contains(value));
        if value.is_none() {
            problems.add(name, format!("must be a whole number from 1 to {max}"));
        }
        value
    }

    /// `startTime`, `endTime` and `duration`: the bounds they come to, in microseconds since 1970. A
    /// duration alone ends at `newest`.
    pub(crate) fn window(
        &self,
        newest: impl FnOnce() -> i64,
        problems: &mut Problems,
    ) -> (Option<i64>, Option<i64>) {
        let start = self.time("startTime", problems);
        let end = self.time("endTime", problems);
        let Some(seconds) = self.whole("duration", i64::from(u32::MAX), problems) else {
            return (start, end);
        };
        let micros = seconds * 1_000_000;
        match (start, end) {
            (Some(from), None) => (start, Some(from.saturating_add(micros))),
            (None, Some(to)) => (Some(to.saturating_sub(micros)), end),
            (None, None) => (Some(newest().saturating_sub(micros)), None),
            (Some(_), Some(_)) => {
                let problem = "cannot be given with both startTime and endTime";
                problems.add("duration", problem);
                (start, end)
            }
        }
    }

    /// Every value of a parameter that may be given more than once, or hold several between commas:
    /// the published client joins them so.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        let words = self.all(name).flat_map(|value| value.split(','));
        words.filter(|word| !word.is_empty()).collect()
    }
}

impl<S: Send + Sync, Q> FromRequestParts<S> for Params<Q> {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Params::parse(parts.uri.query().unwrap_or_default()))
    }
}
