//! Shows where a build stands while its log scrolls by: a moving line at the bottom of a terminal,
//! a plain line for each new status elsewhere.

use crate::console::{Console, Look};
use crate::error::CliError;
use crate::render::{length, plain};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::SignedDuration;
use std::time::{Duration, Instant};

/// How often the line moves.
const TICK: Duration = Duration::from_millis(120);

/// The progress of one build.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    begun: Instant,
    status: String,
}

impl Progress {
    pub(super) fn begin(look: Look, status: &str) -> Progress {
        let bar = look.err_is_terminal.then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
                bar.set_style(style);
            }
            bar.set_message(plain(status));
            bar.enable_steady_tick(TICK);
            bar
        });
        Progress {
            bar,
            begun: Instant::now(),
            status: String::new(),
        }
    }

    /// Shows a status.
    pub(super) fn show(&mut self, console: &mut Console, status: &str) -> Result<(), CliError> {
        if self.status == status {
            return Ok(());
        }
        status.clone_into(&mut self.status);
        match &self.bar {
            Some(bar) => bar.set_message(plain(status)),
            None => {
                let after = SignedDuration::try_from(self.begun.elapsed()).unwrap_or_default();
                console.note(&format!("[{}] {}", length(after), plain(status)))?;
            }
        }
        Ok(())
    }

    /// Prints something else without the moving line getting in its way.
    pub(super) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Shows the last status and takes the moving line away.
    pub(super) fn end(&mut self, console: &mut Console, status: &str) -> Result<(), CliError> {
        let shown = self.show(console, status);
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        shown
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
