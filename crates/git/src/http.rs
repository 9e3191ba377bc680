//! Asking a web server on a user's behalf: only where the policy lets us, redirects included.

use std::time::Duration;

use outbound::{OutboundError, OutboundPolicy};
use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, LOCATION};
use reqwest::{Body, Method, Response, StatusCode};
use tokio::sync::OnceCell;
use url::Url;

use crate::url::{Protocol, Protocols};

/// Forges send from the archive's address to a storage's, which may send on.
const MAX_REDIRECTS: usize = 5;

/// Why a web server did not give what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The address is not http or https, or not one of these that is allowed here.
    #[error("addresses with \"{0}\" are not allowed here")]
    ProtocolNotAllowed(String),
    /// The address must not be contacted, or does not exist.
    #[error("{0}")]
    Address(OutboundError),
    /// The server cannot be reached, or stopped answering.
    #[error("{host} cannot be reached: {detail}")]
    Unreachable {
        /// The server.
        host: String,
        /// What the connection said.
        detail: String,
    },
    /// The server answered, and with no success.
    #[error("{host} answers {status}")]
    Refused {
        /// The server.
        host: String,
        /// Its answer.
        status: StatusCode,
    },
    /// It sends from one address to the next.
    #[error("{host} redirects too often, or to no address")]
    Redirects {
        /// The server that did so last.
        host: String,
    },
}

impl HttpError {
    /// What a connection said, without the address, which may hold a secret.
    #[must_use]
    pub fn broken(host: &str, error: reqwest::Error) -> HttpError {
        let error = error.without_url();
        let mut detail = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(deeper) = cause {
            detail = deeper.to_string();
            cause = deeper.source();
        }
        HttpError::Unreachable {
            host: host.to_owned(),
            detail,
        }
    }
}

/// Asks web servers, within the policy.
#[derive(Debug)]
pub struct HttpClient {
    policy: OutboundPolicy,
    protocols: Protocols,
    patience: Duration,
    http: OnceCell<outbound::HttpClient>,
}

impl HttpClient {
    /// A client that speaks http and https as far as `protocols` has them, goes where the policy
    /// lets it, and gives up on a server that stands still for so long.
    #[must_use]
    pub fn new(policy: OutboundPolicy, protocols: Protocols, patience: Duration) -> HttpClient {
        HttpClient {
            policy,
            protocols,
            patience,
            http: OnceCell::new(),
        }
    }

    /// Gets what is at the address, following redirects as far as each of them is allowed. Headers
    /// that say who we are stay with the first server.
    ///
    /// # Errors
    /// Any of [`HttpError`]; an answer that is no success is [`HttpError::Refused`].
    pub async fn get(&self, url: &Url, headers: HeaderMap) -> Result<Response, HttpError> {
        let (mut url, mut headers) = (url.clone(), headers);
        for _ in 0..=MAX_REDIRECTS {
            let answer = self.send(Method::GET, &url, headers.clone(), None).await?;
            if !answer.status().is_redirection() {
                return successful(&url, answer);
            }
            let next = location(&url, &answer).ok_or_else(|| redirects(&url))?;
            if next.origin() != url.origin() {
                headers.remove(AUTHORIZATION);
                headers.remove(COOKIE);
            }
            url = next;
        }
        Err(redirects(&url))
    }

    /// Posts to the address, which must not redirect.
    ///
    /// # Errors
    /// Like [`HttpClient::get`].
    pub async fn post(
        &self,
        url: &Url,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Response, HttpError> {
        let answer = self.send(Method::POST, url, headers, Some(body.into()));
        successful(url, answer.await?)
    }

    async fn send(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: Option<Body>,
    ) -> Result<Response, HttpError> {
        self.check_protocol(url)?;
        let broken = |error| HttpError::broken(host(url), error);
        let http = self.http().await.map_err(broken)?;
        let mut request = http.request(method, url.clone()).headers(headers);
        if let Some(body) = body {
            request = request.body(body);
        }
        let answer = http.send(request.build().map_err(broken)?).await;
        answer.map_err(|error| match error {
            outbound::HttpError::Outbound(error) => HttpError::Address(error),
            outbound::HttpError::Failed(error) => broken(error),
        })
    }

    fn check_protocol(&self, url: &Url) -> Result<(), HttpError> {
        let allowed = match url.scheme() {
            "https" => self.protocols.contains(Protocol::Https),
            "http" => self.protocols.contains(Protocol::Http),
            _ => false,
        };
        if allowed {
            return Ok(());
        }
        Err(HttpError::ProtocolNotAllowed(url.scheme().to_owned()))
    }

    async fn http(&self) -> Result<&outbound::HttpClient, reqwest::Error> {
        let make = async || {
            let builder = reqwest::Client::builder()
                .connect_timeout(self.patience)
                .read_timeout(self.patience);
            outbound::HttpClient::new(self.policy.clone(), builder)
        };
        self.http.get_or_try_init(make).await
    }
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default()
}

fn successful(url: &Url, answer: Response) -> Result<Response, HttpError> {
    if answer.status().is_success() {
        return Ok(answer);
    }
    Err(HttpError::Refused {
        host: host(url).to_owned(),
        status: answer.status(),
    })
}

fn location(url: &Url, answer: &Response) -> Option<Url> {
    let location = answer.headers().get(LOCATION)?.to_str().ok()?;
    url.join(location).ok()
}

fn redirects(url: &Url) -> HttpError {
    HttpError::Redirects {
        host: host(url).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::HeaderMap as Headers;
    use axum::response::Redirect;
    use axum::routing::get;

    use super::*;

    fn client(allow: &str) -> HttpClient {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let protocols = "http,https".parse().unwrap();
        HttpClient::new(allow.parse().unwrap(), protocols, Duration::from_secs(20))
    }

    /// A server with what a hostile one would have; its port.
    async fn server() -> u16 {
        let told = async |headers: Headers| format!("{:?}", headers.get("authorization"));
        let router = Router::new()
            .route("/here", get(told))
            .route("/there", get(async || Redirect::temporary("/here")))
            .route("/round", get(async || Redirect::temporary("/round")))
            .route(
                "/file",
                get(async || Redirect::temporary("file:///etc/passwd")),
            )
            .route(
                "/meta",
                get(async || Redirect::temporary("http://169.254.169.254/")),
            )
            .route(
                "/other",
                get(async |headers: Headers| {
                    let host = headers["host"].to_str().unwrap_or_default().to_owned();
                    let other = host.replace("127.0.0.1", "localhost");
                    Redirect::temporary(&format!("http://{other}/here"))
                }),
            );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        port
    }

    fn login() -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, "Basic x".parse().unwrap())])
    }

    #[tokio::test]
    async fn each_redirect_is_judged_like_the_first_address() {
        let port = server().await;
        let client = client("127.0.0.0/8");
        let ask = async |path: &str| {
            let url = format!("http://127.0.0.1:{port}{path}").parse().unwrap();
            client.get(&url, login()).await
        };
        for path in ["/here", "/there"] {
            let said = ask(path).await.unwrap().text().await.unwrap();
            assert!(said.contains("Basic x"), "{path}: {said}");
        }
        let said = ask("/other").await.unwrap().text().await.unwrap();
        assert_eq!(said, "None", "the login went to another server");
        for (path, refused) in [
            ("/meta", "169.254.169.254"),
            ("/file", "\"file\""),
            ("/round", "too often"),
            ("/none", "404"),
        ] {
            let error = ask(path).await.unwrap_err().to_string();
            assert!(error.contains(refused), "{path}: {error}");
        }
    }

    #[tokio::test]
    async fn a_private_server_is_never_asked() {
        let port = server().await;
        let closed = client("");
        for host in [
            "127.0.0.1",
            "localhost",
            "[::1]",
            "0x7f000001",
            "2130706433",
        ] {
            let url = format!("http://{host}:{port}/here").parse().unwrap();
            let error = closed.get(&url, HeaderMap::new()).await.unwrap_err();
            assert!(matches!(error, HttpError::Address(_)), "{host}: {error}");
        }
    }
}
