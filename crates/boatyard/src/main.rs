//! The binary: wiring and configuration only.

mod admin;
mod belonging;
mod config;
mod demo;
mod doctor;
mod keys;
mod rotate_key;
mod server;
mod worker_command;

use clap::{CommandFactory, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// A self-hosted container build service: a commit goes in, a pullable image comes out.
#[derive(Parser)]
#[command(
    name = "boatyard",
    version,
    after_help = "Start with `boatyard demo`, or `boatyard serve` and then `boatyard list projects`."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
#[allow(clippy::large_enum_variant, reason = "parsed once a run")]
enum Command {
    /// Run the server: API, scheduler, workers, registry
    Serve(ServeArgs),
    /// Show a whole round trip on a throw-away server: build, live log, list, pull
    Demo(demo::DemoArgs),
    /// Administer a server on this machine
    #[command(subcommand)]
    Admin(admin::AdminCommand),
    /// Run one build; started by the server
    #[command(hide = true)]
    Worker(worker_command::WorkerArgs),
    /// Print a completion script for a shell
    Completion(cli::CompletionArgs),
    #[command(flatten)]
    Client(cli::Command),
}

/// Options of `boatyard serve`. Each can also be set in boatyard.toml or the environment.
#[derive(clap::Args)]
struct ServeArgs {
    /// Configuration file [default: boatyard.toml in the data folder]
    #[arg(long, env = "BOATYARD_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    options: config::Options,
}

fn main() -> ExitCode {
    leave_no_core_dump();
    let cli = Cli::parse();
    if let Command::Worker(args) = &cli.command
        && let Some(done) = args.errand()
    {
        return match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("boatyard: {error}");
                ExitCode::FAILURE
            }
        };
    }
    // Two crates of the tree could bring a TLS provider; this one is it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("boatyard: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(cli.command)) {
        Ok(code) => code,
        Err(error) if is_unread(&error) => ExitCode::from(cli::READER_GONE),
        Err(error) => {
            eprintln!("boatyard: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Keeps what is in memory, tokens and keys, out of core dumps, of whatever this program starts, too. A
/// limit of one byte and not of none: programs that core dumps are piped to get them in spite of the limit,
/// but for this one.
fn leave_no_core_dump() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Core).maximum;
    let limit = Rlimit {
        current: Some(maximum.unwrap_or(1).min(1)),
        maximum,
    };
    if let Err(error) = setrlimit(Resource::Core, limit) {
        eprintln!("boatyard: a crash may leave secrets in a core dump: {error}");
    }
}

/// Whether the reader of what is printed went away, as `head` does: it has seen enough.
fn is_unread(error: &anyhow::Error) -> bool {
    let cause = match error.downcast_ref::<cli::CliError>() {
        Some(cli::CliError::Stream(cause)) => Some(cause),
        _ => error.downcast_ref::<std::io::Error>(),
    };
    cause.is_some_and(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(args) => {
            server::log_to_stderr();
            let options = args.options.with_file(args.config.as_deref())?;
            server::serve(options).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Demo(args) => demo::run(args).await,
        Command::Admin(command) => admin::run(command).await,
        Command::Worker(_) => worker_command::run().await,
        Command::Completion(args) => {
            cli::completion(args.shell, Cli::command(), &mut std::io::stdout())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Client(command) => client(command).await,
    }
}

async fn client(command: cli::Command) -> anyhow::Result<ExitCode> {
    let mut console = cli::Console::of_process();
    match cli::run(command, &mut console).await {
        Ok(code) => Ok(code),
        Err(error @ cli::CliError::Stream(_)) => Err(error.into()),
        Err(error) => {
            eprintln!("boatyard: {error}");
            Ok(error.exit_code())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
