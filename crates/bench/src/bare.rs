//! The bare handler: an axum server that answers with bytes it holds in memory, and does nothing
//! else. The least that any handler of the list could do.

use crate::process::{Kept, free_port, until};
use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// What it serves, and where.
#[derive(clap::Args)]
pub(crate) struct BareArgs {
    #[arg(long)]
    listen: SocketAddr,
    /// Served under `/0`, `/1`, …
    files: Vec<PathBuf>,
}

/// Serves until it is killed.
pub(crate) async fn serve(args: BareArgs) -> anyhow::Result<()> {
    let mut router = Router::new();
    for (index, file) in args.files.iter().enumerate() {
        let bytes = Bytes::from(std::fs::read(file)?);
        let answer = ([(CONTENT_TYPE, "application/json")], bytes);
        router = router.route(&format!("/{index}"), get(async move || answer.clone()));
    }
    let listener = tokio::net::TcpListener::bind(args.listen).await?;
    axum::serve(listener, router).await?;
    Ok(())
}

/// The bare handler in a process of its own.
pub(crate) struct Bare {
    port: u16,
    _process: Kept,
    _folder: TempDir,
}

impl Bare {
    /// Starts one that answers `/0` with the first of these, and so on.
    pub(crate) async fn start(answers: &[Vec<u8>]) -> anyhow::Result<Bare> {
        let folder = tempfile::tempdir()?;
        let port = free_port()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["bare", "--listen", &format!("127.0.0.1:{port}")]);
        for (index, bytes) in answers.iter().enumerate() {
            let file = folder.path().join(index.to_string());
            std::fs::write(&file, bytes)?;
            command.arg(file);
        }
        let bare = Bare {
            port,
            _process: Kept::start(&mut command)?,
            _folder: folder,
        };
        let pause = Duration::from_millis(5);
        until("the bare handler to answer", pause, async || {
            Ok(reqwest::get(bare.url(0)).await.ok())
        })
        .await?;
        Ok(bare)
    }

    /// Where an answer is, with a query that is not looked at.
    pub(crate) fn url(&self, index: usize) -> String {
        format!("http://127.0.0.1:{}/{index}?per_page=100", self.port)
    }
}
