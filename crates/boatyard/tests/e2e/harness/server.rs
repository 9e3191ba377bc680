//! A real `boatyard serve` in a folder and on a port of its own.

use super::process::Process;
use super::{Api, until};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// How a server is to be started.
pub struct ServerBuilder {
    disks: Vec<(String, u32)>,
    database_folder: Option<String>,
    environment: Vec<(String, String)>,
    database: Option<String>,
}

impl ServerBuilder {
    /// Sets one of the operator's switches.
    pub fn env(mut self, name: &str, value: impl ToString) -> Self {
        self.environment.push((name.to_owned(), value.to_string()));
        self
    }

    /// Keeps its data in this database instead of its own SQLite file.
    pub fn database(mut self, url: &str) -> Self {
        self.database = Some(url.to_owned());
        self
    }

    /// Keeps its SQLite file in this folder of its data.
    pub fn database_in(mut self, folder: &str) -> Self {
        self.database_folder = Some(folder.to_owned());
        self
    }

    /// Puts a folder of its data on a disk of its own, of so many MB.
    pub fn disk(mut self, folder: &str, mb: u32) -> Self {
        self.disks.push((folder.to_owned(), mb));
        self
    }

    /// Starts it and waits until it is ready.
    pub async fn start(self) -> Server {
        // Every client below finds the TLS provider that the binary installs for itself.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::Builder::new()
            .prefix("boatyard-e2e-")
            .tempdir()
            .unwrap();
        let mut environment = vec![
            (
                "BOATYARD_GIT_PROTOCOLS".to_owned(),
                "https,ssh,http,file".to_owned(),
            ),
            (
                "BOATYARD_OUTBOUND_ALLOW".to_owned(),
                "127.0.0.0/8".to_owned(),
            ),
            ("BOATYARD_RATE_LIMIT".to_owned(), "0".to_owned()),
            // Builds start when a story says so.
            ("BOATYARD_WATCH_INTERVAL".to_owned(), "0".to_owned()),
            // The machine that runs the tests may be small.
            (
                "BOATYARD_DEFAULT_PLAN".to_owned(),
                "nf-compute-100-2".to_owned(),
            ),
        ];
        if let Some(url) = self.database {
            environment.push(("BOATYARD_DATABASE_URL".to_owned(), url));
        }
        if let Some(name) = self.database_folder {
            let file = folder.path().join("data").join(name).join("boatyard.db");
            let url = format!("sqlite:{}", file.display());
            environment.push(("BOATYARD_DATABASE_URL".to_owned(), url));
        }
        environment.extend(self.environment);
        for (name, mb) in self.disks {
            let place = folder.path().join("data").join(name);
            std::fs::create_dir_all(&place).unwrap();
            mount(&["-t", "tmpfs", "boatyard-test"], mb, &place);
        }
        let mut server = Server {
            folder,
            port: free_port(),
            environment,
            child: None,
        };
        server.launch().await;
        server
    }
}

/// A running (or stopped) server. Dropping it ends it and everything its builds run.
pub struct Server {
    folder: TempDir,
    port: u16,
    environment: Vec<(String, String)>,
    child: Option<Child>,
}

impl Server {
    /// A server with switches of its own.
    pub fn with() -> ServerBuilder {
        ServerBuilder {
            disks: Vec::new(),
            database_folder: None,
            environment: Vec::new(),
            database: None,
        }
    }

    /// A server as most tests want it.
    pub async fn start() -> Server {
        Server::with().start().await
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.host())
    }

    /// Host and port.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its data folder.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Gives one of its own disks another size, in MB.
    pub fn resize_disk(&self, folder: &str, mb: u32) {
        let place = self.data_dir().join(folder);
        mount(&["-o", "remount"], mb, &place);
    }

    /// A folder of the test beside the server's own.
    pub fn scratch(&self) -> &Path {
        self.folder.path()
    }

    /// The server's process.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// The administrator's token.
    pub fn token(&self) -> String {
        let path = self.data_dir().join("admin.token");
        std::fs::read_to_string(path).unwrap().trim().to_owned()
    }

    /// Calls as the administrator.
    pub fn api(&self) -> Api {
        Api::new(self.url(), self.token())
    }

    /// Runs `boatyard` with these arguments against this server's data.
    pub fn boatyard(&self, args: &[&str]) -> std::process::Output {
        self.logged_in(args).output().unwrap()
    }

    /// A token made on the server's machine.
    pub fn token_with(&self, args: &[&str]) -> String {
        let made = self.boatyard(&[&["admin", "token", "create"], args].concat());
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "{args:?}: {said}");
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    }

    /// Calls with a token made on the server's machine.
    pub fn api_with(&self, args: &[&str]) -> Api {
        self.api().with_token(&self.token_with(args))
    }

    /// The same for somebody who knows neither address nor token, but where the data is.
    pub fn boatyard_beside_data(&self, args: &[&str]) -> std::process::Output {
        self.command(args).output().unwrap()
    }

    /// The same while the test goes on; it is killed when dropped.
    pub fn boatyard_in_background(&self, args: &[&str]) -> Process {
        let log = std::fs::File::create(self.scratch().join("background.log")).unwrap();
        Process::start(self.command(args), log)
    }

    /// The same as [`Server::boatyard`], with nobody to read the results.
    pub fn boatyard_unread(&self, args: &[&str]) -> std::process::Output {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        self.logged_in(args).stdout(writer).output().unwrap()
    }

    fn logged_in(&self, args: &[&str]) -> Command {
        let mut command = self.command(args);
        command
            .env("BOATYARD_HOST", self.url())
            .env("BOATYARD_TOKEN", self.token());
        command
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_boatyard"));
        command
            .args(args)
            .env("BOATYARD_DATA_DIR", self.data_dir())
            // No remembered servers.
            .env("XDG_CONFIG_HOME", self.scratch());
        for (name, value) in &self.environment {
            command.env(name, value);
        }
        command
    }

    /// Sets one of the operator's switches for the next launch.
    pub fn set(&mut self, name: &str, value: impl ToString) {
        self.environment.push((name.to_owned(), value.to_string()));
    }

    /// SIGTERM, and waits until it is gone; whether it ended cleanly.
    pub fn terminate(&mut self) -> bool {
        let mut child = self.child.take().unwrap();
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        child.wait().unwrap().success()
    }

    /// kill -9.
    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Holds it still, as when its machine is suspended, until [`Server::thaw`].
    pub fn freeze(&self) {
        self.signal(rustix::process::Signal::STOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal(rustix::process::Signal::CONT);
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(self.child.as_ref().unwrap());
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Starts it (again) on the same data and port.
    pub async fn launch(&mut self) {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("server.log"))
            .unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_boatyard"));
        command
            .arg("serve")
            .args(["--listen", &self.host()])
            .arg("--data-dir")
            .arg(self.data_dir())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        for (name, value) in &self.environment {
            command.env(name, value);
        }
        self.child = Some(command.spawn().unwrap());
        let url = format!("{}/readyz", self.url());
        until("the server to be ready", async || {
            if let Some(child) = &mut self.child
                && let Some(status) = child.try_wait().unwrap()
            {
                panic!("the server ended with {status}: {}", self.log());
            }
            let answer = reqwest::get(&url).await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
    }

    /// What the server said so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }

    /// The processes of this server's workers, found by the folder in their environment.
    pub fn workers(&self) -> Vec<u32> {
        let marker = format!(
            "BOATYARD_WORKER_DIR={}",
            self.data_dir().join("work").display()
        );
        processes()
            .filter(|pid| environment_has(*pid, &marker))
            .collect()
    }

    /// Whether an engine runs for it.
    pub fn engine_runs(&self) -> bool {
        let mut leftovers = self.leftovers().into_iter();
        leftovers.any(|pid| command_line_has(pid, "buildah"))
    }

    /// SIGTERM to its workers.
    pub fn tell_workers_to_end(&self) {
        for pid in self.workers() {
            let pid = rustix::process::Pid::from_raw(pid as i32).unwrap();
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
    }

    /// Every process that has this server's data folder in its command line, environment or open
    /// control group: workers, engines, steps.
    pub fn leftovers(&self) -> Vec<u32> {
        let marker = self.data_dir().display().to_string();
        processes()
            .filter(|pid| Some(*pid) != self.child.as_ref().map(Child::id))
            .filter(|pid| environment_has(*pid, &marker) || command_line_has(*pid, &marker))
            .collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        for pid in self.leftovers() {
            if let Some(pid) = rustix::process::Pid::from_raw(pid as i32) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
        unmount_below(self.folder.path());
        if std::thread::panicking() {
            eprintln!("--- the server's log\n{}", self.log());
        }
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

pub(super) fn processes() -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc").unwrap();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

fn environment_has(pid: u32, marker: &str) -> bool {
    file_has(&format!("/proc/{pid}/environ"), marker)
}

fn command_line_has(pid: u32, marker: &str) -> bool {
    file_has(&format!("/proc/{pid}/cmdline"), marker)
}

fn file_has(path: &str, marker: &str) -> bool {
    let bytes = std::fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&bytes).contains(marker)
}

fn mount(how: &[&str], mb: u32, place: &Path) {
    let mounted = Command::new("mount")
        .args(how)
        .args(["-o", &format!("size={mb}m")])
        .arg(place)
        .status()
        .unwrap();
    assert!(mounted.success(), "no disk for {}", place.display());
}

/// Mounts that a killed engine left in the folder would keep it from being removed.
pub fn unmount_below(folder: &Path) {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let folder = folder.display().to_string();
    let below: Vec<_> = mounts
        .lines()
        .filter_map(|line| line.split(' ').nth(1))
        .filter(|m| m.starts_with(&folder))
        .collect();
    for mount in below.into_iter().rev() {
        let _ = Command::new("umount").arg("-l").arg(mount).status();
    }
}
