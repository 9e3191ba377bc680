//! Follows a build's log until the build concludes, across dropped connections and a restart of
//! the server, with no line twice and none left out.

use super::catch_up::CatchUp;
use super::logs::{LogFilter, LogQuery};
use super::resume::Resume;
use super::socket::{Event, Socket};
use super::{BuildPath, Client, ClientError, LogLine};
use jiff::Timestamp;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Batches that may wait for a slow reader.
const BUFFER: usize = 64;

/// How long to keep trying when the server cannot be reached.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The first pause; each next one is twice as long.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// When to give up, counted from the last success.
    pub give_up: Duration,
    /// The pause between two questions about a build, by how long it was waited for already.
    pub pace: fn(Duration) -> Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            first: Duration::from_millis(200),
            longest: Duration::from_secs(5),
            give_up: Duration::from_secs(120),
            pace: super::wait::pace,
        }
    }
}

impl Patience {
    pub(super) fn next(self, delay: Duration) -> Duration {
        (delay * 2).min(self.longest)
    }
}

/// What to follow.
#[derive(Clone, Debug, Default)]
pub struct TailOptions {
    /// Begin here; `None` leaves it to the server (its last lines).
    pub from: Option<Timestamp>,
    /// How many lines of the past to begin with.
    pub lines: Option<u32>,
    /// Which lines.
    pub filter: LogFilter,
    /// How long to outlast a server that is away.
    pub patience: Patience,
}

/// A log that is being followed. Dropping it ends the following.
#[derive(Debug)]
pub struct Tail {
    batches: mpsc::Receiver<Result<Vec<LogLine>, ClientError>>,
    task: JoinHandle<()>,
}

impl Tail {
    /// The next lines; `None` once the build has concluded and its last line was given. An error
    /// is the last item. Safe to cancel.
    pub async fn next(&mut self) -> Option<Result<Vec<LogLine>, ClientError>> {
        self.batches.recv().await
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Client {
    /// Follows a build's log.
    pub fn tail(&self, path: BuildPath, options: TailOptions) -> Tail {
        let (sender, batches) = mpsc::channel(BUFFER);
        let follower = Follower {
            client: self.clone(),
            path,
            options,
            resume: Resume::default(),
            sender: sender.clone(),
        };
        let task = tokio::spawn(async move {
            if let Err(error) = follower.run().await {
                // A reader that is gone needs no error.
                let _ = sender.send(Err(error)).await;
            }
        });
        Tail { batches, task }
    }
}

struct Follower {
    client: Client,
    path: BuildPath,
    options: TailOptions,
    resume: Resume,
    sender: mpsc::Sender<Result<Vec<LogLine>, ClientError>>,
}

impl Follower {
    async fn run(mut self) -> Result<(), ClientError> {
        let patience = self.options.patience;
        let (mut well, mut delay) = (Instant::now(), patience.first);
        let mut before = Before::Start;
        loop {
            match self.session(before).await {
                Ok(End::Complete) => return Ok(()),
                Ok(End::Closed) => {
                    // Most likely complete, so ask at once.
                    (before, well) = (Before::Closed, Instant::now());
                    continue;
                }
                Ok(End::Dropped { lines }) => {
                    (before, well) = (Before::Dropped, Instant::now());
                    if lines {
                        delay = patience.first;
                    }
                }
                Err(error) if error.is_passing() && well.elapsed() < patience.give_up => {
                    // It said good-bye because it stopped, then, and not because all was said.
                    if before == Before::Closed {
                        before = Before::Dropped;
                    }
                }
                Err(error) => return Err(error),
            }
            tokio::time::sleep(delay).await;
            delay = patience.next(delay);
        }
    }

    /// One connection, from opening to its end.
    async fn session(&mut self, before: Before) -> Result<End, ClientError> {
        if before != Before::Start {
            let concluded = self.client.build(&self.path).await?.is_concluded();
            // Its last line comes after the conclusion; a server that stops closes logs early.
            self.catch_up().await?;
            if concluded {
                return Ok(End::Complete);
            }
            if before == Before::Closed {
                return Ok(End::Dropped { lines: false });
            }
        }
        let url = self.url(before == Before::Start)?;
        let mut socket = Socket::open(&self.client, url).await?;
        let mut lines = false;
        loop {
            match socket.next().await? {
                Event::Lines(batch) => {
                    lines = true;
                    let fresh = self.resume.fresh(batch);
                    self.give(fresh).await;
                }
                Event::Closed => return Ok(End::Closed),
                Event::Dropped => return Ok(End::Dropped { lines }),
            }
        }
    }

    fn url(&mut self, first: bool) -> Result<url::Url, ClientError> {
        let query = LogQuery {
            build: Some(self.path.build.clone()),
            start: self.resume.ask_again().or(self.options.from),
            // The number is about the past before the first line, not about a gap.
            lines: self.options.lines.filter(|_| first),
            filter: self.options.filter.clone(),
            ..LogQuery::default()
        };
        let path = [
            "projects",
            &self.path.project,
            "services",
            &self.path.service,
            "build-logs",
        ];
        self.client.url(&path, &query.pairs("tail"))
    }

    /// Fetches what was written while nobody listened.
    async fn catch_up(&mut self) -> Result<(), ClientError> {
        let Some(from) = self.resume.ask_again().or(self.options.from) else {
            return Ok(());
        };
        let (client, path) = (self.client.clone(), self.path.clone());
        let filter = self.options.filter.clone();
        let walk = CatchUp {
            client: &client,
            path: &path,
            filter: &filter,
            from,
        };
        loop {
            let lines = walk.next(&mut self.resume).await?;
            if lines.is_empty() {
                return Ok(());
            }
            self.give(lines).await;
        }
    }

    async fn give(&self, lines: Vec<LogLine>) {
        if !lines.is_empty() {
            // When the reader is gone, its Tail has ended this task as well.
            let _ = self.sender.send(Ok(lines)).await;
        }
    }
}

/// How the last connection ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// There was none.
    Start,
    /// The server said good-bye.
    Closed,
    /// It broke.
    Dropped,
}

/// How a connection ended.
enum End {
    /// The build is over and its log is read to the end.
    Complete,
    /// The server said good-bye; whether the build is over is to be asked.
    Closed,
    /// It broke; there may be more.
    Dropped {
        /// Whether anything came before.
        lines: bool,
    },
}
