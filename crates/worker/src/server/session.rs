//! A claimed build's ties to the server, from the claim to the conclusion.

use std::borrow::Cow;
use std::time::Duration;

use domain::Status;
use protocol::{Conclusion, Job};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::client::{CallError, Client, until_answered};
use super::log::Log;
use super::reports::Reports;
use super::samples::Samples;
use crate::halt::{Cause, Halt};
use crate::mask::{Mask, mounts_of, secrets_of};
use crate::token::Token;

/// How long the server is asked to wait for something to say, in seconds.
const WATCH_SECONDS: u64 = 20;
/// How long the end of a build is offered to a server that is away.
const CONCLUDE_FOR: Duration = Duration::from_secs(3600);
/// How long the end of a stopped build is offered: the server knows already.
const CONCLUDE_STOPPED_FOR: Duration = Duration::from_secs(5);
/// How long the last samples are offered before that: nobody waits for them.
const SAMPLES_FOR: Duration = Duration::from_secs(5);

/// Keeps the lease, ships log and phases, and throws the switch when the server says stop.
/// Dropping it ends all of that.
pub(crate) struct Session {
    client: Client,
    log: Log,
    reports: Reports,
    samples: Samples,
    keepers: JoinSet<()>,
    shippers: JoinSet<()>,
}

impl Session {
    /// Begins to keep the lease of a build that was just claimed.
    pub(crate) fn start(client: Client, token: &Token, job: &Job, halt: &Halt) -> Session {
        let token = Cow::Borrowed(token.reveal().as_bytes());
        let mask = Mask::new(mounts_of(job), secrets_of(job).chain([token]));
        let log = Log::new(job.next_log_seq, mask);
        let (reports, samples) = (Reports::default(), Samples::default());
        let mut keepers = JoinSet::new();
        let mut shippers = JoinSet::new();
        let beat = Duration::from_millis(job.lease_seconds.max(1).saturating_mul(1000) / 3);
        keepers.spawn(ended(halt, heartbeats(client.clone(), beat)));
        keepers.spawn(watch(client.clone(), halt.clone()));
        let (own_log, own_client) = (log.clone(), client.clone());
        shippers.spawn(ended(halt, async move { own_log.ship(&own_client).await }));
        let (own_reports, own_client) = (reports.clone(), client.clone());
        shippers.spawn(ended(
            halt,
            async move { own_reports.ship(&own_client).await },
        ));
        let (own_samples, own_client) = (samples.clone(), client.clone());
        shippers.spawn(ended(
            halt,
            async move { own_samples.ship(&own_client).await },
        ));
        Session {
            client,
            log,
            reports,
            samples,
            keepers,
            shippers,
        }
    }

    /// The build's log.
    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    /// Where samples of the build go.
    pub(crate) fn samples(&self) -> &Samples {
        &self.samples
    }

    /// Says which phase the build is in.
    pub(crate) fn phase(&self, status: Status, sha: Option<String>) {
        self.reports.add(status, sha);
    }

    /// Returns once the server knows the phase that was said last, however long it is away.
    pub(crate) async fn phase_known(&self) {
        self.reports.delivered().await;
    }

    /// Whether a newer build of the branch has been uploaded.
    ///
    /// # Errors
    /// When the server will not say.
    pub(crate) async fn is_overtaken(&self) -> Result<bool, CallError> {
        let answer = until_answered(None, || self.client.overtaken()).await?;
        Ok(answer.overtaken)
    }

    /// Delivers every line and phase, then the conclusion; the lease is kept until that is done.
    ///
    /// # Errors
    /// When the server will not take it, or was away for too long.
    pub(crate) async fn conclude(
        mut self,
        conclusion: &Conclusion,
        stopped: bool,
    ) -> Result<(), CallError> {
        // From here on this task alone sends; two senders would send lines twice.
        self.shippers.shutdown().await;
        let patience = if stopped {
            CONCLUDE_STOPPED_FOR
        } else {
            CONCLUDE_FOR
        };
        let deadline = Some(Instant::now() + patience);
        // The reports do not wait for the lines, so that a long log does not hold up the phases.
        let (reports, log) = tokio::join!(
            self.reports.drain(&self.client, deadline),
            self.log.drain(&self.client, deadline)
        );
        reports.and(log)?;
        let soon = Some(Instant::now() + SAMPLES_FOR);
        if let Err(error) = self.samples.drain(&self.client, soon).await {
            tracing::warn!(%error, "the last samples of a build are lost");
        }
        let result = until_answered(deadline, || self.client.conclude(conclusion)).await;
        self.keepers.shutdown().await;
        result
    }
}

/// Runs something that only ends when the server will not have it, and stops the build then.
fn ended(
    halt: &Halt,
    task: impl Future<Output = Result<(), CallError>> + Send + 'static,
) -> impl Future<Output = ()> + Send + 'static {
    let halt = halt.clone();
    async move {
        if let Err(error) = task.await {
            raise(&halt, &error);
        }
    }
}

async fn heartbeats(client: Client, every: Duration) -> Result<(), CallError> {
    loop {
        tokio::time::sleep(every).await;
        until_answered(None, || client.heartbeat()).await?;
    }
}

async fn watch(client: Client, halt: Halt) {
    let asked = async {
        loop {
            let heard = until_answered(None, || client.watch(WATCH_SECONDS)).await?;
            if heard.stop {
                return Ok(());
            }
        }
    };
    match asked.await {
        Ok(()) => halt.raise(Cause::Asked),
        Err(error) => raise(&halt, &error),
    }
}

fn raise(halt: &Halt, error: &CallError) {
    match error {
        CallError::Refused { .. } => halt.raise(Cause::Refused(error.to_string())),
        _ => halt.raise(Cause::Fenced),
    }
}
