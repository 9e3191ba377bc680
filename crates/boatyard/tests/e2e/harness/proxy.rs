//! Something between workers and their server that can hold calls back or answer in its place. A
//! worker behind it speaks through it to the server's API and to the registry alike.

use super::{Server, until};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, StatusCode, Uri, header};
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::sync::watch;

/// What happens to calls with this method whose path contains this text.
#[derive(Clone)]
struct Rule {
    method: Method,
    path: &'static str,
    action: Action,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Hold,
    Answer(StatusCode),
}

/// A running proxy; it ends with the test's runtime.
pub struct Proxy {
    folder: TempDir,
    shared: Arc<Shared>,
}

struct Shared {
    port: u16,
    http: reqwest::Client,
    server: Mutex<String>,
    rules: watch::Sender<Vec<Rule>>,
    /// How many calls met a rule.
    met: Mutex<usize>,
}

impl Proxy {
    pub async fn start() -> Proxy {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let shared = Arc::new(Shared {
            port: listener.local_addr().unwrap().port(),
            http: reqwest::Client::new(),
            server: Mutex::default(),
            rules: watch::Sender::default(),
            met: Mutex::default(),
        });
        let router = Router::new().fallback(pass).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let folder = tempfile::Builder::new()
            .prefix("boatyard-proxy-")
            .tempdir()
            .unwrap();
        Proxy { folder, shared }
    }

    /// A worker program whose server is this proxy.
    pub fn worker(&self) -> String {
        let path = self.folder.path().join("worker");
        let (port, program) = (self.shared.port, env!("CARGO_BIN_EXE_boatyard"));
        let text = format!(
            "#!/bin/sh\nexport BOATYARD_WORKER_SERVER=http://127.0.0.1:{port}\n\
             exec {program} \"$@\"\n"
        );
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path.display().to_string()
    }

    /// Where calls go.
    pub fn leads_to(&self, server: &Server) {
        *self.shared.server.lock().unwrap() = server.url();
    }

    /// Holds calls back until the next [`Proxy::lets_go`].
    pub fn holds(&self, method: Method, path: &'static str) {
        self.rule(method, path, Action::Hold);
    }

    /// Answers calls in the server's place.
    pub fn answers(&self, method: Method, path: &'static str, status: u16) {
        let status = StatusCode::from_u16(status).unwrap();
        self.rule(method, path, Action::Answer(status));
    }

    /// Passes everything from now on, what was held first.
    pub fn lets_go(&self) {
        self.shared.rules.send_modify(Vec::clear);
        *self.shared.met.lock().unwrap() = 0;
    }

    /// Waits until a call met one of the rules.
    pub async fn is_met(&self) {
        until("a call that the proxy waits for", async || {
            (*self.shared.met.lock().unwrap() > 0).then_some(())
        })
        .await;
    }

    fn rule(&self, method: Method, path: &'static str, action: Action) {
        let rule = Rule {
            method,
            path,
            action,
        };
        self.shared.rules.send_modify(|rules| rules.push(rule));
    }
}

async fn pass(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut rules = shared.rules.subscribe();
    let meets = |rules: &Vec<Rule>| {
        let rule = rules
            .iter()
            .find(|rule| rule.method == method && uri.path().contains(rule.path));
        rule.map(|rule| rule.action)
    };
    let action = meets(&rules.borrow());
    if action.is_some() {
        *shared.met.lock().unwrap() += 1;
    }
    match action {
        Some(Action::Answer(status)) => return (status, "says the proxy").into_response(),
        Some(Action::Hold) => {
            let free = |rules: &Vec<Rule>| meets(rules).is_none();
            rules.wait_for(free).await.unwrap();
        }
        None => {}
    }
    let url = format!("{}{uri}", shared.server.lock().unwrap());
    let request = shared.http.request(method, url).headers(headers).body(body);
    match request.send().await {
        Ok(answer) => relay(&shared, &uri, answer).await,
        // As a proxy does whose server is away.
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

async fn relay(shared: &Shared, uri: &Uri, answer: reqwest::Response) -> Response {
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    let Ok(mut bytes) = answer.bytes().await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    if uri.path().ends_with("/claim") && status.is_success() {
        // The registry, too, is reached through here.
        let mut job: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        job["registry"] = format!("127.0.0.1:{}", shared.port).into();
        bytes = serde_json::to_vec(&job).unwrap().into();
        headers.remove(header::CONTENT_LENGTH);
    }
    (status, headers, Body::from(bytes)).into_response()
}
