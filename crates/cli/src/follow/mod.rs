//! Follows a build to its end: its log line by line, its status beside it, until it concludes or
//! the person has seen enough.

mod printer;
mod progress;

pub(crate) use printer::Printer;

use crate::args::Format;
use crate::client::{Build, BuildPath, Client, ClientError, News, Tail, TailOptions};
use crate::connect::{Place, Session};
use crate::console::Console;
use crate::error::CliError;
use crate::render::plain;
use progress::Progress;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep_until};

/// How long the log's last lines may trail behind the build's conclusion.
const LAST_LINES: Duration = Duration::from_secs(15);

/// How the worker's own lines begin, among them one at the start of each phase.
const OF_WORKER: &str = "==> ";

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
        patience: console.patience,
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
        progress: Progress::begin(console.look, build),
        hurry: Arc::new(Notify::new()),
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
    /// Told when the log says that the build has moved on.
    hurry: Arc<Notify>,
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
        let (news, mut heard) = mpsc::unbounded_channel::<News>();
        let tell = |piece| {
            // The receiver lives as long as this function.
            let _ = news.send(piece);
        };
        let hurry = self.hurry.clone();
        let concluded = std::pin::pin!(client.wait(path, console.patience, &hurry, tell));
        let (mut interrupted, mut concluded) = (interrupted, concluded);
        let build = loop {
            tokio::select! {
                () = &mut interrupted => return Ok(None),
                Some(news) = heard.recv() => self.hear(console, news)?,
                build = &mut concluded => break build?,
                batch = next(&mut self.tail) => self.read(console, batch)?,
            }
        };
        while let Ok(news) = heard.try_recv() {
            self.hear(console, news)?;
        }
        self.last_lines(console, interrupted).await?;
        self.progress.end(console, &build)?;
        Ok(Some(build))
    }

    fn hear(&mut self, console: &mut Console, news: News) -> Result<(), CliError> {
        let words = match news {
            News::Stands(build) => return self.progress.show(console, &build),
            News::Away(error) => format!("{error}; trying again"),
            News::Back => "the server answers again".to_owned(),
        };
        Ok(self.progress.aside(|| console.note(&words))?)
    }

    /// Prints what came.
    fn read(
        &mut self,
        console: &mut Console,
        batch: Option<Result<Vec<crate::client::LogLine>, ClientError>>,
    ) -> Result<(), CliError> {
        match batch {
            Some(Ok(lines)) => {
                for line in &lines {
                    self.progress.hear(&line.text());
                    if line.text().starts_with(OF_WORKER) {
                        self.hurry.notify_one();
                    }
                }
                self.progress.aside(|| self.printer.print(console, &lines))
            }
            Some(Err(error)) => {
                self.tail = None;
                let words = format!("the live log stopped ({error}); waiting for the build");
                Ok(self.progress.aside(|| console.note(&words))?)
            }
            None => {
                // The log ends when the build does.
                self.tail = None;
                self.hurry.notify_one();
                Ok(())
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
