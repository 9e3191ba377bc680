//! A build fenced in: its processes die together and its limits hold. Needs a machine where this
//! user may make control groups; elsewhere the tests say so and pass.

#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use machine::{Cgroup, CgroupError, Limit, Limits};

/// A group of its own for each test, or `None` where the machine has none to give.
fn group(test: &str, limits: Limits) -> Option<Cgroup> {
    let name = format!("boatyard-test/{test}-{}", std::process::id());
    match Cgroup::create(&name, limits) {
        Ok(group) => Some(group),
        Err(CgroupError::Unavailable(reason)) => {
            eprintln!("skipped, no control groups here: {reason}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// A shell that waits until told, so that it is in the group before it does anything.
fn waiting_shell(script: &str) -> Child {
    Command::new("sh")
        .args(["-c", &format!("read go; {script}")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn release(child: &mut Child) {
    drop(child.stdin.take());
}

#[test]
fn everything_in_the_group_dies_also_what_left_its_session() {
    let Some(group) = group("kill", Limits::default()) else {
        return;
    };
    let mut shell = waiting_shell("setsid sleep 600 & (sleep 600 &) ; echo up; wait");
    group.add(shell.id()).unwrap();
    release(&mut shell);
    let mut line = String::new();
    let mut output = BufReader::new(shell.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "up\n");
    assert!(group.pids().len() >= 3, "{:?}", group.pids());
    // Found again, as after a restart of the server.
    let again = Cgroup::open(group.name()).unwrap();
    again.kill_all().unwrap();
    shell.wait().unwrap();
    assert_eq!(group.pids(), Vec::<u32>::new());
    group.remove().unwrap();
    assert!(matches!(
        Cgroup::open(again.name()),
        Err(CgroupError::NotFound(_))
    ));
}

#[test]
fn a_process_that_eats_memory_is_killed_and_we_know_why() {
    let limits = Limits {
        memory_mb: Some(48),
        ..Limits::default()
    };
    let Some(group) = group("memory", limits) else {
        return;
    };
    if !group.enforcement().enforced.contains(&Limit::Memory) {
        eprintln!("skipped: {:?}", group.enforcement().missing);
        return group.remove().unwrap();
    }
    assert!(!group.oom_killed());
    let mut hog = waiting_shell("exec tail /dev/zero");
    group.add(hog.id()).unwrap();
    release(&mut hog);
    assert!(!hog.wait().unwrap().success());
    assert!(group.oom_killed());
    let stats = group.stats();
    assert!(stats.memory_peak_bytes > 40 << 20, "{stats:?}");
    assert!(stats.memory_peak_bytes <= 48 << 20, "{stats:?}");
    group.remove().unwrap();
}

#[test]
fn a_fork_bomb_meets_its_limit_and_its_end() {
    let limits = Limits {
        pids: Some(32),
        cpu_hundredths: Some(50),
        ..Limits::default()
    };
    let Some(group) = group("bomb", limits) else {
        return;
    };
    if !group.enforcement().enforced.contains(&Limit::Pids) {
        eprintln!("skipped: {:?}", group.enforcement().missing);
        return group.remove().unwrap();
    }
    let mut bomb = waiting_shell("echo up; b() { b | b & b; }; b 2>/dev/null");
    group.add(bomb.id()).unwrap();
    release(&mut bomb);
    let mut line = String::new();
    let mut output = BufReader::new(bomb.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    assert!(group.pids().len() <= 32);
    group.kill_all().unwrap();
    bomb.wait().unwrap();
    assert!(group.stats().cpu_usec > Some(0));
    group.remove().unwrap();
}

#[test]
fn a_busy_group_is_not_removed() {
    let Some(group) = group("busy", Limits::default()) else {
        return;
    };
    let mut shell = waiting_shell("exit 0");
    group.add(shell.id()).unwrap();
    let name = group.name().to_owned();
    assert!(matches!(group.remove(), Err(CgroupError::Io { .. })));
    release(&mut shell);
    shell.wait().unwrap();
    Cgroup::open(&name).unwrap().remove().unwrap();
}

#[test]
fn hostile_names_are_refused() {
    for name in ["../escape", "/boatyard/x", "boatyard/..", "", "a\nb"] {
        let made = Cgroup::create(name, Limits::default());
        assert!(matches!(made, Err(CgroupError::InvalidName(_))), "{name:?}");
    }
}

/// The engine removes its own group after each RUN; the limits must hold for the next one too,
/// and a kill in a group that is gone must still be known.
#[test]
fn every_run_step_of_an_engine_keeps_the_memory_limit() {
    let tools = ["buildah", "runc", "busybox"].map(machine::find_program);
    let [Some(_), Some(_), Some(busybox)] = tools else {
        eprintln!("skipped: buildah, runc or busybox is not there");
        return;
    };
    let limits = Limits {
        memory_mb: Some(64),
        ..Limits::default()
    };
    let Some(group) = group("engine", limits) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    std::fs::copy(busybox, dir.path().join("busybox")).unwrap();
    let calm = build(dir.path(), &group, "RUN /bin/busybox true");
    assert!(calm.contains("first step done"), "{calm}");
    assert!(!group.oom_killed(), "{calm}");
    let greedy = build(dir.path(), &group, "RUN /bin/busybox tail /dev/zero");
    assert!(greedy.contains("first step done"), "{greedy}");
    assert!(greedy.contains("exited on killed"), "{greedy}");
    assert!(group.oom_killed(), "{greedy}");
    group.kill_all().unwrap();
    group.remove().unwrap();
}

/// Builds an image whose second RUN is `step`; its whole output.
fn build(dir: &Path, group: &Cgroup, step: &str) -> String {
    let dockerfile = format!(
        "FROM scratch\nCOPY busybox /bin/sh\nCOPY busybox /bin/busybox\n\
         RUN /bin/busybox echo first step done\n{step}\n"
    );
    std::fs::write(dir.join("Dockerfile"), dockerfile).unwrap();
    let output = Command::new("buildah")
        .arg("--root")
        .arg(dir.join("root"))
        .arg("--runroot")
        .arg(dir.join("run"))
        .args(["--storage-driver", "vfs", "build", "--isolation", "oci"])
        .args(["--runtime", "runc", "--network", "none", "--layers=false"])
        .args(["--cgroup-parent", &group.engine_parent()])
        .arg("--ignorefile")
        .arg("/dev/null")
        .arg(dir)
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
