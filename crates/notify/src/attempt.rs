//! One request to one receiver.

use crate::deliverer::Describe;
use crate::message;
use domain::notification::{Integration, Provider};
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use outbound::{HttpClient, HttpError, OutboundPolicy};
use reqwest::Request;
use std::time::Duration;
use store::Delivery;
use tokio::sync::OnceCell;

const CONNECT: Duration = Duration::from_secs(10);
const WHOLE: Duration = Duration::from_secs(20);
/// A receiver may ask for no longer pause than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(4 * 3600);

/// Why a receiver did not take it. The sentences are shown to people; what the receiver said beside
/// its status is not read, because they may not be the receiver's people.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("this server cannot make an HTTP client: {0}")]
    NoClient(#[from] reqwest::Error),
    #[error("the webhook is no URL that a request can be sent to")]
    BadUrl,
    #[error("the integration's name or secret cannot be sent in a header")]
    BadHeader,
    #[error("there was no answer within {} seconds", WHOLE.as_secs())]
    TimedOut,
    #[error(transparent)]
    NoAnswer(HttpError),
    #[error("it answered with a redirect ({0}), and redirects are not followed")]
    Redirected(StatusCode),
    #[error("it answered {status}")]
    Refused {
        status: StatusCode,
        retry_after: Option<Duration>,
    },
}

impl Failure {
    /// How long the receiver wants to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Failure::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Failed(error) if error.is_timeout() => Failure::TimedOut,
            other => Failure::NoAnswer(other),
        }
    }
}

pub(crate) struct Client {
    /// Made for the first receiver: it reads the machine's certificates, and a server without
    /// integrations has no need of them.
    http: OnceCell<HttpClient>,
    policy: OutboundPolicy,
    describe: Describe,
}

impl Client {
    pub(crate) fn new(policy: OutboundPolicy, describe: Describe) -> Self {
        Client {
            http: OnceCell::new(),
            policy,
            describe,
        }
    }

    async fn http(&self) -> Result<&HttpClient, reqwest::Error> {
        let make = async || {
            let builder = reqwest::Client::builder()
                .connect_timeout(CONNECT)
                .timeout(WHOLE)
                .user_agent(concat!("boatyard/", env!("CARGO_PKG_VERSION")));
            HttpClient::new(self.policy.clone(), builder)
        };
        self.http.get_or_try_init(make).await
    }

    /// Sends it; any answer of success will do.
    pub(crate) async fn send(&self, delivery: &Delivery) -> Result<(), Failure> {
        let request = self.request(delivery)?;
        let answer = self.http().await?.send(request).await?;
        let status = answer.status();
        if status.is_success() {
            Ok(())
        } else if status.is_redirection() {
            Err(Failure::Redirected(status))
        } else {
            let retry_after = retry_after(answer.headers());
            Err(Failure::Refused {
                status,
                retry_after,
            })
        }
    }

    fn request(&self, delivery: &Delivery) -> Result<Request, Failure> {
        let integration = &delivery.integration;
        let url = integration.webhook.expose().parse();
        let mut request = Request::new(Method::POST, url.map_err(|_| Failure::BadUrl)?);
        let described = (self.describe)(&delivery.occurrence.build);
        let body = message::body(integration.provider, &delivery.occurrence, &described);
        *request.body_mut() = Some(body.to_string().into());
        let headers = request.headers_mut();
        let json = HeaderValue::from_static("application/json");
        headers.insert(http::header::CONTENT_TYPE, json);
        if integration.provider == Provider::RawWebhook {
            identify(headers, integration, delivery)?;
        }
        Ok(request)
    }
}

/// Says who sends what to whom, in the contract's headers.
fn identify(
    headers: &mut HeaderMap,
    integration: &Integration,
    delivery: &Delivery,
) -> Result<(), Failure> {
    let mut insert = |name: &'static str, value: &str| {
        let value = HeaderValue::from_str(value).map_err(|_| Failure::BadHeader)?;
        headers.insert(HeaderName::from_static(name), value);
        Ok(())
    };
    insert("x-northflank-notification-integration-id", &integration.id)?;
    insert(
        "x-northflank-notification-integration-name",
        &integration.name,
    )?;
    if let Some(secret) = &integration.secret {
        insert(
            "x-northflank-notification-integration-token",
            secret.expose(),
        )?;
    }
    insert(
        "x-northflank-notification-integration-event-id",
        &delivery.event_id,
    )?;
    insert(
        "x-northflank-notification-integration-event-type",
        delivery.occurrence.event.as_str(),
    )
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_PAUSE))
}
