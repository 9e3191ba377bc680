//! Follows a build to its end: its log line by line, its status beside it, until it concludes or
//! the person has seen enough.

mod printer;
mod progress;

pub(crate) use printer::Printer;

use crate::args::Format;
use crate::client::{Build, BuildPath, Client, ClientError, Patience, Tail, TailOptions};
use crate::connect::{Place, Session};
use crate::console::Console;
use crate::error::CliError;
use crate::render::plain;
use progress::Progress;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// How long the log's last lines may trail behind the build's conclusion.
const LAST_LINES: Duration = Duration::from_secs(15);

/// How the following ended.
pub(crate) enum Ending {
    /// The build is over.
    Concluded(Box<Build>),
    /// The person stopped; the build goes on.
    Interrupted,
}

/// Follows a build that was just started.
pub(crate) async fn to_the_end(
    session: &Session,
    console: &mut Console,
    path: &BuildPath,
    build: &Build,
    format: Format,
) -> Result<Ending, CliError> {
    console.note(&header(path, build))?;
    let options = TailOptions {
        from: build.created_at,
        ..TailOptions::default()
    };
    let follower = Follower {
        tail: Some(session.client.tail(path.clone(), options)),
        // Results on standard output are for programs then.
        printer: if format == Format::Table {
            Printer::lines()
        } else {
            Printer::beside()
        },
        progress: Progress::begin(console.look, &build.status),
    };
    match follower.follow(&session.client, console, path).await {
        Ok(Some(build)) => Ok(Ending::Concluded(Box::new(build))),
        Ok(None) => {
            console.note(&farewell(path))?;
            Ok(Ending::Interrupted)
        }
        Err(Stop::Console(error)) => Err(error),
        Err(Stop::Client(error)) => {
            console.note(&format!(
                "the build may go on; see {}",
                command_to_tail(path)
            ))?;
            Err(session.explain(&Place::build(path), error).await)
        }
    }
}

/// Why the following stopped early.
enum Stop {
    Client(ClientError),
    Console(CliError),
}

impl From<CliError> for Stop {
    fn from(error: CliError) -> Stop {
        Stop::Console(error)
    }
}

impl From<ClientError> for Stop {
    fn from(error: ClientError) -> Stop {
        Stop::Client(error)
    }
}

struct Follower {
    /// `None` once the log is read to its end, or can't be read any more.
    tail: Option<Tail>,
    printer: Printer,
    progress: Progress,
}

impl Follower {
    /// The concluded build, or nothing when the person stopped.
    async fn follow(
        mut self,
        client: &Client,
        console: &mut Console,
        path: &BuildPath,
    ) -> Result<Option<Build>, Stop> {
        let interrupt = console.interrupt.clone();
        let interrupted = std::pin::pin!(interrupt.wait());
        let (changes, mut changed) = mpsc::unbounded_channel::<String>();
        let told = |build: &Build| {
            // The receiver lives as long as this function.
            let _ = changes.send(build.status.clone());
        };
        let concluded = std::pin::pin!(client.wait(path, Patience::default(), told));
        let (mut interrupted, mut concluded) = (interrupted, concluded);
        let build = loop {
            tokio::select! {
                () = &mut interrupted => return Ok(None),
                Some(status) = changed.recv() => self.progress.show(console, &status)?,
                build = &mut concluded => break build?,
                batch = next(&mut self.tail) => {
                    if self.read(console, batch)? {
                        // The log ends when the build does: ask at once.
                        let build = client.build_patiently(path, Patience::default()).await?;
                        if build.is_concluded() {
                            break build;
                        }
                    }
                }
            }
        };
        self.last_lines(console, interrupted).await?;
        self.progress.end(console, &build.status)?;
        Ok(Some(build))
    }

    /// Prints what came; says whether it was the end.
    fn read(
        &mut self,
        console: &mut Console,
        batch: Option<Result<Vec<crate::client::LogLine>, ClientError>>,
    ) -> Result<bool, CliError> {
        match batch {
            Some(Ok(lines)) => {
                for line in &lines {
                    self.progress.hear(&line.text());
                }
                self.progress
                    .aside(|| self.printer.print(console, &lines))?;
                Ok(false)
            }
            Some(Err(error)) => {
                self.tail = None;
                let words = format!("the live log stopped ({error}); waiting for the build");
                self.progress.aside(|| console.note(&words))?;
                Ok(false)
            }
            None => {
                self.tail = None;
                Ok(true)
            }
        }
    }

    async fn last_lines(
        &mut self,
        console: &mut Console,
        mut stop: impl Future<Output = ()> + Unpin,
    ) -> Result<(), CliError> {
        let deadline = Instant::now() + LAST_LINES;
        while self.tail.is_some() {
            tokio::select! {
                () = &mut stop => return Ok(()),
                () = sleep_until(deadline) => return Ok(()),
                batch = next(&mut self.tail) => {
                    self.read(console, batch)?;
                }
            }
        }
        Ok(())
    }
}

/// The next lines; waits for ever once there is no log to read.
async fn next(tail: &mut Option<Tail>) -> Option<Result<Vec<crate::client::LogLine>, ClientError>> {
    match tail {
        Some(tail) => tail.next().await,
        None => std::future::pending().await,
    }
}

fn header(path: &BuildPath, build: &Build) -> String {
    let source = match (build.pull_request_id, &build.branch) {
        (Some(number), _) => format!(", pull request #{number}"),
        (None, Some(branch)) => format!(", branch {branch}"),
        (None, None) => String::new(),
    };
    let sha = build
        .sha
        .as_deref()
        .map(|sha| format!(", commit {sha}"))
        .unwrap_or_default();
    plain(&format!(
        "build {} of {}/{}{source}{sha}",
        path.build, path.project, path.service
    ))
}

fn farewell(path: &BuildPath) -> String {
    format!(
        "\nstopped waiting; {} goes on\n  follow it: {}\n  stop it:   boatyard abort service build {}",
        path.build,
        command_to_tail(path),
        flags(path)
    )
}

/// The command that follows the log.
pub(crate) fn command_to_tail(path: &BuildPath) -> String {
    format!("boatyard get service build-logs {} --tail", flags(path))
}

fn flags(path: &BuildPath) -> String {
    let BuildPath {
        project,
        service,
        build,
    } = path;
    plain(&format!(
        "--project {project} --service {service} --build {build}"
    ))
}
