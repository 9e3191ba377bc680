//! Finding a running cluster, and starting one under its supervisor.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const SUPERVISE: &str = include_str!("../supervise.sh");
const PATIENCE: Duration = Duration::from_secs(60);
/// PostgreSQL refuses to run as root; its package brings this user.
const SERVICE_USER: &str = "postgres";

/// The cluster that another process started, if it still answers.
pub(super) fn running(home: &Path) -> Option<String> {
    let folder = PathBuf::from(std::fs::read_to_string(home.join("current")).ok()?);
    answers(&folder).then(|| url(&folder))
}

/// Makes a cluster and waits until it answers.
pub(super) fn start(home: &Path) -> String {
    clear(home);
    let folder = home.join(std::process::id().to_string());
    std::fs::create_dir(&folder).expect("a folder for the cluster");
    prepare(&folder);
    supervise(home, &folder);
    await_answer(&folder);
    let name = folder.to_str().expect("a UTF-8 path");
    std::fs::write(home.join("current"), name).expect("a note of the running cluster");
    url(&folder)
}

/// Makes the files of a cluster in the folder, which then belongs to the user it runs as.
pub(crate) fn prepare(folder: &Path) {
    if as_root() {
        give_away(folder);
    }
    make(folder);
}

/// The command that serves the cluster in the folder.
pub(crate) fn server(folder: &Path) -> Command {
    let mut command = as_service(&program("postgres"));
    command
        .arg("-D")
        .arg(folder.join("data"))
        .arg("-k")
        .arg(folder)
        .args(["-c", "listen_addresses=", "-c", "max_connections=400"])
        // It all goes in seconds: nothing has to reach the disk.
        .args(["-c", "fsync=off", "-c", "synchronous_commit=off"])
        .args(["-c", "full_page_writes=off", "-c", "shared_buffers=64MB"])
        .current_dir(folder);
    command
}

/// Asks a server to end at once, connections and all.
pub(crate) fn interrupt(server: &std::process::Child) {
    use rustix::process::{Pid, Signal, kill_process};
    // Fails only when it has ended by itself.
    let _ = kill_process(Pid::from_child(server), Signal::INT);
}

/// What killed supervisors left; none of it answers, or it would be in use.
fn clear(home: &Path) {
    let entries = std::fs::read_dir(home).expect("the test server's folder");
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            let _ = std::fs::remove_dir_all(path);
        }
    }
}

fn give_away(folder: &Path) {
    let done = Command::new("chown").arg(SERVICE_USER).arg(folder).status();
    assert!(
        done.is_ok_and(|status| status.success()),
        "there is no user {SERVICE_USER}: is PostgreSQL installed?"
    );
}

fn make(folder: &Path) {
    let mut command = as_service(&program("initdb"));
    command.args(["--auth=trust", "--encoding=UTF8", "--locale=C"]);
    command.args(["--username=postgres", "--no-sync", "-D"]);
    let made = command
        .arg(folder.join("data"))
        .current_dir(folder)
        .output()
        .expect("initdb runs");
    let complaint = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "initdb failed: {complaint}");
}

fn supervise(home: &Path, folder: &Path) {
    let server = server(folder);
    let log = File::create(home.join("supervisor.log")).expect("a log for the supervisor");
    // In a session of its own: a test runner that kills a test's group must not take the
    // cluster from the other tests. Nor may it hold the test's output open.
    Command::new("setsid")
        .args(["--fork", "sh", "-c", SUPERVISE, "supervise.sh"])
        .arg(folder)
        .arg(home.join("used"))
        .arg(server.get_program())
        .args(server.get_args())
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a second handle on the log"))
        .stderr(log)
        .status()
        .expect("the cluster's supervisor starts");
}

pub(crate) fn await_answer(folder: &Path) {
    let end = Instant::now() + PATIENCE;
    while !answers(folder) {
        assert!(Instant::now() < end, "PostgreSQL did not start");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn answers(folder: &Path) -> bool {
    Command::new(program("pg_isready"))
        .args(["-U", "postgres"])
        .arg("-h")
        .arg(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

pub(crate) fn url(folder: &Path) -> String {
    let host = folder.to_str().expect("a UTF-8 path").replace('/', "%2F");
    format!("postgres://postgres@{host}/postgres")
}

/// A command that runs as a user PostgreSQL accepts, and ends when its parent does.
fn as_service(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "INT"]);
    if as_root() {
        command.args(["--reuid", SERVICE_USER, "--regid", SERVICE_USER]);
        command.arg("--clear-groups");
    }
    command.arg("--").arg(program);
    command
}

fn as_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A program of the newest PostgreSQL that Debian's packages left here, or the one on the path.
fn program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    versions
        .flatten()
        .map(|version| version.path())
        .filter(|version| version.join("bin").join(name).exists())
        .max_by_key(|version| {
            let number = version.file_name().and_then(|name| name.to_str());
            number.and_then(|number| number.parse::<u32>().ok())
        })
        .map_or_else(
            || PathBuf::from(name),
            |version| version.join("bin").join(name),
        )
}
