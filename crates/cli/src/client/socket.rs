//! One WebSocket to a live log. It is opened as an ordinary call and upgraded, so that addresses,
//! proxies, TLS and error answers work as everywhere else.

use super::envelope;
use super::{ApiError, Client, ClientError, LogLine};
use futures::{SinkExt, StreamExt};
use reqwest::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use url::Url;

/// How long the server may take to answer the handshake.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(20);
/// How often to ask a silent server whether it still lives.
const PING_EVERY: Duration = Duration::from_secs(20);
/// How long a server may be silent, pings included.
const SILENCE_LIMIT: Duration = Duration::from_secs(50);
/// The largest message taken.
const MESSAGE_LIMIT: usize = 64 << 20;

/// What came out of a socket.
pub(super) enum Event {
    /// Lines.
    Lines(Vec<LogLine>),
    /// The server said good-bye: the log is complete as far as it knows.
    Closed,
    /// The connection is gone without a good-bye.
    Dropped,
}

/// An authenticated live log.
pub(super) struct Socket {
    stream: WebSocketStream<reqwest::Upgraded>,
    heard: Instant,
}

#[derive(Deserialize)]
struct Frame {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    data: Value,
    #[serde(default)]
    message: Option<String>,
}

impl Socket {
    /// Opens the log at `url` and shows the token.
    pub(super) async fn open(client: &Client, url: Url) -> Result<Socket, ClientError> {
        let gone = || ClientError::TimedOut {
            url: client.host().to_owned(),
        };
        let stream = timeout(HANDSHAKE_LIMIT, upgrade(client, url))
            .await
            .map_err(|_| gone())??;
        let mut socket = Socket {
            stream,
            heard: Instant::now(),
        };
        timeout(HANDSHAKE_LIMIT, socket.authenticate(client))
            .await
            .map_err(|_| gone())??;
        Ok(socket)
    }

    async fn authenticate(&mut self, client: &Client) -> Result<(), ClientError> {
        let broken = |why: String| ClientError::Broken {
            url: client.host().to_owned(),
            why,
        };
        let hello = json!({
            "type": "init",
            "data": { "auth": { "type": "apiToken", "apiToken": client.token() } },
        });
        let sent = self.stream.send(Message::text(hello.to_string())).await;
        sent.map_err(|e| broken(e.to_string()))?;
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => return accepted(&text),
                Some(Ok(Message::Close(_))) | None => return Err(broken("closed early".into())),
                Some(Err(error)) => return Err(broken(error.to_string())),
                Some(Ok(_)) => {}
            }
        }
    }

    /// Waits for the next event; a server that is silent for too long counts as gone.
    pub(super) async fn next(&mut self) -> Result<Event, ClientError> {
        loop {
            match timeout(PING_EVERY, self.stream.next()).await {
                Err(_) if self.heard.elapsed() > SILENCE_LIMIT => return Ok(Event::Dropped),
                Err(_) => {
                    if self
                        .stream
                        .send(Message::Ping(Default::default()))
                        .await
                        .is_err()
                    {
                        return Ok(Event::Dropped);
                    }
                }
                Ok(None | Some(Err(_))) => return Ok(Event::Dropped),
                Ok(Some(Ok(message))) => {
                    self.heard = Instant::now();
                    if let Some(event) = read(message)? {
                        return Ok(event);
                    }
                }
            }
        }
    }
}

fn read(message: Message) -> Result<Option<Event>, ClientError> {
    match message {
        Message::Text(text) => lines(&text),
        Message::Close(frame) => Ok(Some(match frame.map(|f| f.code) {
            None | Some(CloseCode::Normal | CloseCode::Status) => Event::Closed,
            // Going away, restarting, failing: the log goes on elsewhere or later.
            Some(_) => Event::Dropped,
        })),
        _ => Ok(None),
    }
}

fn lines(text: &str) -> Result<Option<Event>, ClientError> {
    let frame = parse(text)?;
    match frame.kind.as_str() {
        "log-lines" => Ok(Some(Event::Lines(envelope::parse(frame.data)?))),
        "error" => Err(ClientError::Tail(frame.said())),
        // Kinds that later servers may add.
        _ => Ok(None),
    }
}

fn accepted(text: &str) -> Result<(), ClientError> {
    let frame = parse(text)?;
    match frame.kind.as_str() {
        "init" if frame.data["auth"] == "successful" => Ok(()),
        "init" => Err(ClientError::Api(Box::new(ApiError {
            status: 401,
            message: frame.said(),
            ..ApiError::default()
        }))),
        _ => Err(ClientError::Tail(frame.said())),
    }
}

fn parse(text: &str) -> Result<Frame, ClientError> {
    serde_json::from_str(text).map_err(|source| ClientError::Answer { source })
}

impl Frame {
    fn said(&self) -> String {
        let inner = self.data["message"].as_str().or(self.message.as_deref());
        inner.unwrap_or("the server gave no reason").to_owned()
    }
}

async fn upgrade(
    client: &Client,
    url: Url,
) -> Result<WebSocketStream<reqwest::Upgraded>, ClientError> {
    let key = generate_key();
    let lost = |error| ClientError::transport(client.host(), error);
    let response = client
        .http()
        .get(url.clone())
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_VERSION, "13")
        .header(SEC_WEBSOCKET_KEY, &key)
        .send()
        .await
        .map_err(lost)?;
    let status = response.status();
    if status != http::StatusCode::SWITCHING_PROTOCOLS {
        return Err(envelope::refusal(url.as_str(), response).await);
    }
    let expected = derive_accept_key(key.as_bytes());
    if response
        .headers()
        .get(SEC_WEBSOCKET_ACCEPT)
        .is_none_or(|v| v != expected.as_str())
    {
        let url = url.to_string();
        return Err(ClientError::NotTheApi {
            url,
            status: status.as_u16(),
        });
    }
    let upgraded = response.upgrade().await.map_err(lost)?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_LIMIT))
        .max_frame_size(Some(MESSAGE_LIMIT));
    Ok(WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(config)).await)
}
