//! `boatyard serve`: opens what there is, wires the rooms together, and ends cleanly.

mod address;
mod address_file;
mod caches;
mod first_start;
mod parts;

pub use first_start::lock;
pub use parts::PublicAddress;

use crate::config::Options;
use anyhow::{Context, anyhow, bail};
use rustix::fs::Mode;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use store::{Store, StoreError};
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
    serve_until(options, stop, |started| {
        if let Some(note) = &started.new_token {
            println!("{note}");
        }
        tracing::info!(url = %started.address.url, data = %started.data_dir.display(), "ready");
    })
    .await
}

/// A server that answers.
pub struct Started {
    /// Where.
    pub address: PublicAddress,
    /// Where everything is.
    pub data_dir: PathBuf,
    /// At the first start: the administrator's token, in a line for a person.
    pub new_token: Option<String>,
}

/// Runs the server until `stop`; `ready` is told where once it answers.
pub async fn serve_until(
    options: Options,
    stop: CancellationToken,
    ready: impl FnOnce(&Started),
) -> anyhow::Result<()> {
    options.check()?;
    let listen = options.listen();
    let listener = TcpListener::bind(listen).await.map_err(|error| {
        anyhow!("cannot listen on {listen} ({error}); choose another address with --listen")
    })?;
    let address = address::of(&options, listener.local_addr()?)?;
    // What lies in the data folder is nobody else's business; workers open up what the engine reads.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    let _lock = first_start::prepare(&options.data_dir()).await?;
    let parts = parts::open(&options, &address, &stop).await?;
    reseal(&parts.store).await?;
    let new_token = first_start::administrator(&parts.store, &options.data_dir()).await?;
    let tasks = TaskTracker::new();
    tasks.spawn(parts.dispatcher.run(parts.exits, stop.clone()));
    tasks.spawn(dispatch::close_logs(
        parts.store.clone(),
        parts.logs.clone(),
        stop.clone(),
    ));
    tasks.spawn(dispatch::delete_logs(
        parts.store.clone(),
        parts.logs.clone(),
        stop.clone(),
    ));
    tasks.spawn(parts.watcher.run(stop.clone()));
    tasks.spawn(parts.telemetry.keep(stop.clone()));
    tasks.spawn(parts.deliverer.run(stop.clone()));
    tasks.spawn(parts::collect_garbage(
        parts.registry.clone(),
        parts::garbage_interval(&options),
        stop.clone(),
    ));
    tasks.spawn(caches::keep_in_bounds(
        parts.store.clone(),
        options.data_dir().join("cache"),
        options.git_cache.unwrap_or(16384),
        stop.clone(),
    ));
    tasks.close();
    let router = parts
        .router
        .into_make_service_with_connect_info::<SocketAddr>();
    let _address_file = address_file::AddressFile::write(&options.data_dir(), &address);
    ready(&Started {
        address,
        data_dir: options.data_dir(),
        new_token,
    });
    let draining = stop.clone();
    let server = axum::serve(listener, router)
        .with_graceful_shutdown(async move { draining.cancelled().await });
    let server = std::future::IntoFuture::into_future(server);
    tokio::select! {
        () = parts.alone.lost() => {
            stop.cancel();
            bail!("another server took the database while it could not be reached from here");
        }
        outcome = server => outcome.context("the server failed")?,
        // A large layer may take longer than that; its client goes on after the next start.
        () = async { stop.cancelled().await; tokio::time::sleep(DRAIN).await } => {}
    }
    tasks.wait().await;
    Ok(())
}

/// Brings everything that is secret to the present key.
async fn reseal(store: &Store) -> anyhow::Result<()> {
    match store.reseal().await {
        Ok(0) => {}
        Ok(values) => tracing::info!(values, "sealed the database's secrets with the present key"),
        // Somebody makes a backup, say, or there is a row that no key opens, which only a server that runs
        // can delete. Older keys stay, and are needed, until the next try.
        Err(error @ (StoreError::Unavailable(_) | StoreError::Unreadable(_))) => {
            tracing::warn!(%error, "older keys are still needed");
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Waits for SIGTERM or Ctrl-C.
pub async fn signalled() {
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
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_writer(std::io::stderr)
        .init();
}
