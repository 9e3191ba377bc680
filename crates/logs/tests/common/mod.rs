//! What the tests of this crate share.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::path::{Path, PathBuf};

use boatyard_logs::{Direction, LogConfig, LogLine, LogStore, NewLine, Query};

pub const BUILD: &str = "0199c3a1-7b2c-7d3e-8f40-0123456789ab";
pub const OTHER: &str = "0199c3a1-7b2c-7d3e-8f40-0123456789cd";

/// Small files, so that a short log has many of them.
pub fn small() -> LogConfig {
    LogConfig {
        max_log_bytes: 1 << 30,
        segment_bytes: 512,
        ..LogConfig::default()
    }
}

/// Small files, and a log of this many bytes at most.
pub fn capped(max_log_bytes: u64) -> LogConfig {
    LogConfig {
        max_log_bytes,
        ..small()
    }
}

pub fn open(dir: &Path, config: LogConfig) -> LogStore {
    LogStore::open(dir.to_owned(), config).unwrap()
}

/// A line whose text and time follow from its seq.
pub fn line(seq: u64) -> LogLine {
    LogLine {
        seq,
        ts: 1_000_000 * seq as i64,
        text: format!("line {seq} of the build"),
    }
}

pub fn expected(seqs: std::ops::Range<u64>) -> Vec<LogLine> {
    seqs.map(line).collect()
}

pub fn new(lines: impl IntoIterator<Item = LogLine>) -> Vec<NewLine> {
    lines
        .into_iter()
        .map(|LogLine { ts, text, .. }| NewLine { ts, text })
        .collect()
}

/// The lines of a range of seqs, to append.
pub fn fresh(seqs: std::ops::Range<u64>) -> Vec<NewLine> {
    new(seqs.map(line))
}

pub fn all(store: &LogStore, build: &str) -> Vec<LogLine> {
    store
        .blocking()
        .read(
            build,
            &Query {
                limit: usize::MAX,
                ..Query::default()
            },
        )
        .unwrap()
}

pub fn newest(limit: usize) -> Query {
    Query {
        limit,
        direction: Direction::Backward,
        ..Query::default()
    }
}

/// The files of a live log, in order.
pub fn segments(dir: &Path, build: &str) -> Vec<PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(dir.join("live").join(build))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
}

pub fn sealed_dir(dir: &Path, build: &str) -> PathBuf {
    dir.join("sealed").join(&build[34..]).join(build)
}

/// Runs one ignored test of this test binary as a process of its own.
pub fn child(test: &str, dir: &Path) -> std::process::Command {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(CHILD_DIR, dir);
    command
}

/// Where the child works.
pub const CHILD_DIR: &str = "BOATYARD_LOGS_TEST_DIR";
