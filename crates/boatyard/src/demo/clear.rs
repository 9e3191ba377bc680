//! Leaves nothing behind: no build that goes on, no folder.

use super::verbs::Boatyard;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// How long workers may take to clear away what they did.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Ends what still builds, and waits until the workers have cleared away.
pub(super) async fn builds(boatyard: &Boatyard, data_dir: &Path) {
    // It may fail: the demo may have been stopped before there was a project.
    let _ = boatyard
        .quietly(&[
            "delete",
            "project",
            "--project",
            "demo",
            "--delete-child-objects",
            "--force",
        ])
        .await;
    let workers = data_dir.join("workers");
    let gone = async {
        while holds_something(&workers) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    if tokio::time::timeout(PATIENCE, gone).await.is_err() {
        eprintln!("boatyard: a worker has not ended; {}", workers.display());
    }
}

/// What a worker says is in a file of this folder until the worker is gone and cleared away.
fn holds_something(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}

/// Removes the folder, or says that it is still there.
pub(super) fn folder(folder: TempDir) {
    let path = folder.path().to_owned();
    let Err(error) = folder.close() else { return };
    // Without root the layers belong to the engine's other users: only in its namespace can they
    // be removed.
    let removed = Command::new("buildah")
        .args(["unshare", "rm", "-rf"])
        .arg(&path)
        .output();
    if path.exists() {
        tracing::debug!(?removed, "not removed by the engine either");
        eprintln!("boatyard: {} is left: {error}", path.display());
    }
}
