//! Asking a forge, in JSON and page by page.

use super::ForgeError;
use crate::http::{HttpClient, HttpError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, USER_AGENT};
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

/// Rows of a page: what every forge gives.
const PAGE: &str = "50";
/// How many pages are asked for at the most.
const PAGES: usize = 200;
/// The largest answer that is read, in bytes.
const LARGEST: usize = 16 * 1024 * 1024;

/// A forge's API, and how one logs in.
pub(super) struct Api {
    base: Url,
    headers: HeaderMap,
    http: HttpClient,
}

/// A page, as an array or with the array inside.
#[derive(Deserialize)]
#[serde(untagged)]
enum Rows<T> {
    Plain(Vec<T>),
    Wrapped {
        #[serde(alias = "values")]
        value: Vec<T>,
    },
}

/// The address below another one.
pub(super) fn below(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}

impl Api {
    pub(super) fn new(base: Url, login: &str, http: HttpClient) -> Result<Api, ForgeError> {
        let words = if login.contains(':') {
            format!("Basic {}", STANDARD.encode(login))
        } else {
            format!("Bearer {login}")
        };
        let mut headers = HeaderMap::new();
        let Ok(mut words) = HeaderValue::try_from(words) else {
            let host = base.host_str().unwrap_or_default().to_owned();
            return Err(ForgeError::Token { host });
        };
        words.set_sensitive(true);
        headers.insert(AUTHORIZATION, words);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        // GitHub answers nobody without one.
        headers.insert(USER_AGENT, HeaderValue::from_static("boatyard"));
        Ok(Api {
            base,
            headers,
            http,
        })
    }

    /// One answer.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, ForgeError> {
        let mut url = below(&self.base, path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let answer = self.http.get(&url, self.headers.clone()).await;
        let answer = answer.map_err(|error| self.refusal(error))?;
        let bytes = self.read(answer).await?;
        serde_json::from_slice(&bytes).map_err(|error| self.unreadable(error.to_string()))
    }

    /// The rows of one answer.
    pub(super) async fn rows<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Vec<T>, ForgeError> {
        Ok(match self.get(path, query).await? {
            Rows::Plain(rows) | Rows::Wrapped { value: rows } => rows,
        })
    }

    /// The rows of every page, until one is empty: how many rows a forge gives is its own business.
    pub(super) async fn every<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        size: &str,
    ) -> Result<Vec<T>, ForgeError> {
        let mut all = Vec::new();
        for page in 1..=PAGES {
            let page = page.to_string();
            let query = [query, &[(size, PAGE), ("page", &page)]].concat();
            let rows = self.rows(path, &query).await?;
            if rows.is_empty() {
                return Ok(all);
            }
            all.extend(rows);
        }
        Err(ForgeError::TooMuch { host: self.host() })
    }

    async fn read(&self, mut answer: Response) -> Result<Vec<u8>, ForgeError> {
        let mut bytes = Vec::new();
        loop {
            let chunk = answer.chunk().await;
            let chunk = chunk.map_err(|e| ForgeError::Http(HttpError::broken(&self.host(), e)))?;
            let Some(chunk) = chunk else {
                return Ok(bytes);
            };
            bytes.extend_from_slice(&chunk);
            if bytes.len() > LARGEST {
                return Err(ForgeError::TooMuch { host: self.host() });
            }
        }
    }

    fn refusal(&self, error: HttpError) -> ForgeError {
        let HttpError::Refused { status, .. } = &error else {
            return ForgeError::Http(error);
        };
        let host = self.host();
        match *status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ForgeError::Token { host },
            StatusCode::NOT_FOUND => ForgeError::Missing { host },
            _ => ForgeError::Http(error),
        }
    }

    fn unreadable(&self, detail: String) -> ForgeError {
        ForgeError::Unreadable {
            host: self.host(),
            detail,
        }
    }

    fn host(&self) -> String {
        self.base.host_str().unwrap_or_default().to_owned()
    }
}
