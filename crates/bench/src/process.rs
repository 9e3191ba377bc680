//! Processes that end with the bench, and waiting for things to be so.

use anyhow::{Context, bail};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long anything may take here before the bench gives up.
const PATIENCE: Duration = Duration::from_secs(300);

/// A process that is killed when its handle goes.
pub(crate) struct Kept(Child);

impl Kept {
    pub(crate) fn start(command: &mut Command) -> anyhow::Result<Kept> {
        let name = format!("{:?}", command.get_program());
        let child = command.stdin(Stdio::null()).spawn();
        child
            .map(Kept)
            .with_context(|| format!("cannot start {name}"))
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// SIGTERM, and waits for the end.
    pub(crate) fn terminate(mut self) -> anyhow::Result<()> {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        let status = self.0.wait()?;
        anyhow::ensure!(status.success(), "a process ended with {status}");
        Ok(())
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // Killing what has ended already does no harm.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Asks every `pause` until there is an answer; an error that names `what` when there never is.
pub(crate) async fn until<T>(
    what: &str,
    pause: Duration,
    mut ask: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let began = Instant::now();
    loop {
        if let Some(found) = ask().await? {
            return Ok(found);
        }
        if began.elapsed() > PATIENCE {
            bail!("waited in vain for {what}");
        }
        tokio::time::sleep(pause).await;
    }
}

/// Runs a program to its end for what it prints; an error with its complaint when it fails.
pub(crate) async fn output(command: Command) -> anyhow::Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = tokio::process::Command::from(command)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .with_context(|| format!("cannot run {name}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{name} ended with {}: {}", output.status, said.trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    Ok(listener.local_addr()?.port())
}
