//! The loop that moves builds on: hands out what waits, notices what died, gives up what cannot be.
//! It decides nothing by memory alone: every step reads the store, so that a restart in any moment
//! goes on where things really are.

mod lost;
#[cfg(test)]
mod tests;

use crate::executor::{Exit, Launch};
use crate::fair::{Candidate, InFlight, Turns};
use crate::{Executor, gone};
use domain::{Build, Status};
use logs::LogStore;
use lost::Sign;
use std::sync::Arc;
use std::time::Duration;
use store::{Advanced, OpenBuild, QueueHead, Store, StoreError};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

/// How often the dispatcher looks even when nobody calls.
const LOOK: Duration = Duration::from_secs(1);
/// How often a build is handed out before the executor counts as unable to start it.
const ATTEMPTS: i64 = 3;

/// What the operator allows.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Builds in flight at the same time.
    pub overall: usize,
    /// Builds of one service in flight at the same time.
    pub per_service: usize,
    /// How long a worker's lease lasts, and how long it may take to claim its build.
    pub lease: Duration,
    /// How long a build may be UNSCHEDULABLE.
    pub unschedulable_for: Duration,
}

/// The dispatcher. One per server.
pub struct Dispatcher {
    store: Store,
    logs: LogStore,
    executor: Arc<dyn Executor>,
    limits: Limits,
    turns: Turns,
    /// Whether what an earlier server left was taken over.
    taken_over: bool,
    /// Whether the store failed us: workers could not renew their leases either, then.
    blind: bool,
    /// When time was last looked at, by the clock on the wall: it goes on while the machine sleeps.
    looked_at: jiff::Timestamp,
    /// Ends of workers that the store could not be told yet.
    unsettled: Vec<Exit>,
}

impl Dispatcher {
    /// A dispatcher that hands builds of `store`, whose logs are in `logs`, to `executor`.
    pub fn new(store: Store, logs: LogStore, executor: Arc<dyn Executor>, limits: Limits) -> Self {
        Dispatcher {
            store,
            logs,
            executor,
            limits,
            turns: Turns::default(),
            taken_over: false,
            blind: false,
            looked_at: jiff::Timestamp::now(),
            unsettled: Vec::new(),
        }
    }

    /// Takes over what an earlier server left, then runs until `stop`. Workers build on after it.
    pub async fn run(mut self, mut exits: UnboundedReceiver<Exit>, stop: CancellationToken) {
        let mut changes = self.store.changes();
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let outcome = tokio::select! {
                () = stop.cancelled() => return,
                Some(exit) = exits.recv() => self.worker_ended(exit).await,
                change = changes.next() => match change {
                    Some(change) if change.status.is_concluded() => {
                        self.clear_later(&change.build_uid).await;
                        self.schedule().await
                    }
                    Some(change) if change.status != Status::Queued => Ok(()),
                    _ => self.schedule().await,
                },
                _ = ticks.tick() => self.look().await,
            };
            // A failed step is tried again at the next look; the database may be away for a while.
            if let Err(error) = outcome {
                tracing::error!(%error, "the dispatcher could not do its work; trying again");
                self.blind = true;
            }
        }
    }

    /// What time brings: leases run out, waiting gets too long, capacity changes.
    async fn look(&mut self) -> Result<(), StoreError> {
        if !self.taken_over {
            self.take_over().await?;
        }
        self.settle().await?;
        let slept = self.slept();
        if self.blind || slept {
            // Nobody could be heard of meanwhile, so nobody is judged by that.
            self.store.extend_leases(self.lease_ms()).await?;
            self.blind = false;
        }
        let now = jiff::Timestamp::now().as_millisecond();
        let late = |open: &OpenBuild| open.lease_expires_at.is_some_and(|end| end < now);
        for open in self.store.open_builds().await?.into_iter().filter(late) {
            let how = format!(
                "was not heard of for {} seconds",
                self.limits.lease.as_secs()
            );
            self.lost(&open.build, &how, Sign::Silent).await?;
        }
        self.schedule().await
    }

    /// Whether this process stood still, or the machine did: heartbeats found nobody then.
    fn slept(&mut self) -> bool {
        let before = std::mem::replace(&mut self.looked_at, jiff::Timestamp::now());
        let still = self.looked_at.duration_since(before).as_millis();
        still > i128::from(self.lease_ms() / 2).max(2 * LOOK.as_millis() as i128)
    }

    /// Hands out as much as there are places for. Not before the take-over: it could not tell what
    /// is handed out now from what an earlier server left.
    async fn schedule(&mut self) -> Result<(), StoreError> {
        if !self.taken_over {
            return Ok(());
        }
        while self.hand_out_next().await? {}
        Ok(())
    }

    /// Hands out one build; `false` when there is nothing to hand out or no place.
    async fn hand_out_next(&mut self) -> Result<bool, StoreError> {
        let heads = self.schedulable(self.store.queue_heads().await?).await?;
        if heads.is_empty() {
            return Ok(false);
        }
        let in_flight: Vec<InFlight> = self
            .store
            .open_builds()
            .await?
            .into_iter()
            .map(in_flight)
            .collect();
        let candidates: Vec<Candidate> = heads.iter().map(candidate).collect();
        let limits = &self.limits;
        let next = self
            .turns
            .next(&candidates, &in_flight, limits.overall, limits.per_service);
        let Some(next) = next.cloned() else {
            return Ok(false);
        };
        let head = heads.into_iter().find(|head| head.build.uid == next.uid);
        let Some(head) = head else { return Ok(false) };
        self.turns.served(&next.project);
        self.hand_out(&head.build).await?;
        Ok(true)
    }

    /// Leaves out what the executor can never hold as things stand, and says so on the build.
    async fn schedulable(&self, heads: Vec<QueueHead>) -> Result<Vec<QueueHead>, StoreError> {
        let mut fitting = Vec::new();
        for head in heads {
            let needs = &head.needs;
            match self.executor.obstacle(&needs.plan, needs.architecture) {
                None => fitting.push(head),
                Some((reason, message)) => {
                    self.store.hold(&head.build.uid, reason, &message).await?;
                    self.give_up_when_too_long(&head.build, &message).await?;
                }
            }
        }
        Ok(fitting)
    }

    async fn give_up_when_too_long(&self, build: &Build, message: &str) -> Result<(), StoreError> {
        let waited = jiff::Timestamp::now().as_millisecond() - build.status_since;
        let longest = i64::try_from(self.limits.unschedulable_for.as_millis()).unwrap_or(i64::MAX);
        if build.status == Status::Unschedulable && waited > longest {
            let ending = gone::unschedulable_too_long(message);
            self.store
                .conclude_by_server(&build.uid, None, &ending)
                .await?;
        }
        Ok(())
    }

    /// Hands out a build, for the first time or again; `false` when it is not there to be handed out
    /// any more.
    async fn hand_out(&self, build: &Build) -> Result<bool, StoreError> {
        let lease_ms = self.lease_ms();
        let (advanced, token) = self
            .store
            .hand_out(&build.uid, build.attempt, lease_ms)
            .await?;
        let Advanced::Moved(build) = advanced else {
            return Ok(false);
        };
        if build.attempt > 1 {
            // Whatever is left of the attempt before has no token any more.
            self.executor.clear(&build.uid, false).await;
        }
        let launch = Launch {
            build_uid: build.uid.clone(),
            token,
        };
        if let Err(error) = self.executor.launch(launch, build.attempt).await {
            let (project, service) = self
                .store
                .names_of(&build.service_uid)
                .await
                .unwrap_or_default();
            tracing::error!(%project, %service, build = %build.id, %error, "a worker could not be started");
            let ending = gone::worker_not_started(&error.to_string());
            self.store
                .conclude_by_server(&build.uid, Some(build.attempt), &ending)
                .await?;
        }
        Ok(true)
    }

    async fn worker_ended(&mut self, exit: Exit) -> Result<(), StoreError> {
        self.unsettled.push(exit);
        self.settle().await
    }

    /// Tells the store which workers ended; what it cannot be told now, it is told later.
    async fn settle(&mut self) -> Result<(), StoreError> {
        while let Some(exit) = self.unsettled.last() {
            self.ended(exit).await?;
            self.unsettled.pop();
        }
        Ok(())
    }

    /// A build is over: whatever of it still runs gets a moment, then ends. A worker that never
    /// came for the build has nothing to clean up.
    async fn clear_later(&self, build_uid: &str) {
        let build = self.store.build_by_uid(build_uid).await;
        let never_came = matches!(build, Ok(Some(build)) if build.started_at.is_none());
        let executor = Arc::clone(&self.executor);
        let build_uid = build_uid.to_owned();
        tokio::spawn(async move { executor.clear(&build_uid, !never_came).await });
    }

    fn lease_ms(&self) -> i64 {
        i64::try_from(self.limits.lease.as_millis()).unwrap_or(i64::MAX)
    }
}

fn candidate(head: &QueueHead) -> Candidate {
    Candidate {
        uid: head.build.uid.clone(),
        project: head.build.project_uid.clone(),
        service: head.build.service_uid.clone(),
        created_at: head.build.created_at,
    }
}

fn in_flight(open: OpenBuild) -> InFlight {
    InFlight {
        project: open.build.project_uid,
        service: open.build.service_uid,
    }
}
