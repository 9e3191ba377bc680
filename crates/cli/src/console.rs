//! What surrounds a verb: its streams, how they look, the environment, the clock, Ctrl-C. Gathered
//! in one value, so that a test can give a verb other surroundings than the process's own.

use crate::client::Patience;
use crate::environment::Environment;
use jiff::Timestamp;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::sync::Arc;
use tokio::sync::Notify;

/// The surroundings of a verb.
pub struct Console {
    /// Results.
    pub out: Box<dyn Write + Send>,
    /// Notes, questions, progress.
    pub err: Box<dyn Write + Send>,
    /// Answers.
    pub input: Box<dyn BufRead + Send>,
    /// What kind of streams these are.
    pub look: Look,
    /// Settings from outside.
    pub environment: Environment,
    /// When the person has seen enough.
    pub interrupt: Interrupt,
    /// The present time, for ages.
    pub clock: fn() -> Timestamp,
    /// How long to outlast a server that is away.
    pub patience: Patience,
}

/// What kind of streams the console has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Look {
    /// Somebody reads the results as they come.
    pub out_is_terminal: bool,
    /// Somebody reads the notes as they come.
    pub err_is_terminal: bool,
    /// Somebody can answer.
    pub in_is_terminal: bool,
    /// Results may have colours.
    pub colour: bool,
    /// Columns of the terminal; `None` where lines may be of any length.
    pub width: Option<u16>,
}

/// Where Ctrl-C comes from.
#[derive(Clone, Debug)]
pub enum Interrupt {
    /// The process's signal.
    Signal,
    /// Somebody else's notice.
    Notice(Arc<Notify>),
}

impl Interrupt {
    /// Waits for it.
    pub(crate) async fn wait(&self) {
        match self {
            Interrupt::Notice(notice) => notice.notified().await,
            Interrupt::Signal => {
                if tokio::signal::ctrl_c().await.is_err() {
                    // Without a handler the signal ends the process by itself.
                    std::future::pending::<()>().await;
                }
            }
        }
    }
}

impl Console {
    /// The process's own surroundings.
    pub fn of_process() -> Console {
        Console {
            out: Box::new(io::stdout()),
            err: Box::new(io::stderr()),
            input: Box::new(BufReader::new(io::stdin())),
            look: Look::of_process(),
            environment: Environment::of_process(),
            interrupt: Interrupt::Signal,
            clock: Timestamp::now,
            patience: Patience::default(),
        }
    }

    /// Writes a line to the results.
    pub(crate) fn say(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    /// Writes a line beside the results.
    pub(crate) fn note(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.err, "{text}")
    }

    /// Asks something that is answered with yes or no; anything unclear is a no.
    pub(crate) fn confirm(&mut self, question: &str) -> io::Result<bool> {
        write!(self.err, "{question} [y/N] ")?;
        self.err.flush()?;
        Ok(matches!(
            self.read_line()?.to_ascii_lowercase().as_str(),
            "y" | "yes"
        ))
    }

    /// Asks for a secret; typed unseen on a terminal, read as a line otherwise.
    pub(crate) fn ask_secret(&mut self, question: &str) -> io::Result<String> {
        if !self.look.in_is_terminal {
            return self.read_line();
        }
        write!(self.err, "{question}")?;
        self.err.flush()?;
        Ok(console::Term::stderr()
            .read_secure_line()?
            .trim()
            .to_owned())
    }

    fn read_line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.input.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }
}

impl Look {
    fn of_process() -> Look {
        let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty());
        let plain = set("NO_COLOR").is_some() || set("TERM").is_some_and(|t| t == "dumb");
        let out_is_terminal = io::stdout().is_terminal();
        Look {
            out_is_terminal,
            err_is_terminal: io::stderr().is_terminal(),
            in_is_terminal: io::stdin().is_terminal(),
            colour: out_is_terminal && !plain,
            width: console::Term::stdout()
                .size_checked()
                .map(|(_, columns)| columns),
        }
    }
}
