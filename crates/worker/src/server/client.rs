//! One call to the server, and how it is repeated until the server is there to answer it.

use std::time::Duration;

use protocol::{
    Claim, Conclusion, Job, LogChunk, LogsAccepted, Overtaken, Report, SampleBatch, Watch,
};
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use url::Url;

use crate::token::Token;

/// How long a call may take, besides the time it asks the server to wait.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);
/// First and longest pause between two tries.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));
/// How many characters of a refusal are kept.
const REFUSAL_CHARS: usize = 300;

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The token is not, or no longer, good for this build (401, 410).
    #[error("the server no longer takes calls for this build")]
    Fenced,
    /// The server will not take this call, however often it is made.
    #[error("the server refused the call with status {status}: {body}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The beginning of its body.
        body: String,
    },
    /// Nobody answered, or the answer was that it works again later.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
}

/// Calls the server on behalf of one build.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    token: Token,
}

impl Client {
    pub(crate) fn new(server: &Url, token: Token) -> Result<Client, CallError> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CALL_TIMEOUT)
            .build()
            .map_err(|error| CallError::Unreachable(error.to_string()))?;
        let mut base = server.clone();
        let path = format!("{}{}/", base.path().trim_end_matches('/'), protocol::BASE);
        base.set_path(&path);
        Ok(Client { http, base, token })
    }

    pub(crate) async fn claim(&self, claim: &Claim) -> Result<Job, CallError> {
        decode(self.call(Method::POST, "claim", Some(claim)).await?).await
    }

    pub(crate) async fn heartbeat(&self) -> Result<(), CallError> {
        self.call(Method::POST, "heartbeat", Some(&serde_json::json!({})))
            .await
            .map(drop)
    }

    pub(crate) async fn report(&self, report: &Report) -> Result<(), CallError> {
        self.call(Method::POST, "status", Some(report))
            .await
            .map(drop)
    }

    pub(crate) async fn logs(&self, chunk: &LogChunk) -> Result<LogsAccepted, CallError> {
        decode(self.call(Method::POST, "logs", Some(chunk)).await?).await
    }

    pub(crate) async fn samples(&self, batch: &SampleBatch) -> Result<(), CallError> {
        self.call(Method::POST, "samples", Some(batch))
            .await
            .map(drop)
    }

    pub(crate) async fn conclude(&self, conclusion: &Conclusion) -> Result<(), CallError> {
        self.call(Method::POST, "conclude", Some(conclusion))
            .await
            .map(drop)
    }

    /// Waits on the server's side until there is something to say, or that many seconds.
    pub(crate) async fn watch(&self, seconds: u64) -> Result<Watch, CallError> {
        let path = format!("watch?seconds={seconds}");
        decode(self.call(Method::GET, &path, None::<&()>).await?).await
    }

    /// Whether a newer build of the branch has been uploaded.
    pub(crate) async fn overtaken(&self) -> Result<Overtaken, CallError> {
        decode(self.call(Method::GET, "overtaken", None::<&()>).await?).await
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<reqwest::Response, CallError> {
        let url = self
            .base
            .join(path)
            .map_err(|error| CallError::Unreachable(error.to_string()))?;
        let waits = if path.starts_with("watch") { 30 } else { 0 };
        let mut request = self
            .http
            .request(method, url)
            .bearer_auth(self.token.reveal())
            .timeout(CALL_TIMEOUT + Duration::from_secs(waits));
        if let Some(body) = body {
            request = request.json(body);
        }
        check(request.send().await.map_err(unreachable)?).await
    }
}

fn unreachable(error: reqwest::Error) -> CallError {
    CallError::Unreachable(error.without_url().to_string())
}

async fn check(response: reqwest::Response) -> Result<reqwest::Response, CallError> {
    match response.status() {
        status if status.is_success() => Ok(response),
        StatusCode::UNAUTHORIZED | StatusCode::GONE => Err(CallError::Fenced),
        status
            if status.is_server_error()
                || status == StatusCode::TOO_MANY_REQUESTS
                || status == StatusCode::REQUEST_TIMEOUT =>
        {
            Err(CallError::Unreachable(format!("status {status}")))
        }
        status => Err(CallError::Refused {
            status: status.as_u16(),
            body: crate::failure::shorten(
                &response.text().await.unwrap_or_default(),
                REFUSAL_CHARS,
            ),
        }),
    }
}

async fn decode<T: DeserializeOwned>(response: reqwest::Response) -> Result<T, CallError> {
    let bytes = response.bytes().await.map_err(unreachable)?;
    serde_json::from_slice(&bytes).map_err(|error| CallError::Refused {
        status: 200,
        body: format!("an answer that this worker cannot read: {error}"),
    })
}

/// Makes a call again and again until it is answered, with growing pauses, at the longest until
/// the deadline.
pub(crate) async fn until_answered<T, F>(
    deadline: Option<Instant>,
    mut call: impl FnMut() -> F,
) -> Result<T, CallError>
where
    F: Future<Output = Result<T, CallError>>,
{
    let mut pause = BACK_OFF.0;
    loop {
        let error = match call().await {
            Err(CallError::Unreachable(error)) => error,
            answered => return answered,
        };
        tracing::debug!(%error, "the server did not answer; trying again");
        if deadline.is_some_and(|deadline| Instant::now() + pause > deadline) {
            return Err(CallError::Unreachable(error));
        }
        // Spread: a server that comes back is not met by all of its workers in one moment.
        tokio::time::sleep(pause.mul_f64(rand::random_range(0.75..1.25))).await;
        pause = (pause * 2).min(BACK_OFF.1);
    }
}
