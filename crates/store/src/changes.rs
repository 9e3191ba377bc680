//! Who wants to know when a build changes: the dispatcher (something to do?), a worker's watch
//! (must I stop?), the closer of logs. A hint, never the truth: listeners look into the store, and
//! look again from time to time in case another server changed it.

use domain::{Build, Status};
use tokio::sync::broadcast;

/// A build changed.
#[derive(Clone, Debug)]
pub struct Change {
    /// Which.
    pub build_uid: String,
    /// To what.
    pub status: Status,
}

/// How many changes a slow listener may fall behind before it is told only that it did.
const BACKLOG: usize = 1024;

pub(crate) struct Teller(broadcast::Sender<Change>);

impl Default for Teller {
    fn default() -> Self {
        Teller(broadcast::channel(BACKLOG).0)
    }
}

impl Teller {
    pub(crate) fn tell(&self, build: &Build) {
        let change = Change {
            build_uid: build.uid.clone(),
            status: build.status,
        };
        // Nobody listening is fine.
        let _ = self.0.send(change);
    }

    pub(crate) fn listen(&self) -> Changes {
        Changes(self.0.subscribe())
    }
}

/// A listener's end.
pub struct Changes(broadcast::Receiver<Change>);

impl Changes {
    /// The next change; `None` when some were missed and the listener must look for itself.
    pub async fn next(&mut self) -> Option<Change> {
        match self.0.recv().await {
            Ok(change) => Some(change),
            Err(broadcast::error::RecvError::Lagged(_)) => None,
            // The store is gone, and with it the server: nothing will change any more.
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

impl crate::Store {
    /// Listens to the changes of builds from now on.
    pub fn changes(&self) -> Changes {
        self.changes.listen()
    }
}
