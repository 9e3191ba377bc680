//! Takes an HTTP answer out of its envelope: `{data, pagination}` or `{error}`.

use super::{ApiError, ClientError};
use reqwest::Response;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A successful answer.
#[derive(Clone, Debug, Deserialize)]
pub struct Answer {
    /// What was asked for.
    pub data: Value,
    /// Where a list stands; `None` for calls without pages.
    #[serde(default)]
    pub pagination: Option<Pagination>,
}

/// Where a list stands.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pagination {
    /// Whether there is more.
    pub has_next_page: bool,
    /// Rows in this answer.
    #[serde(default)]
    pub count: u64,
    /// Where to go on; there only when there is more.
    #[serde(default)]
    pub cursor: Option<String>,
}

impl Answer {
    /// The data as a type.
    pub fn parse<T: DeserializeOwned>(self) -> Result<T, ClientError> {
        parse(self.data)
    }

    /// The rows of a list, which is an object with one array called `key`.
    pub fn rows<T: DeserializeOwned>(self, key: &str) -> Result<Vec<T>, ClientError> {
        parse_rows(self.data, key)
    }
}

/// A value as a type.
pub(crate) fn parse<T: DeserializeOwned>(value: Value) -> Result<T, ClientError> {
    serde_json::from_value(value).map_err(|source| ClientError::Answer { source })
}

/// The rows of a list's data.
pub(crate) fn parse_rows<T: DeserializeOwned>(
    mut data: Value,
    key: &str,
) -> Result<Vec<T>, ClientError> {
    parse(data.get_mut(key).map(Value::take).unwrap_or_default())
}

/// The data of a success, or the error that the server names.
pub(super) async fn open(url: &str, response: Response) -> Result<Answer, ClientError> {
    let status = response.status();
    if status.is_success() {
        let bytes = response
            .bytes()
            .await
            .map_err(|e| ClientError::transport(url, e))?;
        return serde_json::from_slice(&bytes).map_err(|_| ClientError::NotTheApi {
            url: url.to_owned(),
            status: status.as_u16(),
        });
    }
    Err(refusal(url, response).await)
}

/// The error in an answer that is none of the successes.
pub(super) async fn refusal(url: &str, response: Response) -> ClientError {
    let status = response.status();
    if status.is_redirection() {
        return ClientError::Redirected {
            url: url.to_owned(),
            to: header(&response, "location"),
        };
    }
    let retry_after = header(&response, "retry-after").parse().ok();
    match response.bytes().await {
        Err(error) => ClientError::transport(url, error),
        Ok(bytes) => match serde_json::from_slice::<Refusal>(&bytes) {
            Ok(Refusal { error }) => ClientError::Api(Box::new(ApiError {
                status: status.as_u16(),
                retry_after,
                ..error
            })),
            Err(_) => ClientError::NotTheApi {
                url: url.to_owned(),
                status: status.as_u16(),
            },
        },
    }
}

#[derive(Deserialize)]
struct Refusal {
    error: ApiError,
}

fn header(response: &Response, name: &str) -> String {
    let value = response.headers().get(name).and_then(|v| v.to_str().ok());
    value.unwrap_or_default().to_owned()
}
