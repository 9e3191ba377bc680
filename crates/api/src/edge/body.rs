//! Bodies and query strings, read so that every error is in the envelope and names its field.

use super::{ApiError, Problems, parse_iso};
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use http::StatusCode;
use http::request::Parts;
use regex::Regex;
use schemars::JsonSchema;
use serde::de::{DeserializeOwned, IgnoredAny};
use std::marker::PhantomData;
use std::sync::LazyLock;

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

/// The whole body, as it was sent.
pub(super) async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, ApiError> {
    match Bytes::from_request(request, state).await {
        Ok(bytes) => Ok(bytes),
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
    // To serde a list is a struct, too, by the order of its fields, which is nobody's business.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        let problem = "The body must be a JSON object, and is a list.";
        return Err(ApiError::bad_request("invalid-json", problem));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if inner.is_data() {
            of_field(&path, &inner)
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

/// The field that is missing or given twice is named in serde's words, not in its path.
fn of_field(path: &str, error: &serde_json::Error) -> ApiError {
    let text = plain(error);
    for (words, problem) in [
        ("missing field `", "is required"),
        ("duplicate field `", "is given twice"),
    ] {
        if let Some(name) = text
            .strip_prefix(words)
            .and_then(|rest| rest.strip_suffix('`'))
        {
            let front = if path == "." { "" } else { path };
            let dot = if front.is_empty() { "" } else { "." };
            return ApiError::field(&format!("{front}{dot}{name}"), problem);
        }
    }
    ApiError::field(path, format!("is wrong: {text}"))
}

/// serde's words without the position, which means little in a body a program wrote, and without the
/// names that things have in this program.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    let text = INNER_NAME.replace_all(&text[..end], "an object");
    let text = INNER_NUMBER.replace_all(&text, "a whole number");
    text.replace("sequence", "list")
        .replace("a map", "an object")
}

static INNER_NAME: LazyLock<Regex> = LazyLock::new(|| pattern(r"struct \w+( with \d+ elements?)?"));
static INNER_NUMBER: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b[ui](8|16|32|64|size)\b"));

#[allow(
    clippy::unwrap_used,
    reason = "constant patterns, compiled by every test run"
)]
fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap()
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

    /// The words of a parameter that takes several: repeated, with commas between them, or both.
    pub(crate) fn words(&self, name: &str) -> impl Iterator<Item = &str> {
        let words = self.all(name).flat_map(|value| value.split(','));
        words.map(str::trim).filter(|word| !word.is_empty())
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[expect(dead_code, reason = "only read")]
        name: String,
        #[expect(dead_code, reason = "only read")]
        inner: Option<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only read")]
        size: u64,
    }

    fn refused(body: &str) -> String {
        parse::<Outer>(body.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_problem_names_its_field_and_nothing_of_this_program() {
        for (body, words) in [
            ("{}", "`name` is required"),
            (r#"{"name": "a", "inner": {}}"#, "`inner.size` is required"),
            (r#"{"name": "a", "name": "b"}"#, "`name` is given twice"),
            (r#"{"name": "a", "inner": 1}"#, "`inner` is wrong"),
            (r#"{"name": "a", "inner": 1}"#, "expected an object"),
            (
                r#"{"name": "a", "inner": {"size": "x"}}"#,
                "expected a whole number",
            ),
            (r#"{"name": "a", "more": 1}"#, "`more`"),
            (r#"["a", null]"#, "must be a JSON object"),
        ] {
            let said = refused(body);
            assert!(said.contains(words), "{body}: {said}");
            assert!(
                !said.contains("struct") && !said.contains("Inner"),
                "{said}"
            );
        }
    }
}
