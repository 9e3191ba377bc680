//! Workers that come back to life in the very moment in which they are given up.

#![allow(clippy::unwrap_used, reason = "a harness fails the test it serves")]

use super::lost::Sign;
use super::{Dispatcher, Limits};
use crate::executor::{Exit, LocalExecutor, LocalSettings};
use domain::{Build, Metric, Sample, Secret, SecretValues, Status};
use logs::{LogConfig, LogStore};
use machine::ProcessId;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use store::{Advanced, NewBuild, OpenBuild, Store};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

const LEASE_MS: i64 = 60_000;
/// A lease that is over as soon as it is given.
const EXPIRED: i64 = -1;

/// A server that has just started, and a build that an earlier one handed out.
struct Place {
    store: Store,
    logs: LogStore,
    dispatcher: Dispatcher,
    exits: UnboundedReceiver<Exit>,
    folder: TempDir,
    build: Build,
    token: Secret,
    /// The earlier server's worker.
    worker: Child,
}

impl Place {
    async fn new(url: &str) -> Place {
        let store = Store::open(url, testkit::vault()).await.unwrap();
        let (build, token) = handed_out(&store).await;
        let folder = tempfile::tempdir().unwrap();
        let settings = LocalSettings {
            program: "/nonexistent/worker".into(),
            environment: Vec::new(),
            output_dir: folder.path().to_owned(),
            work_dir: folder.path().join("work"),
        };
        let (sender, exits) = unbounded_channel();
        let limits = Limits {
            overall: 1,
            per_service: 1,
            lease: Duration::from_secs(60),
            unschedulable_for: Duration::from_secs(60),
        };
        let executor = Arc::new(LocalExecutor::new(settings, sender));
        let logs = LogStore::open(folder.path().join("logs"), LogConfig::default()).unwrap();
        let dispatcher = Dispatcher::new(store.clone(), logs.clone(), executor, limits);
        let mut worker = Command::new("sleep");
        let worker = worker.arg("1000").kill_on_drop(true).spawn().unwrap();
        Place {
            store,
            logs,
            dispatcher,
            exits,
            folder,
            build,
            token,
            worker,
        }
    }

    /// The build as the dispatcher sees it now.
    async fn seen(&self) -> OpenBuild {
        self.store.open_builds().await.unwrap().remove(0)
    }

    /// The worker takes its build, and begins to work in its folder.
    async fn worker_claims(&self) {
        let process = ProcessId::of(self.worker.id().unwrap()).unwrap();
        let process = process.to_string();
        let token = self.token.expose();
        let claimed = self.store.claim(token, &process, LEASE_MS);
        assert!(claimed.await.unwrap().is_some());
        std::fs::create_dir_all(self.work()).unwrap();
    }

    async fn heartbeat(&self, lease_ms: i64) {
        let beat = self.store.heartbeat(self.token.expose(), lease_ms);
        assert!(beat.await.unwrap());
    }

    fn work(&self) -> PathBuf {
        self.folder.path().join("work").join(&self.build.uid)
    }

    /// The build goes on as if nothing had been.
    async fn builds_on(&self) {
        let now = self.seen().await.build;
        assert_eq!((now.status, now.attempt), (Status::Starting, 1));
        assert!(self.work().is_dir(), "the worker's folder is its own");
    }
}

testkit::for_each_store! {
    async fn a_worker_that_claims_while_the_server_takes_over_is_adopted(url: &str) {
        let mut place = Place::new(url).await;
        let seen = place.seen().await;
        assert_eq!(seen.process, None);
        place.worker_claims().await;
        place.dispatcher.adopt(seen).await.unwrap();
        place.builds_on().await;
        place.worker.kill().await.unwrap();
        let exit = place.exits.recv().await.unwrap();
        assert_eq!(exit.build_uid, place.build.uid, "it is watched");
    }

    async fn a_worker_that_claimed_and_died_while_the_server_takes_over_is_given_up(url: &str) {
        let mut place = Place::new(url).await;
        let seen = place.seen().await;
        place.worker_claims().await;
        place.worker.kill().await.unwrap();
        place.dispatcher.adopt(seen).await.unwrap();
        let build = place.store.build_by_uid(&place.build.uid).await.unwrap().unwrap();
        assert_eq!(build.status, Status::Crashed);
        assert!(!place.work().exists());
    }

    async fn what_a_build_used_before_its_worker_was_lost_is_kept(url: &str) {
        let place = Place::new(url).await;
        place.worker_claims().await;
        let sample = Sample { ts: 1, values: [Some(1500), None, None, None, None] };
        place.logs.append_samples(&place.build.uid, vec![sample]).await.unwrap();
        let seen = place.seen().await;
        assert!(place.dispatcher.lost(&seen.build, "died", Sign::Ended).await.unwrap());
        let found = place.store.build_with_details(&seen.build.service_uid, &seen.build.id);
        let usage = found.await.unwrap().unwrap().1.usage.unwrap();
        assert_eq!(usage.len(), 1);
        assert_eq!(usage[&Metric::Cpu].peak, 1.5);
    }

    async fn what_a_build_left_that_ended_unseen_goes_at_the_take_over(url: &str) {
        let mut place = Place::new(url).await;
        place.worker_claims().await;
        let work = place.folder.path().join("work");
        for ended in ["0192f1a0-7c1e-7000-8000-000000000000", ".removing-another"] {
            std::fs::create_dir_all(work.join(ended).join("source")).unwrap();
        }
        place.dispatcher.take_over().await.unwrap();
        place.builds_on().await;
        until_only(&work, &place.build.uid).await;
    }

    async fn an_attempt_finds_nothing_of_the_one_before(url: &str) {
        let place = Place::new(url).await;
        let seen = place.seen().await;
        std::fs::create_dir_all(place.work().join("source")).unwrap();
        assert!(place.dispatcher.lost(&seen.build, "never came", Sign::Ended).await.unwrap());
        assert!(!place.work().exists());
        let of_the_next = place.work().join("checkout");
        std::fs::create_dir_all(&of_the_next).unwrap();
        until_only(&place.folder.path().join("work"), &place.build.uid).await;
        assert!(of_the_next.is_dir());
    }

    async fn a_worker_that_claims_just_as_it_is_found_late_builds_on(url: &str) {
        let place = Place::new(url).await;
        let seen = place.seen().await;
        place.worker_claims().await;
        assert!(!place.dispatcher.lost(&seen.build, "was silent", Sign::Silent).await.unwrap());
        place.builds_on().await;
    }

    async fn a_worker_that_is_heard_of_just_as_it_is_found_late_builds_on(url: &str) {
        let place = Place::new(url).await;
        place.worker_claims().await;
        place.heartbeat(EXPIRED).await;
        let seen = place.seen().await;
        place.heartbeat(LEASE_MS).await;
        assert!(!place.dispatcher.lost(&seen.build, "was silent", Sign::Silent).await.unwrap());
        place.builds_on().await;
    }
}

/// Waits for the removal of all else in the folder, which nobody else waits for.
async fn until_only(folder: &Path, name: &str) {
    loop {
        let entries = std::fs::read_dir(folder).unwrap();
        let names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        if names == [name] {
            return;
        }
        tokio::task::yield_now().await;
    }
}

async fn handed_out(store: &Store) -> (Build, Secret) {
    let project = store
        .create_project(testkit::project("shop"))
        .await
        .unwrap();
    let service = store
        .create_service(testkit::service(&project, "web"), &SecretValues::default())
        .await
        .unwrap();
    let build = store.accept_build(&service, new_build()).await.unwrap();
    match store.hand_out(&build.uid, 0, LEASE_MS).await.unwrap() {
        (Advanced::Moved(build), token) => (build, token),
        (other, _) => panic!("{other:?}"),
    }
}

fn new_build() -> NewBuild {
    NewBuild {
        request: testkit::build_request(),
        sha: None,
        trigger: domain::Trigger::Call,
        created_by: None,
        retry_of: None,
    }
}
