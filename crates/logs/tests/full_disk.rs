//! The disk is full: an honest error, nothing broken, and all goes on when there is room again.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use boatyard_logs::{LogConfig, LogError, LogStore};
use common::{BUILD, CHILD_DIR, OTHER, all, expected, fresh, open};

/// Runs the tests below on a file system of their own, seen by nobody else and gone with the process.
#[test]
fn on_a_small_file_system() {
    let dir = tempfile::tempdir().unwrap();
    let script = r#"mount -t tmpfs -o size=512k,nr_inodes=64 tmpfs "$0" && exec "$@""#;
    let status = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
        .arg(dir.path())
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "child_fills_the_disk",
            "--ignored",
            "--nocapture",
        ])
        .env(CHILD_DIR, dir.path())
        .status()
        .unwrap();
    assert!(status.success());
}

fn config() -> LogConfig {
    LogConfig {
        segment_bytes: 64 << 10,
        ..LogConfig::default()
    }
}

#[test]
#[ignore = "a process of the test above"]
fn child_fills_the_disk() {
    let Ok(dir) = std::env::var(CHILD_DIR) else {
        return;
    };
    let dir = Path::new(&dir);
    let store = open(dir, config());
    let next = fill(&store);
    assert!(next > 1000);
    assert_eq!(all(&store, BUILD), expected(0..next));

    // A log that isn't there yet can't begin, and leaves nothing behind.
    let error = store
        .blocking()
        .append(OTHER, 0, fresh(0..100))
        .unwrap_err();
    assert!(matches!(error, LogError::NoSpace { .. }), "{error}");
    assert!(all(&store, OTHER).is_empty());

    // A seal has no room either: the log stays live and whole.
    let error = store.blocking().seal(BUILD).unwrap_err();
    assert!(matches!(error, LogError::NoSpace { .. }), "{error}");
    assert!(!store.blocking().status(BUILD).unwrap().sealed);
    assert_eq!(all(&store, BUILD), expected(0..next));

    // The server restarts while the disk is full.
    drop(store);
    let store = open(dir, config());
    assert_eq!(all(&store, BUILD), expected(0..next));
    let error = store
        .blocking()
        .append(BUILD, next, fresh(next..next + 500))
        .unwrap_err();
    assert!(matches!(error, LogError::NoSpace { .. }), "{error}");

    // There is room again: the same lines, sent once more, and the seal.
    fs::remove_file(dir.join("ballast")).unwrap();
    let at = store.blocking().status(BUILD).unwrap().next_seq;
    store
        .blocking()
        .append(BUILD, next, fresh(next..next + 500))
        .unwrap();
    assert!(at >= next);
    assert_eq!(all(&store, BUILD), expected(0..next + 500));
    store.blocking().append(OTHER, 0, fresh(0..100)).unwrap();
    store.blocking().seal(BUILD).unwrap();
    assert_eq!(all(&store, BUILD), expected(0..next + 500));
    assert_eq!(all(&store, OTHER), expected(0..100));
    cut_into_a_write(dir);
}

/// Appends until nothing goes any more, beside some other file, and returns how many lines are stored.
fn fill(store: &LogStore) -> u64 {
    let dir = std::env::var(CHILD_DIR).unwrap();
    fs::write(Path::new(&dir).join("ballast"), vec![0; 192 << 10]).unwrap();
    let mut next = 0;
    // Batches of an odd size, so that the disk is full in the middle of a record.
    loop {
        match store
            .blocking()
            .append(BUILD, next, fresh(next..next + 331))
        {
            Ok(seq) => next = seq,
            Err(error) => {
                assert!(matches!(error, LogError::NoSpace { .. }), "{error}");
                return store.blocking().status(BUILD).unwrap().next_seq;
            }
        }
    }
}

/// Fills the disk again and has each last byte of it written to, whatever the record boundary.
fn cut_into_a_write(dir: &Path) {
    let store = open(dir, config());
    store.blocking().delete(BUILD).unwrap();
    store.blocking().delete(OTHER).unwrap();
    fill(&store);
    let mut next = store.blocking().status(BUILD).unwrap().next_seq;
    for _ in 0..300 {
        match store.blocking().append(BUILD, next, fresh(next..next + 1)) {
            Ok(seq) => next = seq,
            Err(error) => assert!(matches!(error, LogError::NoSpace { .. }), "{error}"),
        }
        assert_eq!(store.blocking().status(BUILD).unwrap().next_seq, next);
    }
    drop(store);
    let store = open(dir, config());
    assert_eq!(all(&store, BUILD), expected(0..next));
    store.blocking().delete(BUILD).unwrap();
    assert_eq!(store.blocking().size(BUILD).unwrap(), 0);
}
