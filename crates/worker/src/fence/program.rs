//! The command line of a program that is run inside the fence.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, Stdio};

/// Reads one line from its input, then becomes the program: the gate. Without a line, because the
/// worker died meanwhile, it ends.
const GATE: &str = "read -r _ && exec \"$@\" </dev/null";
/// Programs are looked for in these folders only.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The command that takes from root of a room, for good, what would let it past the routes of the room's
/// network: who makes packets by hand, or routes, reaches the machine's loopback through the way out.
/// Who has to make networks keeps the right to make routes.
pub(super) fn given_up(makes_networks: bool) -> [&'static str; 3] {
    let rights = match makes_networks {
        true => "-net_raw",
        false => "-net_admin,-net_raw",
    };
    ["setpriv", "--bounding-set", rights]
}

/// Where programs enter a room.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entrance {
    /// The number of the room's first process, as the machine counts.
    pub(super) first: u32,
    /// Whether the room has a network of its own.
    pub(super) own_network: bool,
    /// Whether programs in it make networks of their own.
    pub(super) makes_networks: bool,
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

        let mut command = Command::new("/bin/sh");
        command.args(["-c", GATE, "gate"]);
        if let Some(room) = room {
            command.args(["nsenter", "--target", &room.first.to_string()]);
            command.args(["--user", "--mount", "--pid"]);
            if room.own_network {
                command.arg("--net");
            }
            command.args(given_up(room.makes_networks));
        }
        command.args(&self.words);
        command
            .env_clear()
            .envs(self.environment.iter().map(|(key, value)| (key, value)))
            .current_dir("/")
            .stdin(Stdio::piped())
            .process_group(0);
        command
    }
}
