//! The server dies at any moment: what it had acknowledged is still there.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use boatyard_logs::LogConfig;
use common::{BUILD, CHILD_DIR, OTHER, all, child, expected, fresh, open, sealed_dir, small};

/// Kills the child when it has printed so many lines that begin with `word`, and returns the last such line's number.
fn kill_after(mut process: Child, word: &str, count: usize) -> u64 {
    let mut output = BufReader::new(process.stdout.take().unwrap()).lines();
    let mut numbers = output.by_ref().map_while(Result::ok).filter_map(|line| {
        let number = line.strip_prefix(word)?.trim().parse::<u64>();
        number.ok()
    });
    let mut last = numbers.by_ref().nth(count - 1).unwrap();
    process.kill().unwrap();
    // What it printed before it died was acknowledged too.
    last = numbers.last().unwrap_or(last);
    process.wait().unwrap();
    last
}

#[test]
fn lines_that_were_acknowledged_survive_kill_9() {
    for round in 1..6 {
        let dir = tempfile::tempdir().unwrap();
        let process = child("child_appends", dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let acknowledged = kill_after(process, "acknowledged ", round * 37);

        let store = open(dir.path(), small());
        let next = store.blocking().status(BUILD).unwrap().next_seq;
        assert!(next >= acknowledged, "{next} lines of {acknowledged}");
        assert_eq!(all(&store, BUILD), expected(0..next));
        assert_eq!(
            store
                .blocking()
                .append(BUILD, acknowledged, fresh(acknowledged..next + 10))
                .unwrap(),
            next + 10
        );
        assert_eq!(all(&store, BUILD), expected(0..next + 10));
    }
}

#[test]
#[ignore = "a process of the test above"]
fn child_appends() {
    let Ok(dir) = std::env::var(CHILD_DIR) else {
        return;
    };
    let store = open(Path::new(&dir), small());
    let mut out = std::io::stdout();
    let mut next = 0;
    for size in (1..9).cycle() {
        next = store
            .blocking()
            .append(BUILD, next, fresh(next..next + size))
            .unwrap();
        writeln!(out, "acknowledged {next}").unwrap();
    }
}

#[test]
fn a_log_is_whole_after_a_kill_9_in_the_middle_of_a_seal() {
    let config = LogConfig {
        segment_bytes: 1 << 16,
        ..LogConfig::default()
    };
    let mut sealed = 0;
    for round in 0..12 {
        let dir = tempfile::tempdir().unwrap();
        let lines = 1000 << (round % 6);
        let store = open(dir.path(), config.clone());
        store.blocking().append(BUILD, 0, fresh(0..lines)).unwrap();
        drop(store);

        let process = child("child_seals", dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        kill_after(process, "sealing ", 1);

        let store = open(dir.path(), config.clone());
        assert_eq!(all(&store, BUILD), expected(0..lines));
        sealed += u32::from(store.blocking().status(BUILD).unwrap().sealed);
        store.blocking().seal(BUILD).unwrap();
        assert_eq!(all(&store, BUILD), expected(0..lines));
        assert_eq!(leftovers(dir.path()), Vec::<PathBuf>::new());
    }
    println!("{sealed} of 12 seals were done when the process died");
}

#[test]
#[ignore = "a process of the test above"]
fn child_seals() {
    let Ok(dir) = std::env::var(CHILD_DIR) else {
        return;
    };
    let store = open(Path::new(&dir), LogConfig::default());
    store.blocking().status(BUILD).unwrap();
    println!("sealing 1");
    store.blocking().seal(BUILD).unwrap();
}

/// All that isn't a sealed log.
fn leftovers(dir: &Path) -> Vec<PathBuf> {
    let folders = ["live", "tmp", "trash"].map(|name| dir.join(name));
    folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect()
}

/// Each state that a crash can leave behind while a log is sealed, made by hand.
#[test]
fn every_step_of_a_seal_may_be_the_last() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let store = open(at, small());
    store.blocking().append(BUILD, 0, fresh(0..200)).unwrap();
    let copy = at.join("copy");
    copy_dir(&at.join("live").join(BUILD), &copy);
    store.blocking().seal(BUILD).unwrap();
    drop(store);
    let sealed = sealed_dir(at, BUILD);
    let tmp = at.join("tmp").join(BUILD);

    // The compressed file was half written, or whole, or the folder complete but not renamed.
    for files in [&["log.zst"][..], &["log.zst", "index.json"]] {
        fs::rename(&sealed, &tmp).unwrap();
        for file in ["log.zst", "index.json"] {
            let path = tmp.join(file);
            if !files.contains(&file) {
                fs::remove_file(path).unwrap();
            }
        }
        copy_dir(&copy, &at.join("live").join(BUILD));
        let store = open(at, small());
        assert!(!store.blocking().status(BUILD).unwrap().sealed);
        assert_eq!(all(&store, BUILD), expected(0..200));
        store
            .blocking()
            .append(BUILD, 200, fresh(200..201))
            .unwrap();
        store.blocking().seal(BUILD).unwrap();
        assert_eq!(all(&store, BUILD), expected(0..201));
    }

    // Renamed, and the segments are still there, all of them or the last few.
    for keep in [usize::MAX, 2, 0] {
        let live = at.join("live").join(BUILD);
        copy_dir(&copy, &live);
        common::segments(at, BUILD)
            .into_iter()
            .rev()
            .skip(keep)
            .for_each(|path| fs::remove_file(path).unwrap());
        let store = open(at, small());
        assert!(store.blocking().status(BUILD).unwrap().sealed);
        assert_eq!(all(&store, BUILD), expected(0..201));
        assert!(!live.exists());
    }

    // A delete moved the folder away and came no further.
    let trash = at.join("trash").join("0");
    fs::rename(&sealed, &trash).unwrap();
    let store = open(at, small());
    assert!(!trash.exists());
    assert!(all(&store, BUILD).is_empty());
    store.blocking().append(OTHER, 0, fresh(0..1)).unwrap();
    store.blocking().delete(OTHER).unwrap();
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}
