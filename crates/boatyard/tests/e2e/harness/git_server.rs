//! A git server over HTTP: git's own `http-backend` behind a small web server that notes what it
//! was asked, and that can be told to misbehave.

use super::{Repository, until};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;

/// How the server behaves from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Like any git server.
    Well,
    /// Like one of the old kind, which knows the first protocol only and hands out no commit that
    /// is not a branch's tip.
    Old,
    /// Wants this user name and password.
    WantsLogin(&'static str, &'static str),
    /// Takes every request and answers none.
    Hangs,
    /// Takes the request for objects and never answers it.
    HangsBeforeObjects,
    /// Breaks the connection in the middle of the objects.
    CutsObjects,
    /// Stands still in the middle of the objects.
    HangsAmidObjects,
    /// Sends everybody to this address.
    Redirects(String),
    /// Says that what Git LFS keeps is at this address.
    KeepsLargeFilesAt(String),
}

/// A request and its answer.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Whether it asked for objects, not only for names.
    pub objects: bool,
    /// Whether it asked for what Git LFS keeps.
    pub large: bool,
    /// Bytes of the answer's body.
    pub bytes: usize,
}

/// A running server; it ends with the test's runtime.
pub struct GitServer {
    port: u16,
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

struct Shared {
    /// A link for each repository.
    root: TempDir,
    manner: Mutex<Manner>,
    asked: Mutex<Vec<Asked>>,
}

impl GitServer {
    pub async fn start() -> GitServer {
        GitServer::of_forge(Router::new()).await
    }

    /// The server of a forge, whose API these routes are.
    pub async fn of_forge(forge: Router) -> GitServer {
        let root = tempfile::Builder::new()
            .prefix("boatyard-git-")
            .tempdir()
            .unwrap();
        let shared = Arc::new(Shared {
            root,
            manner: Mutex::new(Manner::Well),
            asked: Mutex::default(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let git = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&shared));
        let router = forge.fallback_service(git);
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        GitServer { port, shared, task }
    }

    /// Offers a repository under a name; its URL.
    pub fn serves(&self, name: &str, repository: &Repository) -> String {
        let link = self.shared.root.path().join(format!("{name}.git"));
        std::fs::create_dir_all(link.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(repository.path().join(".git"), link).unwrap();
        self.url(name)
    }

    /// The URL that a repository of this name has, whether or not there is one.
    pub fn url(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/{name}.git", self.port)
    }

    /// Does not offer the repository any more.
    pub fn drops(&self, name: &str) {
        std::fs::remove_file(self.shared.root.path().join(format!("{name}.git"))).unwrap();
    }

    pub fn behaves(&self, manner: Manner) {
        *self.shared.manner.lock().unwrap() = manner;
    }

    /// What it was asked since the last call of this.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.shared.asked.lock().unwrap())
    }

    /// Waits until somebody asks for objects.
    pub async fn is_asked_for_objects(&self) {
        until("a request for objects", async || {
            let asked = self.shared.asked.lock().unwrap();
            asked.iter().any(|asked| asked.objects).then_some(())
        })
        .await;
    }

    /// Nobody listens on its port any more.
    pub async fn goes_away(&mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let manner = shared.manner.lock().unwrap().clone();
    let objects = asks_for_objects(&method, &headers, &body);
    let large = uri.path().contains("lfs");
    let objects = objects && !large;
    let note = |bytes| {
        let asked = Asked {
            objects,
            large,
            bytes,
        };
        shared.asked.lock().unwrap().push(asked);
    };
    match &manner {
        Manner::Redirects(to) => {
            note(0);
            return (StatusCode::FOUND, [(header::LOCATION, to.clone())]).into_response();
        }
        Manner::WantsLogin(user, password) if !logged_in(&headers, user, password) => {
            note(0);
            let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"git\"")];
            return (StatusCode::UNAUTHORIZED, challenge).into_response();
        }
        Manner::Hangs => {
            note(0);
            return std::future::pending().await;
        }
        Manner::HangsBeforeObjects if objects => {
            note(0);
            return std::future::pending().await;
        }
        _ => {}
    }
    let elsewhere = match &manner {
        Manner::KeepsLargeFilesAt(address) => Some(address.as_str()),
        _ => None,
    };
    let large = super::lfs::answer(shared.root.path(), &uri, &headers, &body, elsewhere);
    if let Some(answer) = large {
        note(0);
        return answer;
    }
    let (status, answered, bytes) = backend(&shared, &manner, &method, &uri, &headers, body).await;
    note(bytes.len());
    let body = match manner {
        Manner::CutsObjects if objects => half(bytes, broken()),
        Manner::HangsAmidObjects if objects => half(bytes, futures::stream::pending()),
        _ => Body::from(bytes),
    };
    (status, answered, body).into_response()
}

/// A small body is plain, a large one packed; only requests for objects get large.
fn asks_for_objects(method: &Method, headers: &HeaderMap, body: &[u8]) -> bool {
    let names_only = b"command=ls-refs";
    let is_names = body
        .windows(names_only.len())
        .any(|part| part == names_only);
    *method == Method::POST && (headers.contains_key(header::CONTENT_ENCODING) || !is_names)
}

fn logged_in(headers: &HeaderMap, user: &str, password: &str) -> bool {
    use base64::Engine as _;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    headers
        .get(header::AUTHORIZATION)
        .is_some_and(|value| *value == format!("Basic {pair}").as_str())
}

type Chunk = std::io::Result<Vec<u8>>;

/// Half of the bytes, then something else.
fn half(mut bytes: Vec<u8>, then: impl Stream<Item = Chunk> + Send + 'static) -> Body {
    bytes.truncate(bytes.len() / 2);
    Body::from_stream(futures::stream::iter([Ok(bytes)]).chain(then))
}

/// An error, which breaks the connection.
fn broken() -> impl Stream<Item = Chunk> {
    futures::stream::iter([Err(std::io::Error::other("cut by the test"))])
}

/// One call of `git http-backend`, which speaks CGI.
async fn backend(
    shared: &Shared,
    manner: &Manner,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: Bytes,
) -> (StatusCode, HeaderMap, Vec<u8>) {
    let header = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let mut command = tokio::process::Command::new("git");
    command
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", shared.root.path())
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", method.as_str())
        .env("PATH_INFO", uri.path())
        .env("QUERY_STRING", uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    if *manner != Manner::Old {
        command.env("GIT_PROTOCOL", header("git-protocol"));
    }
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A backend that refuses does not read to the end.
    let feed = async move { drop(stdin.write_all(&body).await) };
    let ((), output) = tokio::join!(feed, child.wait_with_output());
    parse(&output.unwrap().stdout)
}

fn parse(output: &[u8]) -> (StatusCode, HeaderMap, Vec<u8>) {
    let end = output
        .windows(4)
        .position(|part| part == b"\r\n\r\n")
        .unwrap();
    let head = std::str::from_utf8(&output[..end]).unwrap();
    let mut status = StatusCode::OK;
    let mut headers = HeaderMap::new();
    for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
        if name == "Status" {
            status = value[..3].parse().unwrap();
        } else {
            let name = name.parse::<http::HeaderName>().unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
    }
    (status, headers, output[end + 4..].to_vec())
}
