//! Sends calls: one place for addresses, tokens, time limits and envelopes.

use super::ClientError;
use super::envelope::{self, Answer};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, redirect};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// How long a connection may take to come about.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How long a call may take from first to last byte.
const CALL_LIMIT: Duration = Duration::from_secs(60);

/// A server and the token to use there. Cheap to clone.
///
/// The process must have a rustls provider installed, since this crate brings none.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    token: Arc<str>,
    authorization: HeaderValue,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.base.as_str())
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A client of the server at `host`, such as `http://127.0.0.1:8484`.
    pub fn new(host: &str, token: &str) -> Result<Client, ClientError> {
        let base = parse_host(host)?;
        let mut authorization =
            HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| ClientError::Token)?;
        authorization.set_sensitive(true);
        let mut http = reqwest::Client::builder()
            .connect_timeout(CONNECT_LIMIT)
            // Another server must not get the token because this one says so.
            .redirect(redirect::Policy::none())
            .user_agent(concat!("boatyard/", env!("CARGO_PKG_VERSION")));
        if is_loopback(&base) {
            http = http.no_proxy();
        }
        let http = http.build().map_err(ClientError::Setup)?;
        Ok(Client {
            http,
            base,
            token: token.into(),
            authorization,
        })
    }

    /// The server's address, without a slash at its end.
    pub fn host(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// `GET /v1/…`; `path` in segments, so that no id can lead elsewhere.
    pub async fn get(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<Answer, ClientError> {
        self.call(Method::GET, path, query, None).await
    }

    /// `POST /v1/…`.
    pub async fn post(&self, path: &[&str], body: &Value) -> Result<Answer, ClientError> {
        self.call(Method::POST, path, &[], Some(body)).await
    }

    /// `PUT /v1/…`.
    pub async fn put(&self, path: &[&str], body: &Value) -> Result<Answer, ClientError> {
        self.call(Method::PUT, path, &[], Some(body)).await
    }

    /// `PATCH /v1/…`.
    pub async fn patch(&self, path: &[&str], body: &Value) -> Result<Answer, ClientError> {
        self.call(Method::PATCH, path, &[], Some(body)).await
    }

    /// `DELETE /v1/…`.
    pub async fn delete(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<Answer, ClientError> {
        self.call(Method::DELETE, path, query, None).await
    }

    async fn call(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, String)],
        body: Option<&Value>,
    ) -> Result<Answer, ClientError> {
        let url = self.url(path, query)?;
        let mut request = self
            .http
            .request(method, url.clone())
            .timeout(CALL_LIMIT)
            .header(AUTHORIZATION, self.authorization.clone());
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request
            .send()
            .await
            .map_err(|e| ClientError::transport(self.host(), e))?;
        envelope::open(url.as_str(), response).await
    }

    pub(super) fn url(&self, path: &[&str], query: &[(&str, String)]) -> Result<Url, ClientError> {
        let mut url = self.base.clone();
        if let Some(bad) = path.iter().find(|s| matches!(**s, "" | "." | "..")) {
            return Err(ClientError::Id((*bad).to_owned()));
        }
        url.path_segments_mut()
            .map_err(|()| ClientError::Host(self.base.to_string()))?
            .pop_if_empty()
            .push("v1")
            .extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    pub(super) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }
}

fn parse_host(host: &str) -> Result<Url, ClientError> {
    let with_scheme = if host.contains("://") {
        host.to_owned()
    } else {
        format!("http://{host}")
    };
    let url = Url::parse(&with_scheme).map_err(|_| ClientError::Host(host.to_owned()))?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.host().is_some()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if plain {
        Ok(url)
    } else {
        Err(ClientError::Host(host.to_owned()))
    }
}

/// Whether the address is this machine's own.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        let seen = |host: &str| parse_host(host).map(|u| u.to_string()).ok();
        assert_eq!(
            seen("localhost:8484").as_deref(),
            Some("http://localhost:8484/")
        );
        assert_eq!(
            seen("https://ci.example.com/b/").as_deref(),
            Some("https://ci.example.com/b/")
        );
        assert_eq!(seen("ftp://example.com"), None);
        assert_eq!(seen("http://user:secret@example.com"), None);
        assert_eq!(seen(""), None);
    }

    #[test]
    fn no_id_leads_to_another_path() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::new("http://127.0.0.1:1/base/", "t").unwrap();
        let url = client
            .url(&["projects", "a/../b?c#d"], &[("page", "2".into())])
            .unwrap();
        assert_eq!(
            url.as_str(),
            "http://127.0.0.1:1/base/v1/projects/a%2F..%2Fb%3Fc%23d?page=2"
        );
        for bad in ["", ".", ".."] {
            assert!(matches!(
                client.url(&["projects", bad], &[]),
                Err(ClientError::Id(_))
            ));
        }
        assert!(!format!("{client:?}").contains("Bearer"));
    }
}
