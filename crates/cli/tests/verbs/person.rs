//! Somebody at a command line, with an own home folder.

use crate::fake::{Fake, TOKEN};
use clap::Parser;
use cli::{Console, Environment, Interrupt, Look, Patience};
use jiff::Timestamp;
use std::io::{Cursor, Write};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

#[derive(Parser)]
#[command(name = "boatyard")]
pub struct Boatyard {
    #[command(subcommand)]
    pub command: cli::Command,
}

/// What the binary does first thing.
pub fn install_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Five minutes after the fake's builds began.
pub fn now() -> Timestamp {
    "2026-11-24T08:05:00Z".parse().unwrap()
}

pub struct Person {
    pub home: tempfile::TempDir,
    pub environment: Environment,
    pub look: Look,
    pub input: String,
    pub interrupt: Arc<Notify>,
    pub patience: Patience,
}

/// What a command left behind.
#[derive(Debug)]
pub struct Done {
    pub code: ExitCode,
    pub out: String,
    pub err: String,
}

impl Person {
    /// Somebody without any settings.
    pub fn new() -> Person {
        install_tls();
        let home = tempfile::tempdir().unwrap();
        let environment = Environment {
            config_dir: Some(home.path().join("config/boatyard")),
            data_dir: Some(home.path().join("data/boatyard")),
            ..Environment::default()
        };
        let look = Look::default();
        let interrupt = Arc::new(Notify::new());
        Person {
            home,
            environment,
            look,
            input: String::new(),
            interrupt,
            patience: Patience::default(),
        }
    }

    /// Somebody whose environment names the server and a good token.
    pub fn at(fake: &Fake) -> Person {
        let mut person = Person::new();
        person.environment.host = Some(fake.host());
        person.environment.token = Some(TOKEN.into());
        person
    }

    /// Runs a command line; arguments are separated by spaces.
    pub async fn types(&self, line: &str) -> Done {
        self.runs(&line.split(' ').collect::<Vec<_>>()).await
    }

    pub async fn runs(&self, arguments: &[&str]) -> Done {
        let parsed = Boatyard::try_parse_from(arguments).unwrap_or_else(|e| panic!("{e}"));
        let (out, err) = (Page::default(), Page::default());
        let mut console = Console {
            out: Box::new(out.clone()),
            err: Box::new(err.clone()),
            input: Box::new(Cursor::new(self.input.clone().into_bytes())),
            look: self.look,
            environment: self.environment.clone(),
            interrupt: Interrupt::Notice(self.interrupt.clone()),
            clock: now,
            patience: self.patience,
        };
        let code = match cli::run(parsed.command, &mut console).await {
            Ok(code) => code,
            Err(error) => {
                writeln!(console.err, "error: {error}").unwrap();
                error.exit_code()
            }
        };
        Done {
            code,
            out: out.text(),
            err: err.text(),
        }
    }
}

impl Done {
    /// The result, of a command that went well.
    #[track_caller]
    pub fn well(self) -> String {
        assert_eq!(self.code, ExitCode::SUCCESS, "{}{}", self.out, self.err);
        self.out
    }

    /// What was said about a failure.
    #[track_caller]
    pub fn failed(self) -> String {
        assert_eq!(self.code, ExitCode::from(2), "{}{}", self.out, self.err);
        self.err
    }
}

/// Something to write on that can be read while it is written.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Page {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
