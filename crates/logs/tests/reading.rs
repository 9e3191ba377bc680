//! Reading a log: only what is needed, with other tools too, and while others write, cut, seal or delete it.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::process::Command;
use std::thread;

use boatyard_logs::{Direction, LogConfig, LogError, NewLine, Query};
use common::{
    BUILD, OTHER, all, capped, expected, fresh, line, new, newest, open, sealed_dir, segments,
    small,
};

/// Spoils the middle of a file, so that whoever reads it finds out.
fn spoil(path: &std::path::Path) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    let length = file.metadata().unwrap().len();
    file.write_all_at(&vec![b'#'; (length - length / 2) as usize], length / 4)
        .unwrap();
}

/// The last lines, a span of time, and a follower's next lines: none of these touches the middle.
#[test]
fn a_read_touches_only_the_parts_it_needs() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(
        dir.path(),
        LogConfig {
            segment_bytes: 64 << 10,
            ..LogConfig::default()
        },
    );
    store.blocking().append(BUILD, 0, fresh(0..20_000)).unwrap();
    store.blocking().append(OTHER, 0, fresh(0..20_000)).unwrap();
    store.blocking().seal(OTHER).unwrap();
    let segments = segments(dir.path(), BUILD);
    assert!(segments.len() > 10);
    segments[3..segments.len() - 2]
        .iter()
        .for_each(|path| spoil(path));
    spoil(&sealed_dir(dir.path(), OTHER).join("log.zst"));

    for build in [BUILD, OTHER] {
        let logs = store.blocking();
        let mut last = logs.read(build, &newest(10)).unwrap();
        last.reverse();
        assert_eq!(last, expected(19_990..20_000));
        assert_eq!(logs.read_from(build, 5, 10).unwrap(), expected(5..15));
        assert_eq!(
            logs.read_from(build, 19_900, 1000).unwrap(),
            expected(19_900..20_000)
        );
        for direction in [Direction::Forward, Direction::Backward] {
            let (start_ts, end_ts) = (Some(line(19_800).ts), Some(line(19_899).ts));
            let late = Query {
                start_ts,
                end_ts,
                direction,
                ..Query::default()
            };
            assert_eq!(logs.read(build, &late).unwrap().len(), 100);
            let early = Query {
                start_ts: None,
                end_ts: Some(line(99).ts),
                direction,
                ..Query::default()
            };
            assert_eq!(logs.read(build, &early).unwrap().len(), 100);
        }
        let error = logs
            .read(
                build,
                &Query {
                    limit: usize::MAX,
                    ..Query::default()
                },
            )
            .unwrap_err();
        assert!(matches!(error, LogError::Damaged { .. }), "{error}");
    }
}

#[test]
fn plain_zstd_reads_a_sealed_log() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), capped(8 << 10));
    store.blocking().append(BUILD, 0, fresh(0..1000)).unwrap();
    let lines = all(&store, BUILD);
    assert!(lines.len() < 1000);
    store.blocking().seal(BUILD).unwrap();
    store.blocking().seal(OTHER).unwrap();

    let unpack = |build| {
        let output = Command::new("zstd")
            .arg("-dc")
            .arg(sealed_dir(dir.path(), build).join("log.zst"))
            .output();
        let output = output.unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let unpacked = unpack(BUILD);
    assert_eq!(unpacked.lines().count(), lines.len());
    for (text, line) in unpacked.lines().zip(&lines) {
        assert_eq!(text[9..], format!("{} {} {}", line.seq, line.ts, line.text));
    }
    assert_eq!(unpack(OTHER), "", "an empty log");
    assert!(all(&store, OTHER).is_empty());
}

#[test]
fn a_long_line_is_clipped_and_a_line_may_hold_anything() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), LogConfig::default());
    let texts = [
        "",
        "\n\n",
        "\0\r\u{1b}[31mred\\n",
        "日本語 🚢",
        " lead and trail ",
    ];
    let mut lines: Vec<_> = texts
        .into_iter()
        .map(|text| NewLine {
            ts: -1,
            text: text.to_owned(),
        })
        .collect();
    // Each of these bytes takes two in the file.
    lines.push(NewLine {
        ts: i64::MIN,
        text: "\\".repeat(1 << 20),
    });
    lines.push(NewLine {
        ts: i64::MAX,
        text: "short".to_owned(),
    });
    store.blocking().append(BUILD, 0, lines).unwrap();
    let check = || {
        let lines = all(&store, BUILD);
        assert!(
            lines
                .iter()
                .map(|line| &line.text[..])
                .zip(texts)
                .all(|(found, text)| found == text)
        );
        let clipped = &lines[5];
        assert_eq!((clipped.ts, clipped.text.len()), (i64::MIN, 16 << 10));
        assert!(
            clipped.text.ends_with("\\ … [1032216 bytes cut]"),
            "{}",
            &clipped.text[16_300..]
        );
        assert_eq!(lines[6].text, "short");
    };
    check();
    store.blocking().seal(BUILD).unwrap();
    check();
}

/// A segment that a power failure took from the middle shows as what it is, and costs only itself.
#[test]
fn a_lost_segment_is_marked() {
    let dir = tempfile::tempdir().unwrap();
    drop(
        open(dir.path(), small())
            .blocking()
            .append(BUILD, 0, fresh(0..100)),
    );
    let lost = segments(dir.path(), BUILD).remove(2);
    fs::remove_file(lost).unwrap();
    let store = open(dir.path(), small());
    let lines = all(&store, BUILD);
    let at = lines
        .iter()
        .position(|line| line.text.starts_with("[boatyard]"))
        .unwrap();
    assert_eq!(lines[..at], expected(0..at as u64));
    assert_eq!(lines[at + 1..], expected(lines[at].seq + 1..100));
    assert_eq!(
        store
            .blocking()
            .append(BUILD, 100, fresh(100..110))
            .unwrap(),
        110
    );
    store.blocking().seal(BUILD).unwrap();
    assert_eq!(all(&store, BUILD).len(), lines.len() + 10);
}

#[test]
fn readers_see_whole_prefixes_while_the_log_is_written_and_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(
        dir.path(),
        LogConfig {
            segment_bytes: 4 << 10,
            ..LogConfig::default()
        },
    );
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let lines = all(&store, BUILD);
                    assert_eq!(lines, expected(0..lines.len() as u64));
                    let back = store.blocking().read(BUILD, &newest(50)).unwrap();
                    assert!(back.windows(2).all(|pair| pair[0].seq == pair[1].seq + 1));
                    if store.blocking().status(BUILD).unwrap().sealed {
                        assert_eq!(all(&store, BUILD).len(), 5000);
                        break;
                    }
                }
            });
        }
        for next in (0..5000).step_by(50) {
            store
                .blocking()
                .append(BUILD, next, fresh(next..next + 50))
                .unwrap();
        }
        store.blocking().seal(BUILD).unwrap();
    });
}

#[test]
fn readers_of_a_log_that_is_being_cut_see_lines_in_order_with_one_marker() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), capped(16 << 10));
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for next in (0..40_000).step_by(20) {
                store
                    .blocking()
                    .append(BUILD, next, fresh(next..next + 20))
                    .unwrap();
            }
        });
        while !writer.is_finished() {
            let forward = all(&store, BUILD);
            let mut backward = store.blocking().read(BUILD, &newest(usize::MAX)).unwrap();
            backward.reverse();
            for lines in [forward, backward] {
                let (markers, kept): (Vec<_>, Vec<_>) = lines
                    .iter()
                    .cloned()
                    .partition(|line| line.text.starts_with("[boatyard]"));
                assert!(kept.iter().all(|kept| *kept == line(kept.seq)));
                assert!(lines.windows(2).all(|pair| pair[0].seq < pair[1].seq));
                // A cut that moves on during the read may be met twice, but no line is missing without a word.
                let holes = lines
                    .windows(2)
                    .filter(|pair| pair[0].seq + 1 != pair[1].seq);
                assert!(holes.count() <= markers.len());
            }
        }
    });
}

#[test]
fn logs_are_written_in_parallel_and_only_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), small());
    let builds: Vec<_> = (0..8).map(|i| format!("{}{i:02x}", &BUILD[..34])).collect();
    thread::scope(|scope| {
        for build in &builds {
            // Two workers send the same lines, as when one is slow to die.
            for _ in 0..2 {
                scope.spawn(|| {
                    for next in (0..400).step_by(10) {
                        store
                            .blocking()
                            .append(build, next, fresh(next..next + 10))
                            .unwrap();
                    }
                    store.blocking().seal(build).unwrap();
                });
            }
        }
    });
    for build in &builds {
        assert_eq!(all(&store, build), expected(0..400));
    }
}

#[test]
fn hostile_keys_name_no_folder() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), small());
    for key in [
        "",
        "..",
        "../../../../../../../../../../etc/x",
        &BUILD.to_uppercase(),
        &format!("{BUILD}/"),
    ] {
        let logs = store.blocking();
        let refused = |error| matches!(error, LogError::BadBuildKey);
        assert!(refused(logs.append(key, 0, new([line(0)])).unwrap_err()));
        assert!(refused(logs.read(key, &Query::default()).unwrap_err()));
        assert!(refused(logs.seal(key).unwrap_err()));
        assert!(refused(logs.delete(key).unwrap_err()));
        assert!(refused(logs.status(key).unwrap_err()));
    }
}
