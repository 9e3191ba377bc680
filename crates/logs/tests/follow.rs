//! Following a log while its build runs.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use boatyard_logs::{Filter, FollowFrom, Follower, LogConfig, LogLine, LogStore};
use common::{BUILD, OTHER, all, capped, expected, fresh, line, new, open, small};
use tokio::sync::Barrier;

/// All that a follower has to say, to the end.
async fn rest(mut follower: Follower) -> Vec<LogLine> {
    let mut lines = Vec::new();
    while let Some(more) = follower.next().await.unwrap() {
        assert!(!more.is_empty());
        lines.extend(more);
    }
    lines
}

async fn append(store: &LogStore, seqs: std::ops::Range<u64>) {
    let end = seqs.end;
    assert_eq!(
        store.append(BUILD, seqs.start, fresh(seqs)).await.unwrap(),
        end
    );
}

#[tokio::test]
async fn a_follower_gets_the_past_then_each_line_as_it_comes_then_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), small());
    append(&store, 0..100).await;
    let mut follower = store
        .follow(BUILD, FollowFrom::Line(90), None)
        .await
        .unwrap();
    assert_eq!(follower.next().await.unwrap(), Some(expected(90..100)));
    for seq in 100..110 {
        append(&store, seq..seq + 1).await;
        assert_eq!(follower.next().await.unwrap(), Some(vec![line(seq)]));
    }
    // Nothing to say: it waits, and giving up the wait loses nothing.
    assert!(
        tokio::time::timeout(Duration::ZERO, follower.next())
            .await
            .is_err()
    );
    append(&store, 110..112).await;
    store.seal(BUILD).await.unwrap();
    assert_eq!(follower.next().await.unwrap(), Some(expected(110..112)));
    assert_eq!(follower.next().await.unwrap(), None);
    assert_eq!(follower.next().await.unwrap(), None);
}

#[tokio::test]
async fn a_follower_since_some_time_gets_what_was_printed_from_then_on_piece_by_piece() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), small());
    append(&store, 0..3000).await;
    let since = |seq| FollowFrom::Since(line(seq).ts);
    let mut live = store.follow(BUILD, since(1000), None).await.unwrap();
    let future = store.follow(BUILD, since(9000), None).await.unwrap();
    let even = Filter::regex_includes("line [0-9]*[02468] ").unwrap();
    let filtered = store.follow(BUILD, since(2990), Some(even)).await.unwrap();
    let first = live.next().await.unwrap().unwrap();
    assert!(first.len() < 1000, "not all of it at once");
    // Its clock was put back: it is new all the same.
    let late = LogLine {
        ts: 0,
        ..line(3000)
    };
    store
        .append(BUILD, 3000, new([late.clone()]))
        .await
        .unwrap();
    store.seal(BUILD).await.unwrap();
    let old = first.into_iter().chain(rest(live).await);
    let wanted: Vec<_> = expected(1000..3000)
        .into_iter()
        .chain([late.clone()])
        .collect();
    assert_eq!(old.collect::<Vec<_>>(), wanted);
    assert_eq!(rest(future).await, [late]);
    let seqs: Vec<_> = rest(filtered).await.iter().map(|line| line.seq).collect();
    assert_eq!(seqs, [2990, 2992, 2994, 2996, 2998, 3000]);
    let sealed = store.follow(BUILD, since(2998), None).await.unwrap();
    assert_eq!(rest(sealed).await, expected(2998..3000));
}

#[tokio::test]
async fn a_follower_may_come_before_the_first_line_and_after_the_last() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), small());
    let early = store
        .follow(BUILD, FollowFrom::Line(0), None)
        .await
        .unwrap();
    let ahead = store
        .follow(BUILD, FollowFrom::Line(5), None)
        .await
        .unwrap();
    append(&store, 0..3).await;
    append(&store, 3..2000).await;
    store.seal(BUILD).await.unwrap();
    let late = store
        .follow(BUILD, FollowFrom::Line(0), None)
        .await
        .unwrap();
    assert_eq!(rest(early).await, expected(0..2000));
    assert_eq!(rest(ahead).await, expected(5..2000));
    assert_eq!(rest(late).await, expected(0..2000));
    let tail = FollowFrom::Tail {
        lines: 2,
        not_before: None,
    };
    assert_eq!(
        rest(store.follow(BUILD, tail, None).await.unwrap()).await,
        expected(1998..2000)
    );

    let never = store
        .follow(OTHER, FollowFrom::Line(0), None)
        .await
        .unwrap();
    store.seal(OTHER).await.unwrap();
    assert_eq!(rest(never).await, []);
}

#[tokio::test]
async fn a_tail_begins_with_the_last_lines_that_are_young_enough() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), small());
    append(&store, 0..100).await;
    for (lines, not_before, first) in [
        (10, None, 90),
        (10, Some(line(97).ts), 97),
        (10, Some(i64::MAX), 100),
        (0, None, 100),
        (500, None, 0),
    ] {
        let from = FollowFrom::Tail { lines, not_before };
        let mut follower = store.follow(BUILD, from, None).await.unwrap();
        if first < 100 {
            assert_eq!(follower.next().await.unwrap(), Some(expected(first..100)));
        }
        assert!(
            tokio::time::timeout(Duration::ZERO, follower.next())
                .await
                .is_err()
        );
    }
    let filter = Filter::regex_includes("line [0-9]*5 ").unwrap();
    let tail = FollowFrom::Tail {
        lines: 2,
        not_before: None,
    };
    let follower = store.follow(BUILD, tail, Some(filter)).await.unwrap();
    append(&store, 100..120).await;
    store.seal(BUILD).await.unwrap();
    assert_eq!(rest(follower).await, [85, 95, 105, 115].map(line));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_followers_of_a_busy_log_get_every_line_once() {
    const FOLLOWERS: u64 = 200;
    const LINES: u64 = 3000;
    let dir = tempfile::tempdir().unwrap();
    let store = open(
        dir.path(),
        LogConfig {
            segment_bytes: 8 << 10,
            ..small()
        },
    );
    let ready = Arc::new(Barrier::new(FOLLOWERS as usize + 1));
    let followers: Vec<_> = (0..FOLLOWERS)
        .map(|i| {
            let (store, ready) = (store.clone(), ready.clone());
            tokio::spawn(async move {
                // Some are there from the start, and some come while lines do.
                if i % 2 == 0 {
                    ready.wait().await;
                }
                let follower = store
                    .follow(BUILD, FollowFrom::Line(i), None)
                    .await
                    .unwrap();
                if i % 2 == 1 {
                    ready.wait().await;
                }
                assert_eq!(rest(follower).await, expected(i..LINES));
            })
        })
        .collect();
    ready.wait().await;
    let mut next = 0;
    for size in [1, 7, 30, 2, 100].into_iter().cycle() {
        let end = LINES.min(next + size);
        append(&store, next..end).await;
        next = end;
        if next == LINES {
            break;
        }
    }
    store.seal(BUILD).await.unwrap();
    for follower in followers {
        follower.await.unwrap();
    }
}

#[tokio::test]
async fn a_slow_follower_holds_up_nobody_and_is_told_what_was_cut_before_it_got_there() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), capped(8 << 10));
    let mut slow = store
        .follow(BUILD, FollowFrom::Line(0), None)
        .await
        .unwrap();
    append(&store, 0..10).await;
    assert_eq!(slow.next().await.unwrap(), Some(expected(0..10)));
    // Far more than is remembered, or kept.
    for batch in 0..50 {
        append(&store, 10 + batch * 200..10 + (batch + 1) * 200).await;
    }
    store.seal(BUILD).await.unwrap();
    let lines = rest(slow).await;
    assert_eq!(lines, all(&store, BUILD)[10..]);
    let marker = lines
        .iter()
        .position(|line| line.text.starts_with("[boatyard]"))
        .unwrap();
    assert_eq!(lines[..marker], expected(10..10 + marker as u64));
    assert_eq!(lines[marker + 1..], expected(lines[marker].seq + 1..10_010));
}

#[tokio::test]
async fn a_deleted_log_ends_its_followers() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), small());
    append(&store, 0..10).await;
    let waiting = store
        .follow(BUILD, FollowFrom::Line(10), None)
        .await
        .unwrap();
    let behind = store
        .follow(BUILD, FollowFrom::Line(0), None)
        .await
        .unwrap();
    store.delete(BUILD).await.unwrap();
    store.delete(BUILD).await.unwrap();
    assert_eq!(rest(waiting).await, []);
    assert_eq!(rest(behind).await, []);
    assert_eq!(store.size(BUILD).await.unwrap(), 0);
    append(&store, 0..5).await;
    assert_eq!(all(&store, BUILD), expected(0..5));
}

#[tokio::test]
async fn a_restart_goes_on_where_the_log_was() {
    let dir = tempfile::tempdir().unwrap();
    append(&open(dir.path(), small()), 0..50).await;
    let store = open(dir.path(), small());
    assert_eq!(store.unsealed().await.unwrap(), [BUILD]);
    // The seal is the first to touch the log, and a follower comes meanwhile.
    let (sealed, follower) = tokio::join!(
        store.seal(BUILD),
        store.follow(BUILD, FollowFrom::Line(40), None)
    );
    sealed.unwrap();
    assert_eq!(rest(follower.unwrap()).await, expected(40..50));
    assert!(store.unsealed().await.unwrap().is_empty());
}
