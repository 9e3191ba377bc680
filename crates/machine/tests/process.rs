//! Processes that end, are killed, and are not mistaken for others.

#![allow(clippy::unwrap_used)]

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use machine::{ProcessError, ProcessId, Signal};

fn sleeper() -> Child {
    Command::new("sleep")
        .arg("600")
        .stdin(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn a_killed_process_is_seen_to_end_even_before_it_is_reaped() {
    let mut child = sleeper();
    let id = ProcessId::of(child.id()).unwrap();
    assert!(id.is_alive());
    id.kill(Signal::KILL).unwrap();
    tokio::time::timeout(Duration::from_secs(10), id.wait_exit())
        .await
        .expect("the end was noticed")
        .unwrap();
    assert!(!id.is_alive(), "a zombie is not alive");
    child.wait().unwrap();
    assert!(matches!(id.kill(Signal::KILL), Err(ProcessError::Gone(_))));
    id.wait_exit().await.unwrap();
}

#[tokio::test]
async fn a_grandchild_that_is_not_ours_can_be_awaited() {
    let output = Command::new("sh")
        .args(["-c", "sleep 600 >/dev/null 2>&1 & echo $!"])
        .output()
        .unwrap();
    let pid = String::from_utf8(output.stdout).unwrap();
    let id = ProcessId::of(pid.trim().parse().unwrap()).unwrap();
    let (waited, ()) = tokio::join!(
        tokio::time::timeout(Duration::from_secs(10), id.wait_exit()),
        async { id.kill(Signal::KILL).unwrap() }
    );
    waited.expect("the end was noticed").unwrap();
}

#[test]
fn another_process_with_the_same_number_is_left_alone() {
    let mut child = sleeper();
    let real = ProcessId::of(child.id()).unwrap();
    let earlier = ProcessId {
        start_time: real.start_time - 1,
        ..real
    };
    assert!(!earlier.is_alive());
    let refused = earlier.kill(Signal::KILL);
    assert!(matches!(refused, Err(ProcessError::Gone(_))), "{refused:?}");
    assert!(real.is_alive(), "the stranger was not touched");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn numbers_that_are_no_process_are_gone() {
    for pid in [0, u32::MAX] {
        let id = ProcessId { pid, start_time: 1 };
        assert!(matches!(id.kill(Signal::KILL), Err(ProcessError::Gone(_))));
    }
}

#[test]
fn the_identity_travels_as_json_text() {
    let id = ProcessId::current().unwrap();
    let json = serde_json::to_string(&id).unwrap();
    assert_eq!(json, format!("\"{}:{}\"", id.pid, id.start_time));
    assert_eq!(serde_json::from_str::<ProcessId>(&json).unwrap(), id);
    assert!(serde_json::from_str::<ProcessId>("\"12\"").is_err());
}
