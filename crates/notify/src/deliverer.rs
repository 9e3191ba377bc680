//! Whose turn it is. One delivery is on its way to an integration at a time, and integrations take
//! turns: one whose receiver hangs, or that has much to be told, holds up no other.

use crate::attempt::{Client, Failure};
use domain::notification::Backoff;
use domain::{Build, Millis};
use outbound::OutboundPolicy;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use store::{Delivery, Store, StoreError};
use tokio::task::{Id, JoinSet};
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

/// Deliveries on their way at the same time.
const LANES: usize = 32;
/// How often what other processes wrote is looked for, and the database asked again after an error.
const LOOK: Duration = Duration::from_secs(1);
/// How often what ended is tidied away, and how long it is kept.
const TIDY: Duration = Duration::from_secs(3600);
const KEEP_MS: Millis = 14 * 24 * 3600 * 1000;

/// A build as the API shows it.
pub type Describe = Arc<dyn Fn(&Build) -> Value + Send + Sync>;

/// What the operator decided, and what other rooms know.
pub struct Settings {
    /// Which addresses receivers may have.
    pub outbound: OutboundPolicy,
    /// When what failed is tried again.
    pub backoff: Backoff,
    /// What receivers are told of a build.
    pub describe: Describe,
}

/// Delivers what is in the outbox.
pub struct Deliverer {
    lane: Arc<Lane>,
    running: JoinSet<Result<(), StoreError>>,
    /// The integrations that something is on its way to.
    busy: HashMap<Id, String>,
    /// The integration whose turn it was last.
    served_last: String,
}

impl Deliverer {
    /// One for this store.
    pub fn new(store: Store, settings: Settings) -> Self {
        let lane = Lane {
            client: Client::new(settings.outbound, settings.describe),
            backoff: settings.backoff,
            store,
        };
        Deliverer {
            lane: Arc::new(lane),
            running: JoinSet::new(),
            busy: HashMap::new(),
            served_last: String::new(),
        }
    }

    /// Delivers until `stop`. What is on its way then is sent again after the next start.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut tidy = interval(TIDY);
        tidy.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let store = self.lane.store.clone();
        loop {
            let pause = match self.start_lanes().await {
                Ok(pause) => pause,
                Err(error) => self.rest(&error),
            };
            tokio::select! {
                () = stop.cancelled() => return self.running.shutdown().await,
                () = store.outbox() => {}
                Some(ended) = self.running.join_next_with_id() => {
                    let (id, outcome) = match ended {
                        Ok((id, outcome)) => (id, outcome),
                        Err(panicked) => (panicked.id(), Ok(())),
                    };
                    self.busy.remove(&id);
                    if let Err(error) = outcome {
                        sleep(self.rest(&error)).await;
                    }
                }
                _ = tidy.tick() => self.tidy().await,
                () = sleep(pause) => {}
            }
        }
    }

    /// Gives every integration for which something is due a lane, as long as there are lanes. How
    /// long until the next is due.
    async fn start_lanes(&mut self) -> Result<Duration, StoreError> {
        let mut waiting = self.lane.store.waiting_integrations().await?;
        let next = waiting.partition_point(|(uid, _)| *uid <= self.served_last);
        waiting.rotate_left(next);
        let now = now();
        let mut pause = LOOK;
        for (uid, due) in waiting {
            if self.busy.len() >= LANES {
                break;
            }
            if self.busy.values().any(|busy| *busy == uid) {
                continue;
            }
            if due > now {
                pause = pause.min(Duration::from_millis((due - now).unsigned_abs()));
                continue;
            }
            self.served_last.clone_from(&uid);
            let lane = Arc::clone(&self.lane);
            let integration = uid.clone();
            let task = self.running.spawn(async move { lane.serve(&uid).await });
            self.busy.insert(task.id(), integration);
        }
        Ok(pause)
    }

    /// How long to leave the store alone after an error.
    fn rest(&self, error: &StoreError) -> Duration {
        tracing::error!(%error, "notifications wait for the database");
        LOOK
    }

    async fn tidy(&self) {
        if let Err(error) = self.lane.store.forget_deliveries(now() - KEEP_MS).await {
            tracing::error!(%error, "old deliveries of notifications stay for now");
        }
    }
}

/// What each delivery needs.
struct Lane {
    store: Store,
    client: Client,
    backoff: Backoff,
}

impl Lane {
    /// Tries to deliver what has been due to an integration for longest.
    async fn serve(&self, integration_uid: &str) -> Result<(), StoreError> {
        let Some(delivery) = self.store.take_delivery(integration_uid, now()).await? else {
            return Ok(());
        };
        match self.client.send(&delivery).await {
            Ok(()) => self.store.delivered(&delivery, now()).await,
            Err(failure) => self.failed(&delivery, &failure).await,
        }
    }

    async fn failed(&self, delivery: &Delivery, failure: &Failure) -> Result<(), StoreError> {
        let (now, error) = (now(), failure.to_string());
        let pause = self.backoff.pause(delivery.tries).map(|pause| {
            // Receivers that failed together must not be asked again together.
            let pause = pause.mul_f64(rand::random_range(0.8..1.2));
            pause.max(failure.retry_after().unwrap_or_default())
        });
        let integration = &delivery.integration.id;
        let again = match pause {
            Some(pause) => {
                tracing::info!(integration, id = delivery.id, error, "a notification waits");
                Some(now.saturating_add(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX)))
            }
            None => {
                tracing::warn!(
                    integration,
                    id = delivery.id,
                    error,
                    "a notification is given up"
                );
                None
            }
        };
        self.store
            .delivery_failed(delivery, &error, now, again)
            .await
    }
}

fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}
