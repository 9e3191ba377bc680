//! Looks at repositories, so that new commits build by themselves.
//!
//! [`schedule`] says whose turn it is; [`look`] asks a repository, once for all services that build it
//! with the same login, and [`judge`] answers for each of its new heads: with a build, or with a note why
//! there is none.

mod heads;
mod judge;
mod limits;
mod look;
mod pulls;
mod repository;
mod schedule;

use crate::state::State;
use domain::Service;
use domain::service::GitSource;
use repository::Repository;
use schedule::Schedule;
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use store::StoreError;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What looks are made with.
#[derive(Clone, Debug)]
pub struct Watching {
    /// How often a repository is looked at; `None` turns it off.
    pub interval: Option<Duration>,
    /// Git within bounds: nobody asked for what it fetches.
    pub git: git::Git,
    /// The folder with the workers' mirrors.
    pub mirrors: PathBuf,
}

/// Where a look can be asked for.
#[derive(Default)]
pub(crate) struct Bell {
    asked: Mutex<HashSet<Repository>>,
    rung: Notify,
}

impl Bell {
    fn look_now(&self, source: &GitSource) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.insert(Repository::of(source));
        self.rung.notify_one();
    }

    fn take(&self) -> HashSet<Repository> {
        std::mem::take(&mut self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Has a service's repository looked at soon, if its new commits build by themselves: it is new here, or
/// something is said to be new there.
pub(crate) fn look_soon(state: &State, service: &Service) {
    if state.watching.interval.is_some() && service.spec.builds_by_itself() {
        state.bell.look_now(&service.spec.source);
    }
}

/// Looks at every repository in its turn.
pub struct Watcher {
    state: State,
}

impl Watcher {
    pub(crate) fn new(state: State) -> Watcher {
        Watcher { state }
    }

    /// Looks until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let Some(interval) = self.state.watching.interval else {
            return;
        };
        let mut schedule = Schedule::new(interval);
        let mut looks = JoinSet::new();
        let mut listing = Instant::now();
        let mut services = BTreeMap::new();
        loop {
            let asked = self.state.bell.take();
            if Instant::now() >= listing || !asked.is_empty() {
                listing = Instant::now() + interval;
                match watched(&self.state).await {
                    Ok(found) => services = found,
                    // What was known goes on being looked at.
                    Err(error) => tracing::error!(%error, "it is not known what is to be watched"),
                }
                schedule.keep(services.keys(), Instant::now());
            }
            asked
                .iter()
                .for_each(|repository| schedule.hurry(repository, Instant::now()));
            for repository in schedule.start(Instant::now()) {
                let of = services.get(&repository).cloned().unwrap_or_default();
                let state = State::clone(&self.state);
                looks.spawn(async move {
                    let went_well = look::look(&state, &repository, &of).await;
                    (repository, went_well)
                });
            }
            let next = schedule.next().map_or(listing, |next| next.min(listing));
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.state.bell.rung.notified() => {}
                () = tokio::time::sleep_until(next) => {}
                Some(ended) = looks.join_next() => match ended {
                    Ok((repository, went_well)) => {
                        schedule.ended(&repository, went_well, Instant::now());
                    }
                    Err(error) => {
                        tracing::error!(%error, "a look at a repository broke off");
                        schedule.lost(Instant::now());
                    }
                },
            }
        }
        // A head that was not moved is new at the next look.
        looks.shutdown().await;
    }
}

/// The services that build by themselves, by their repositories.
async fn watched(state: &State) -> Result<BTreeMap<Repository, Vec<String>>, StoreError> {
    let mut watched: BTreeMap<Repository, Vec<String>> = BTreeMap::new();
    for service in state.store.watched_services().await? {
        let repository = Repository::of(&service.spec.source);
        watched.entry(repository).or_default().push(service.uid);
    }
    Ok(watched)
}
