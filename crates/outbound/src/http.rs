//! HTTP to addresses that the policy allows.

use crate::{OutboundError, OutboundPolicy};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{ClientBuilder, Method, Request, RequestBuilder, Response};
use std::net::IpAddr;
use url::{Host, Url};

/// A client that looks at every address before it connects. It follows no redirects: who wants to
/// sends another request, which is looked at like the first. It knows no proxy, which would resolve
/// names for itself.
#[derive(Clone, Debug)]
pub struct HttpClient {
    http: reqwest::Client,
    policy: OutboundPolicy,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The address may not be contacted, or the name is none.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// The request failed.
    #[error("{}", causes(.0))]
    Failed(#[source] reqwest::Error),
}

impl HttpClient {
    /// A client that keeps to the policy; timeouts and the like are the builder's.
    ///
    /// # Errors
    /// When the builder's settings do not fit together.
    pub fn new(policy: OutboundPolicy, builder: ClientBuilder) -> Result<Self, reqwest::Error> {
        let http = builder
            .no_proxy()
            .redirect(Policy::none())
            .dns_resolver(Checked(policy.clone()))
            .build()?;
        Ok(HttpClient { http, policy })
    }

    /// Begins a request; a login in the URL becomes a header. Build it, and hand it to
    /// [`HttpClient::send`]: its own `send` looks at no address that is given as a number.
    pub fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.http.request(method, url)
    }

    /// Sends a request to where it may go.
    ///
    /// # Errors
    /// [`HttpError::Outbound`] when it may not go there, [`HttpError::Failed`] when it got no answer.
    pub async fn send(&self, request: Request) -> Result<Response, HttpError> {
        self.check_literal(request.url())?;
        let answer = self.http.execute(request).await;
        answer.map_err(|error| match refusal(&error) {
            Some(refused) => HttpError::Outbound(refused.clone()),
            None => HttpError::Failed(error.without_url()),
        })
    }

    /// An address in place of a name is never resolved, so it is looked at here.
    fn check_literal(&self, url: &Url) -> Result<(), OutboundError> {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            Some(Host::Domain(_)) | None => return Ok(()),
        };
        if self.policy.allows(address) {
            return Ok(());
        }
        Err(OutboundError::NotAllowed {
            host: url.host_str().unwrap_or_default().to_owned(),
            address,
        })
    }
}

/// Resolves names to those of their addresses that may be contacted.
struct Checked(OutboundPolicy);

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.0.clone();
        Box::pin(async move {
            // The client puts the URL's port in the place of 0.
            let found = policy.check(name.as_str(), 0).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// The resolver's own error, which the client wraps in its own.
fn refusal(error: &reqwest::Error) -> Option<&OutboundError> {
    causes_of(error).find_map(|cause| cause.downcast_ref())
}

fn causes_of<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

/// What went wrong, with the causes that the client hides behind its own words.
fn causes(error: &reqwest::Error) -> String {
    let words: Vec<_> = causes_of(error).map(ToString::to_string).collect();
    words.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::http::HeaderMap;
    use axum::response::Redirect;
    use axum::routing::get;

    /// A web server on this machine, and its port.
    async fn server() -> u16 {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new()
            .route("/", get(|| async { "hello" }))
            .route(
                "/login",
                get(async |headers: HeaderMap| {
                    headers["authorization"].to_str().unwrap().to_owned()
                }),
            )
            .route("/away", get(|| async { Redirect::to("/") }));
        tokio::spawn(async move { axum::serve(listener, router).await });
        port
    }

    async fn get_with(policy: &str, url: &str) -> Result<Response, HttpError> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let policy = policy.parse().unwrap();
        let client = HttpClient::new(policy, reqwest::Client::builder()).unwrap();
        let request = client.request(Method::GET, url.parse().unwrap());
        client.send(request.build().unwrap()).await
    }

    #[tokio::test]
    async fn this_machine_is_refused_by_name_and_by_address_unless_allowed() {
        let port = server().await;
        for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"] {
            let url = format!("http://{host}:{port}/");
            let refused = get_with("", &url).await.unwrap_err();
            assert!(
                matches!(
                    refused,
                    HttpError::Outbound(OutboundError::NotAllowed { .. })
                ),
                "{host}: {refused}"
            );
        }
        for host in ["127.0.0.1", "localhost"] {
            let url = format!("http://{host}:{port}/");
            let answer = get_with("127.0.0.0/8", &url).await.unwrap();
            assert_eq!(answer.text().await.unwrap(), "hello");
        }
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_like_any_other() {
        let url = format!("http://127.0.0.1:{}/away", server().await);
        let answer = get_with("127.0.0.0/8", &url).await.unwrap();
        assert_eq!(answer.status(), 303);
    }

    #[tokio::test]
    async fn a_login_in_the_url_is_sent_as_one() {
        let url = format!("http://ada:hush@127.0.0.1:{}/login", server().await);
        let answer = get_with("127.0.0.0/8", &url).await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "Basic YWRhOmh1c2g=");
    }

    #[tokio::test]
    async fn who_is_not_there_is_not_who_is_refused() {
        let error = get_with("127.0.0.0/8", "http://127.0.0.1:1/secret-path")
            .await
            .unwrap_err();
        let words = error.to_string();
        assert!(matches!(error, HttpError::Failed(_)), "{words}");
        assert!(words.contains("refused"), "{words}");
        assert!(!words.contains("secret-path"), "{words}");
    }
}
