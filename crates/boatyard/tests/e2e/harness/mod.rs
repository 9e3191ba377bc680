//! The plumbing, so that a test reads like what a user does: real servers, real repositories,
//! real HTTP.

mod api;
mod debian;
mod demo;
mod file_server;
mod gate;
mod git_server;
mod hand_worker;
mod held;
mod lfs;
mod place;
mod private_registry;
mod process;
mod proxy;
mod receiver;
mod repository;
mod script;
mod server;
mod ssh_server;
mod tail;

pub use api::{Answer, Api};
pub use debian::DebianMirror;
pub use demo::Demo;
pub use file_server::FileServer;
pub use gate::Gate;
pub use git_server::{Asked, GitServer, Manner};
pub use hand_worker::HandWorker;
pub use held::HeldDatabase;
pub use place::Place;
pub use private_registry::PrivateRegistry;
pub use proxy::Proxy;
pub use receiver::{Received, Receiver};
pub use repository::Repository;
pub use script::Script;
pub use server::{Server, ServerBuilder, free_port, unmount_below};
pub use ssh_server::SshServer;
pub use tail::Tail;

use std::time::{Duration, Instant};

/// How long anything may take here before the test gives up.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Asks again and again until there is an answer; fails with `what` when there never is.
pub async fn until<T>(what: &str, ask: impl AsyncFnMut() -> Option<T>) -> T {
    until_within(PATIENCE, what, ask).await
}

/// The same with another patience.
pub async fn until_within<T>(
    patience: Duration,
    what: &str,
    mut ask: impl AsyncFnMut() -> Option<T>,
) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(start.elapsed() < patience, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
}
