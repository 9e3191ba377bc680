//! Serving a gate to who may be hostile: so many connections, and so much memory and time for each.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::gate::{Gate, pass};

/// Connections that a gate has open at a time; an engine copies six layers at once.
const CONNECTIONS: usize = 64;
/// How much of a request's head is read, in bytes.
const MAX_HEAD: usize = 64 * 1024;
/// How long the head may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Serves the gate at this socket for as long as `serving` is kept.
pub(super) fn serve(
    serving: &mut JoinSet<()>,
    socket: TcpListener,
    gate: Gate,
) -> io::Result<SocketAddr> {
    socket.set_nonblocking(true)?;
    let address = socket.local_addr()?;
    let listener = tokio::net::TcpListener::from_std(socket)?;
    let router = Router::new().fallback(pass).with_state(gate);
    serving.spawn(accept(listener, router));
    Ok(address)
}

/// Its connections end with it.
async fn accept(listener: tokio::net::TcpListener, router: Router) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let talk = talk(stream, router.clone());
                connections.spawn(async move {
                    talk.await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a way to a registry is blocked");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn talk(stream: TcpStream, router: Router) {
    let service = TowerToHyperService::new(router);
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = served.await {
        tracing::debug!(%error, "a connection to a registry ended");
    }
}
