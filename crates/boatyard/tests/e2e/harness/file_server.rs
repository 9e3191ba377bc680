//! A web server that has files, or sends elsewhere.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::{StatusCode, Uri};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

enum Answer {
    File(Vec<u8>),
    Redirect(String),
}

type Answers = Arc<Mutex<HashMap<String, Answer>>>;

/// A running server; it ends with the test's runtime.
pub struct FileServer {
    port: u16,
    answers: Answers,
}

impl FileServer {
    pub async fn start() -> FileServer {
        let answers = Answers::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&answers));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        FileServer { port, answers }
    }

    /// Has this file from now on; its URL.
    pub fn has(&self, path: &str, content: Vec<u8>) -> String {
        self.answers(path, Answer::File(content))
    }

    /// Sends who asks for the path to this address; the path's URL.
    pub fn redirects(&self, path: &str, to: &str) -> String {
        self.answers(path, Answer::Redirect(to.to_owned()))
    }

    /// The URL of a path, whether or not there is something.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn answers(&self, path: &str, answer: Answer) -> String {
        self.answers.lock().unwrap().insert(path.to_owned(), answer);
        self.url(path)
    }
}

async fn answer(State(answers): State<Answers>, uri: Uri) -> Response {
    match answers.lock().unwrap().get(uri.path()) {
        Some(Answer::File(content)) => content.clone().into_response(),
        Some(Answer::Redirect(to)) => Redirect::temporary(to).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
