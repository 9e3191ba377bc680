//! `boatyard serve`: opens what there is, wires the rooms together, and ends cleanly.

mod address;
mod first_start;
mod parts;

pub use parts::PublicAddress;

use crate::config::Options;
use anyhow::Context;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long open requests may take to end after SIGTERM.
const DRAIN: Duration = Duration::from_secs(10);

/// Runs the server until SIGTERM or Ctrl-C. Builds in flight go on in their workers.
pub async fn serve(options: Options) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    let on_signal = stop.clone();
    tokio::spawn(async move {
        signalled().await;
        tracing::info!("stopping; running builds go on in their workers");
        on_signal.cancel();
    });
    serve_until(options, stop, |_| {}).await
}

/// Runs the server until `stop`; `ready` is told the address once it answers.
pub async fn serve_until(
    options: Options,
    stop: CancellationToken,
    ready: impl FnOnce(&PublicAddress),
) -> anyhow::Result<()> {
    options.check()?;
    let listen = options.listen();
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!("cannot listen on {listen}: is another server running? Choose with --listen")
    })?;
    let address = address::of(&options, listener.local_addr()?)?;
    let _lock = first_start::prepare(&options.data_dir())?;
    let parts = parts::open(&options, &address, &stop).await?;
    first_start::administrator(&parts.store, &options.data_dir()).await?;
    let tasks = TaskTracker::new();
    tasks.spawn(parts.dispatcher.run(parts.exits, stop.clone()));
    tasks.spawn(dispatch::close_logs(
        parts.store.clone(),
        parts.logs.clone(),
        stop.clone(),
    ));
    tasks.spawn(parts::collect_garbage(
        parts.registry.clone(),
        parts::garbage_interval(&options),
        stop.clone(),
    ));
    tasks.close();
    let router = parts
        .router
        .into_make_service_with_connect_info::<SocketAddr>();
    tracing::info!(url = %address.url, data = %options.data_dir().display(), "ready");
    ready(&address);
    let draining = stop.clone();
    let server = axum::serve(listener, router)
        .with_graceful_shutdown(async move { draining.cancelled().await });
    let server = std::future::IntoFuture::into_future(server);
    tokio::select! {
        outcome = server => outcome.context("the server failed")?,
        // A large layer may take longer than that; its client goes on after the next start.
        () = async { stop.cancelled().await; tokio::time::sleep(DRAIN).await } => {}
    }
    tasks.wait().await;
    Ok(())
}

/// Waits for SIGTERM or Ctrl-C.
async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut term) = signal(SignalKind::terminate()) else {
        // Without a handler the signal ends the process by itself, and workers go on all the same.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// Logs to standard error: `RUST_LOG` decides what.
pub fn log_to_stderr() {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,refinery_core=warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}
