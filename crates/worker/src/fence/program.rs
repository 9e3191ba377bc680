//! The command line of a program that is run inside the fence.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, Stdio};

/// Reads one line from its input, then becomes the program: the gate. Without a line, because the
/// worker died meanwhile, it ends.
const GATE: &str = "read -r _ && exec \"$@\" </dev/null";
/// Programs are looked for in these folders only.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

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

    /// The command that starts it behind the gate, in a process group of its own.
    pub(super) fn command(&self, namespaces: bool) -> Command {
        use std::os::unix::process::CommandExt;

        let mut command = Command::new("/bin/sh");
        command.args(["-c", GATE, "gate"]);
        if namespaces {
            command.args(FENCE);
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

/// Makes the program the first process of its own process and mount namespaces, bound to the
/// worker's life: worker gone, `unshare` gone, program gone, everything gone.
const FENCE: [&str; 11] = [
    "setpriv",
    "--pdeathsig",
    "KILL",
    "unshare",
    "--mount",
    "--propagation",
    "private",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
];

/// Whether namespaces can be made here; in a container without privileges they cannot.
pub(super) async fn namespaces_work() -> bool {
    let probe = tokio::process::Command::new(FENCE[0])
        .args(&FENCE[1..])
        .arg("true")
        .env_clear()
        .env("PATH", PATH)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .status()
        .await;
    probe.is_ok_and(|status| status.success())
}
