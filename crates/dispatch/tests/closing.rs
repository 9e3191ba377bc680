//! Logs are closed once, whatever stands in the way at first, and one bad log keeps no other open.

#![allow(clippy::unwrap_used, reason = "a harness fails the test it serves")]

use domain::{Build, SecretValues, Service, Status};
use logs::{LogConfig, LogStore, NewLine, Query};
use std::path::PathBuf;
use std::time::Duration;
use store::{Ending, NewBuild, Store};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// A store with one service, and its logs.
struct Place {
    store: Store,
    logs: LogStore,
    service: Service,
    folder: TempDir,
}

impl Place {
    async fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("boatyard.db");
        let store = Store::open(database.to_str().unwrap(), testkit::vault())
            .await
            .unwrap();
        let logs = LogStore::open(folder.path().join("logs"), LogConfig::default()).unwrap();
        let project = store
            .create_project(testkit::project("shop"))
            .await
            .unwrap();
        let service = store
            .create_service(testkit::service(&project, "web"), &SecretValues::default())
            .await
            .unwrap();
        Place {
            store,
            logs,
            service,
            folder,
        }
    }

    /// A build that printed one line and is over.
    async fn ended(&self) -> Build {
        let build = self
            .store
            .accept_build(&self.service, build())
            .await
            .unwrap();
        let line = NewLine {
            ts: 1,
            text: "a line".to_owned(),
        };
        self.logs.append(&build.uid, 0, vec![line]).await.unwrap();
        self.aborts(&build).await;
        build
    }

    async fn aborts(&self, build: &Build) {
        let ending = Ending {
            status: Status::Aborted,
            reason: None,
            message: "enough".to_owned(),
            image: None,
            usage: None,
        };
        let ended = self.store.conclude_by_server(&build.uid, None, &ending);
        ended.await.unwrap();
    }

    /// Where the build's sealed log is to be.
    fn shard(&self, build: &Build) -> PathBuf {
        let sealed = self.folder.path().join("logs/sealed");
        sealed.join(&build.uid[build.uid.len() - 2..])
    }

    /// Lets the closer work until something is so.
    async fn closes_until(&self, mut so: impl AsyncFnMut() -> bool) {
        let stop = CancellationToken::new();
        let closing =
            boatyard_dispatch::close_logs(self.store.clone(), self.logs.clone(), stop.clone());
        let waiting = async {
            while !so().await {
                tokio::task::yield_now().await;
            }
            stop.cancel();
        };
        let both = futures::future::join(closing, waiting);
        tokio::time::timeout(Duration::from_secs(60), both)
            .await
            .unwrap();
    }

    async fn is_sealed(&self, build: &Build) -> bool {
        self.logs.status(&build.uid).await.unwrap().sealed
    }

    async fn lines(&self, build: &Build) -> Vec<String> {
        let lines = self.logs.read(&build.uid, Query::default()).await.unwrap();
        lines.into_iter().map(|line| line.text).collect()
    }
}

#[tokio::test]
async fn a_log_that_cannot_be_sealed_at_first_gets_its_last_line_once() {
    let place = Place::new().await;
    let build = place.ended().await;
    // A file where the folder should be: whatever is tried there fails.
    let obstacle = place.shard(&build);
    std::fs::write(&obstacle, "").unwrap();
    for _ in 0..3 {
        place
            .closes_until(async || place.lines(&build).await.len() > 1)
            .await;
    }
    std::fs::remove_file(&obstacle).unwrap();
    place
        .closes_until(async || place.is_sealed(&build).await)
        .await;
    assert_eq!(place.lines(&build).await, ["a line", "==> ABORTED: enough"]);
}

#[tokio::test]
async fn one_bad_log_keeps_no_other_open() {
    let place = Place::new().await;
    let mut builds = Vec::new();
    for _ in 0..8 {
        builds.push(place.ended().await);
    }
    let bad = place.shard(&builds[0]);
    std::fs::write(&bad, "").unwrap();
    for build in builds.iter().filter(|build| place.shard(build) != bad) {
        place
            .closes_until(async || place.is_sealed(build).await)
            .await;
    }
    assert!(!place.is_sealed(&builds[0]).await);
}

fn build() -> NewBuild {
    NewBuild {
        request: testkit::build_request(),
        sha: None,
        trigger: domain::Trigger::Call,
        created_by: None,
        retry_of: None,
    }
}
