//! The client half of the command line: verbs that talk HTTP to a Boatyard server. The binary
//! flattens [`Command`] beside its own commands and hands it to [`run`].

mod args;
mod client;
mod connect;
mod console;
mod environment;
mod error;
mod follow;
mod render;
mod verbs;

pub use args::{Command, Format, Shown};
pub use client::{
    Answer, ApiError, Build, BuildPath, Client, ClientError, Direction, LogFilter, LogLine,
    LogQuery, News, Pagination, Patience, Plan, Project, Region, Service, Tail, TailOptions,
    WholeLog,
};
pub use console::{Console, Interrupt, Look};
pub use environment::Environment;
pub use error::CliError;
pub use render::show_list;

use clap::ValueHint;
use clap_complete::Shell;
use std::io::{self, Write};
use std::process::ExitCode;

/// The exit code of a program whose reader went away, as in `… | head` (128 + SIGPIPE).
pub const READER_GONE: u8 = 141;

/// Runs a verb. The exit code is 0 only when everything went well; 1 when a build that was waited
/// for did not succeed; 130 when the person stopped waiting. Errors are for the caller to print,
/// and exit with [`CliError::exit_code`].
pub async fn run(command: Command, console: &mut Console) -> Result<ExitCode, CliError> {
    verbs::run(command, console).await
}

/// What `completion` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  boatyard completion bash > /etc/bash_completion.d/boatyard
  boatyard completion zsh > \"${fpath[1]}/_boatyard\"
  boatyard completion fish > ~/.config/fish/completions/boatyard.fish")]
pub struct CompletionArgs {
    /// For which shell
    pub shell: Shell,
}

/// Writes the script with which a shell completes the whole binary's commands and flags.
pub fn completion(shell: Shell, binary: clap::Command, out: &mut dyn Write) -> io::Result<()> {
    let mut script = Vec::new();
    let name = binary.get_name().to_owned();
    clap_complete::generate(shell, &mut without_files(binary), name, &mut script);
    out.write_all(&script)
}

/// Shells offer files for whatever they know nothing about; an id or a branch is none.
fn without_files(command: clap::Command) -> clap::Command {
    let command = command.mut_args(|arg| match arg.get_value_hint() {
        ValueHint::Unknown if arg.get_action().takes_values() => arg.value_hint(ValueHint::Other),
        _ => arg,
    });
    command.mut_subcommands(without_files)
}
