//! Running one program inside the fence, line by line, until it ends or has to.

use std::io;
use std::os::fd::OwnedFd;
use std::process::ExitStatus;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe::Receiver;
use tokio::process::Child;
use tokio::time::{Duration, Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::program::Entrance;
use super::{Fence, Program, Room, leftovers};
use crate::lines::Splitter;

/// How much output is read at once, in bytes.
const READ: usize = 32 * 1024;

/// How long output is waited for after the program has ended.
const AFTER_END: Duration = Duration::from_secs(1);

/// How a program ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    status: ExitStatus,
}

impl Ended {
    pub(crate) fn success(self) -> bool {
        self.status.success()
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.status.fmt(f)
    }
}

/// Why a program did not come to its own end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// It was told to stop.
    #[error("stopped")]
    Stopped,
    /// It could not be started or listened to.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Fence {
    /// Runs a program inside the fence and hands over each line of its output, both streams in the
    /// order they were written. When told to stop, nothing of it is left on return.
    pub(crate) async fn run(
        &self,
        program: &Program,
        stop: &CancellationToken,
        mut each: impl FnMut(String),
    ) -> Result<Ended, RunError> {
        if stop.is_cancelled() {
            return Err(RunError::Stopped);
        }
        let (mut child, mut output) = self.start(program).await?;
        let mut splitter = Splitter::new(Arc::clone(&self.mask));
        let listened = tokio::select! {
            listened = listen(&mut child, &mut output, &mut splitter, &mut each) => Some(listened),
            () = stop.cancelled() => None,
        };
        splitter.finish(&mut each);
        if let Some(status) = listened {
            return Ok(Ended { status: status? });
        }
        self.end(child).await;
        Err(RunError::Stopped)
    }

    /// Starts the program: behind the gate, into the group, through the gate.
    async fn start(&self, program: &Program) -> Result<(Child, Receiver), RunError> {
        let (output, writer) = io::pipe()?;
        let mut command = program.command(self.enter().await?);
        // One pipe for both streams keeps the order in which lines were written.
        command.stdout(writer.try_clone()?).stderr(writer);
        let mut command = tokio::process::Command::from(command);
        command.kill_on_drop(true);
        let mut child = command.spawn()?;
        // The command holds ends of the pipe that would keep us from seeing its end.
        drop(command);
        if let Some(pid) = child.id() {
            self.enroll(pid)?;
        }
        if let Some(mut gate) = child.stdin.take() {
            gate.write_all(b"\n").await?;
        }
        Ok((child, Receiver::from_owned_fd(OwnedFd::from(output))?))
    }

    /// The room that programs run in. Whoever was told to stop took the room down with him; what
    /// comes after him gets another, without a way out.
    async fn enter(&self) -> io::Result<Option<Entrance>> {
        let mut room = self.room.lock().await;
        if room.is_none() {
            *room = self.open_room().await?;
        }
        Ok(room.as_ref().map(Room::entrance))
    }

    /// Ends the program and everything it started.
    async fn end(&self, mut child: Child) {
        let family = child.id().map(leftovers::family);
        // The room first: our child waits for the program in it. Ended before it, he would leave it
        // to the machine's first process to bury, and the room stands until that has come to it.
        self.empty().await;
        if let Err(error) = child.start_kill() {
            tracing::debug!(%error, "the engine had ended already");
        }
        if self.group.is_none() && self.plan.is_none() {
            leftovers::kill(family.unwrap_or_default());
        }
        if let Err(error) = child.wait().await {
            tracing::warn!(%error, "the engine's end could not be seen");
        }
    }
}

/// Reads the output to its end, and waits for the program's.
async fn listen(
    child: &mut Child,
    output: &mut Receiver,
    splitter: &mut Splitter,
    each: &mut impl FnMut(String),
) -> io::Result<ExitStatus> {
    let mut bytes = vec![0; READ];
    let mut status = None;
    // Set once the program has ended: a descendant that kept the pipe must not keep us.
    let mut patience = None;
    loop {
        tokio::select! {
            count = output.read(&mut bytes) => match count? {
                0 => break,
                count => splitter.feed(&bytes[..count], &mut *each),
            },
            ended = child.wait(), if status.is_none() => {
                status = Some(ended?);
                patience = Some(Instant::now() + AFTER_END);
            }
            () = sleep_until(patience.unwrap_or_else(Instant::now)), if patience.is_some() => break,
        }
    }
    match status {
        Some(status) => Ok(status),
        None => child.wait().await,
    }
}
