//! A live log over a WebSocket, as any client opens one.

use super::{PATIENCE, Place, Server};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// An open tail.
pub struct Tail {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Tail {
    /// Opens a tail with this query and says who asks; no verdict yet.
    pub async fn open(server: &Server, place: &Place, query: &str, token: &str) -> Tail {
        let path = format!("{}/build-logs?queryType=tail&{query}", place.path());
        let url = format!("ws://{}{path}", server.host());
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        let auth = json!({"type": "apiToken", "apiToken": token});
        let init = json!({"type": "init", "data": {"auth": auth}});
        socket.send(Message::text(init.to_string())).await.unwrap();
        Tail { socket }
    }

    /// What the server says next; `None` when it closes.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.socket.next());
            match next.await.expect("the tail to go on or to close")?.unwrap() {
                Message::Text(text) => return Some(serde_json::from_str(&text).unwrap()),
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    /// The answer to who asks: `successful`, or another value and a message.
    pub async fn verdict(&mut self) -> Value {
        let verdict = self.next().await.unwrap();
        assert_eq!(verdict["type"], "init", "{verdict}");
        verdict["data"].clone()
    }

    /// Every message of lines until the server closes.
    pub async fn messages(mut self) -> Vec<Vec<String>> {
        let mut messages = Vec::new();
        while let Some(message) = self.next().await {
            assert_eq!(message["type"], "log-lines", "{message}");
            let lines = message["data"].as_array().unwrap().iter();
            messages.push(
                lines
                    .map(|line| line["log"].as_str().unwrap().to_owned())
                    .collect(),
            );
        }
        messages
    }
}
