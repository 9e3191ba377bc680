//! A worker that the test plays by hand: its process does nothing but keep its place, the test
//! speaks the worker protocol with its token.

use super::{Answer, Api, Script, Server, until};
use serde_json::{Value, json};

/// The program that keeps its place, and notes its token.
pub struct HandWorker {
    script: Script,
}

impl HandWorker {
    pub fn new() -> HandWorker {
        let script = Script::new(
            "printf %s \"$BOATYARD_WORKER_TOKEN\" > {folder}/token.new\n\
             mv {folder}/token.new {folder}/token\nexec sleep 1000000",
        );
        HandWorker { script }
    }

    /// A server that starts it.
    pub async fn served(&self) -> Server {
        let server = Server::with().env("BOATYARD_WORKER_PROGRAM", self.program());
        server.start().await
    }

    /// The program for the server to start.
    pub fn program(&self) -> String {
        self.script.path().display().to_string()
    }

    /// The token of the worker started last.
    pub async fn token(&self) -> String {
        let path = self.script.folder().join("token");
        until("the worker to have its token", async || {
            std::fs::read_to_string(&path).ok()
        })
        .await
    }

    /// The token of the worker started after that of `earlier`.
    pub async fn token_after(&self, earlier: &str) -> String {
        until("the next worker to have its token", async || {
            Some(self.token().await).filter(|token| token != earlier)
        })
        .await
    }

    /// Calls the server as the worker.
    pub async fn calls(&self, server: &Server, path: &str, body: Value) -> Answer {
        let api = Api::new(server.url(), self.token().await);
        api.post(&format!("/worker/v1/{path}"), body).await
    }

    /// Takes the build.
    pub async fn claims(&self, server: &Server) {
        let claim = json!({"process": "hand", "version": "0"});
        let answer = self.calls(server, "claim", claim).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// Moves the build on.
    pub async fn reports(&self, server: &Server, status: &str, sha: &str) {
        let report = json!({"status": status, "sha": sha});
        let answer = self.calls(server, "status", report).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}
