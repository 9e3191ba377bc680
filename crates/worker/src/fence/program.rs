//! The command line of a program that is run inside the fence.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Command;

use crate::config::StepNetwork;

/// Programs are looked for in these folders only.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The command that takes from root of a room, for good, what would let it past the routes of the room's
/// network: who makes packets by hand, or routes, reaches the machine's loopback through the way out.
pub(super) fn given_up(network: StepNetwork) -> [&'static str; 3] {
    let rights = match network {
        // The engine makes a network for each step, one that leads nowhere.
        StepNetwork::None => "-net_raw",
        StepNetwork::Isolated | StepNetwork::Host => "-net_admin,-net_raw",
    };
    ["setpriv", "--bounding-set", rights]
}

/// Where programs enter a room.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entrance {
    /// The number of the room's first process, as the machine counts.
    pub(super) first: u32,
    /// What its RUN steps reach.
    pub(super) network: StepNetwork,
}

/// A program with its arguments and nothing of the worker's environment.
#[derive(Debug)]
pub(crate) struct Program {
    words: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
}

impl Program {
    pub(crate) fn new(program: &Path) -> Program {
        Program {
            words: vec![program.as_os_str().to_owned()],
            environment: vec![("PATH".into(), PATH.into())],
        }
    }

    pub(crate) fn arg(&mut self, word: impl AsRef<OsStr>) -> &mut Program {
        self.words.push(word.as_ref().to_owned());
        self
    }

    pub(crate) fn args<W: AsRef<OsStr>>(
        &mut self,
        words: impl IntoIterator<Item = W>,
    ) -> &mut Program {
        for word in words {
            self.arg(word);
        }
        self
    }

    pub(crate) fn env(&mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Program {
        self.environment
            .push((key.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// What everybody on the machine may read of it.
    #[cfg(test)]
    pub(crate) fn words(&self) -> &[OsString] {
        &self.words
    }

    /// What only root may read of it.
    #[cfg(test)]
    pub(crate) fn environment(&self) -> &[(OsString, OsString)] {
        &self.environment
    }

    /// The command that starts it behind the gate, in a process group of its own; in the room, where
    /// there is one.
    pub(super) fn command(&self, room: Option<Entrance>) -> Command {
        use std::os::unix::process::CommandExt;

        let mut command = machine::behind_gate();
        if let Some(room) = room {
            command.args(["nsenter", "--target", &room.first.to_string()]);
            command.args(["--user", "--mount", "--pid"]);
            if room.network.takes_own() {
                command.arg("--net");
            }
            command.args(given_up(room.network));
        }
        command.args(&self.words);
        command
            .env_clear()
            .envs(self.environment.iter().map(|(key, value)| (key, value)))
            .current_dir("/")
            .process_group(0);
        command
    }
}
