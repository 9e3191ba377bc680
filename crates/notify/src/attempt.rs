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
    #[error("there can be no such request: {0}")]
    NoRequest(#[from] reqwest::Error),
    #[error("the webhook is no URL that a request can be sent to")]
    BadUrl,
    #[error("the integration's secret cannot be sent in a header")]
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
        let http = self.http().await?;
        let answer = http.send(self.request(http, delivery)?).await?;
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

    fn request(&self, http: &HttpClient, delivery: &Delivery) -> Result<Request, Failure> {
        let integration = &delivery.integration;
        let url = integration.webhook.expose().parse();
        let url = url.map_err(|_| Failure::BadUrl)?;
        let described = (self.describe)(&delivery.occurrence.build);
        let body = message::body(integration.provider, &delivery.occurrence, &described);
        let mut request = http.request(Method::POST, url).json(&body).build()?;
        if integration.provider == Provider::RawWebhook {
            identify(request.headers_mut(), integration, delivery)?;
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
    // Between a name's words may be any kind of space, of which a header knows one.
    let name = integration.name.split_whitespace().collect::<Vec<_>>();
    insert(
        "x-northflank-notification-integration-name",
        &name.join(" "),
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
