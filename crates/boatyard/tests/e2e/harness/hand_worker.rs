//! A worker that the test plays by hand: its process does nothing but keep its place, the test
//! speaks the worker protocol with its token.

use super::{Answer, Api, Server, until};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

/// Where the played worker notes its token.
pub struct HandWorker {
    folder: TempDir,
}

impl HandWorker {
    pub fn new() -> HandWorker {
        let folder = tempfile::Builder::new()
            .prefix("boatyard-hand-")
            .tempdir()
            .unwrap();
        HandWorker { folder }
    }

    /// The program for the server to start.
    pub fn program(&self) -> String {
        let path = self.folder.path().join("worker");
        let token = self.folder.path().join("token").display().to_string();
        let text = format!(
            "#!/bin/sh\nprintf %s \"$BOATYARD_WORKER_TOKEN\" > {token}.new\n\
             mv {token}.new {token}\nexec sleep 1000000\n"
        );
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path.display().to_string()
    }

    /// The token of the worker started last.
    pub async fn token(&self) -> String {
        let path = self.folder.path().join("token");
        until("the worker to have its token", async || {
            std::fs::read_to_string(&path).ok()
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
}
