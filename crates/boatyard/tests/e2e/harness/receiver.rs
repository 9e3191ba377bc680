//! Somebody's web server that is told of builds: it notes what it is sent, and answers as the test
//! says.

use super::until;
use axum::Router;
use axum::extract::State;
use http::{HeaderMap, StatusCode, Uri};
use serde_json::Value;
use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;

/// A receiver; it ends with the test's runtime.
pub struct Receiver {
    port: u16,
    shared: Arc<Shared>,
}

/// One request.
#[derive(Clone, Debug)]
pub struct Received {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Value,
}

#[derive(Default)]
struct Shared {
    received: Mutex<Vec<Received>>,
    /// The next answers; then it is 200.
    answers: Mutex<VecDeque<StatusCode>>,
    /// Answers wait while it is true.
    held: watch::Sender<bool>,
}

impl Received {
    /// One of the contract's headers, by the end of its name.
    pub fn says(&self, name: &str) -> Option<&str> {
        let name = format!("x-northflank-notification-integration-{name}");
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Receiver {
    /// One that listens.
    pub async fn start() -> Receiver {
        let receiver = Receiver::absent().await;
        receiver.comes();
        receiver
    }

    /// One that has an address and does not listen.
    pub async fn absent() -> Receiver {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        Receiver {
            port: listener.local_addr().unwrap().port(),
            shared: Arc::default(),
        }
    }

    /// It listens from now on.
    pub fn comes(&self) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        socket.bind(address).unwrap();
        let listener = socket.listen(64).unwrap();
        let router = Router::new()
            .fallback(note)
            .with_state(Arc::clone(&self.shared));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    }

    /// The URL of a path on it.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Answers the next requests like this.
    pub fn answers(&self, statuses: &[u16]) {
        let statuses = statuses
            .iter()
            .map(|code| StatusCode::from_u16(*code).unwrap());
        self.shared.answers.lock().unwrap().extend(statuses);
    }

    /// Takes requests and does not answer.
    pub fn hangs(&self) {
        self.shared.held.send_replace(true);
    }

    /// Answers again, also what it has taken.
    pub fn goes_on(&self) {
        self.shared.held.send_replace(false);
    }

    /// What it got, once it is so many requests.
    pub async fn got(&self, count: usize) -> Vec<Received> {
        until(&format!("{count} notifications"), async || {
            let received = self.received();
            (received.len() >= count).then_some(received)
        })
        .await
    }

    /// What it got so far.
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }
}

async fn note(
    State(shared): State<Arc<Shared>>,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> StatusCode {
    shared.received.lock().unwrap().push(Received {
        path: uri.path().to_owned(),
        headers,
        body: serde_json::from_str(&body).unwrap(),
    });
    let mut held = shared.held.subscribe();
    let _ = held.wait_for(|held| !held).await;
    let next = shared.answers.lock().unwrap().pop_front();
    next.unwrap_or(StatusCode::OK)
}
