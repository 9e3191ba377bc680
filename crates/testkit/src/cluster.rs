//! One PostgreSQL cluster for all tests of this user. nextest runs each test in its own process
//! and starting a cluster takes seconds, so processes share it through lock files in a well-known
//! folder; a supervisor ends it when no process has held its lock for twenty seconds, however
//! those processes ended.

pub(crate) mod launch;

use crate::TempDatabase;
use crate::database::command_on;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A server given from outside (`make test`, CI) takes the place of our own.
const GIVEN: &str = "BOATYARD_TEST_POSTGRES_URL";

/// A PostgreSQL server for tests.
pub struct Postgres {
    url: String,
    _used: Option<File>,
}

impl Postgres {
    /// The server that all tests share: the one of `BOATYARD_TEST_POSTGRES_URL`, the one that is
    /// already running, or a new one.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start; the message says which.
    pub fn shared() -> &'static Postgres {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| match std::env::var(GIVEN) {
            Ok(url) => Postgres { url, _used: None },
            Err(_) => Self::find_or_start(),
        })
    }

    /// A new, empty database.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn database(&self) -> TempDatabase {
        let name = format!("test_{}", uuid::Uuid::new_v4().simple());
        command_on(&self.url, &format!("CREATE DATABASE {name}"))
            .await
            .expect("the test server makes a database");
        TempDatabase::on_server(&self.url, name)
    }

    fn find_or_start() -> Self {
        let home = home();
        // One process looks and starts at a time; the others then find what it started.
        let starting = lock_file(&home, "starting");
        starting.lock().expect("the lock on starting");
        // From here on the supervisor keeps its hands off; this may wait for it to finish ending.
        let used = lock_file(&home, "used");
        used.lock_shared().expect("the lock on using");
        let url = match launch::running(&home) {
            Some(url) => url,
            None => launch::start(&home),
        };
        Postgres {
            url,
            _used: Some(used),
        }
    }
}

/// The well-known folder, ours alone. Under the system's temporary folder because the path of a
/// socket must be short.
fn home() -> PathBuf {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt};
    let me = rustix::process::geteuid().as_raw();
    let home = std::env::temp_dir().join(format!("boatyard-postgres-{me}"));
    // Passable for the user that the server runs as when we are root, readable for no one else.
    match std::fs::DirBuilder::new().mode(0o711).create(&home) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => {
            panic!("{}: {e}", home.display())
        }
        _ => {}
    }
    let found = std::fs::symlink_metadata(&home).expect("the test server's folder");
    assert!(
        found.is_dir() && found.uid() == me,
        "{} belongs to someone else",
        home.display()
    );
    home
}

fn lock_file(home: &Path, name: &str) -> File {
    File::options()
        .create(true)
        .append(true)
        .open(home.join(name))
        .expect("a lock file of the test server")
}
