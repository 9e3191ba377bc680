//! A process that waits until somebody has taken charge of it.

use std::process::{Command, Stdio};

/// Reads one line from its input, then becomes the program. Without a line, because whoever started it
/// died meanwhile, it ends.
const GATE: &str = "read -r _ && exec \"$@\" </dev/null";

/// A shell that becomes the program given by its further arguments once a line is written to its
/// standard input, which is a pipe. Until then the process has its number and does nothing, so that it
/// can be put under limits first.
#[must_use]
pub fn behind_gate() -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", GATE, "gate"]).stdin(Stdio::piped());
    command
}
