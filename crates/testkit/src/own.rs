//! A PostgreSQL cluster of one test's own, for tests in which the database goes away.

use crate::cluster::launch;
use rustix::process::{Pid, Signal, kill_process};
use std::process::{Child, Stdio};
use tempfile::TempDir;

/// A cluster that can be stopped and started again; it goes when dropped.
pub struct OwnPostgres {
    folder: TempDir,
    server: Option<Child>,
}

impl OwnPostgres {
    /// Makes a cluster and starts it.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    pub fn start() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("boatyard-pg-")
            .tempdir()
            .expect("a folder for the cluster");
        launch::prepare(folder.path());
        let mut cluster = OwnPostgres {
            folder,
            server: None,
        };
        cluster.start_again();
        cluster
    }

    /// The URL of its one database, empty at first.
    pub fn url(&self) -> String {
        launch::url(self.folder.path())
    }

    /// Ends the server together with all its connections, and waits until it is gone.
    ///
    /// # Panics
    /// When it was stopped already.
    pub fn stop(&mut self) {
        // One that stands still would not hear of it.
        self.thaw();
        let mut server = self.server.take().expect("a running server");
        launch::interrupt(&server);
        server.wait().expect("the server's end");
    }

    /// Holds every process of the server still: it takes calls and answers none.
    ///
    /// # Panics
    /// When it was stopped.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    ///
    /// # Panics
    /// When it was stopped.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let server = self.server.as_ref().expect("a running server");
        let pid = server.id();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let children = children.expect("the server's processes");
        for pid in std::iter::once(pid.to_string().as_str()).chain(children.split_whitespace()) {
            let pid = pid.parse().ok().and_then(Pid::from_raw).expect("a process");
            // One for a connection may have ended meanwhile.
            let _ = kill_process(pid, signal);
        }
    }

    /// Starts the stopped server on its data, and waits until it answers.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_again(&mut self) {
        let folder = self.folder.path();
        let mut command = launch::server(folder);
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(folder.join("log"))
            .expect("a log for the server");
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle on the log"))
            .stderr(log);
        self.server = Some(command.spawn().expect("PostgreSQL starts"));
        launch::await_answer(folder);
    }
}

impl Drop for OwnPostgres {
    fn drop(&mut self) {
        if self.server.is_some() {
            self.stop();
        }
    }
}
