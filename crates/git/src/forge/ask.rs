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

/// How a forge's lists are walked.
#[derive(Clone, Copy)]
pub(super) enum Pages<'a> {
    /// By `page`, from 1, with this parameter for the rows of one.
    Numbered { size: &'a str },
    /// By how many rows are skipped, as Azure does it.
    Skipping,
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

    /// The rows of every page.
    pub(super) async fn every<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        size: &str,
    ) -> Result<Vec<T>, ForgeError> {
        let pages = Pages::Numbered { size };
        self.until(path, query, pages, |row| row, |_| false).await
    }

    /// The rows of the pages, converted, until there is enough or a page is empty: how many rows a
    /// forge gives is its own business.
    pub(super) async fn until<T: DeserializeOwned, U>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        pages: Pages<'_>,
        convert: impl Fn(T) -> U,
        enough: impl Fn(&[U]) -> bool,
    ) -> Result<Vec<U>, ForgeError> {
        let mut all = Vec::new();
        for page in 1..=PAGES {
            let (size, start, from) = match pages {
                Pages::Numbered { size } => (size, "page", page),
                Pages::Skipping => ("$top", "$skip", all.len()),
            };
            let from = from.to_string();
            let query = [query, &[(size, PAGE), (start, &from)]].concat();
            let rows = self.rows(path, &query).await?;
            let is_last = rows.is_empty();
            all.extend(rows.into_iter().map(&convert));
            if is_last || enough(&all) {
                return Ok(all);
            }
        }
        Err(ForgeError::TooMuch { host: self.host() })
    }

    /// Where a person finds something of the forge's.
    pub(super) fn page(&self, path: &[&str]) -> String {
        below(&self.base, path).into()
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
            StatusCode::NOT_FOUND => self.missing(),
            _ => ForgeError::Http(error),
        }
    }

    pub(super) fn missing(&self) -> ForgeError {
        ForgeError::Missing { host: self.host() }
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
