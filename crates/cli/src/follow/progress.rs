//! Shows where a build stands while its log scrolls by: a moving line at the bottom of a terminal,
//! a plain line for each new status elsewhere.

use crate::client::Build;
use crate::console::{Console, Look};
use crate::error::CliError;
use crate::render::{length, plain};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::SignedDuration;
use std::time::{Duration, Instant};

/// How often the line moves.
const TICK: Duration = Duration::from_millis(120);

/// The phases of a build that goes well.
const PHASES: [&str; 6] = [
    "QUEUED",
    "PENDING",
    "STARTING",
    "CLONING",
    "BUILDING",
    "UPLOADING",
];

/// The progress of one build.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    begun: Instant,
    shown: String,
}

impl Progress {
    pub(super) fn begin(look: Look, build: &Build) -> Progress {
        let bar = look.err_is_terminal.then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix}{msg} {elapsed}") {
                bar.set_style(style);
            }
            bar.set_prefix(way(&build.status));
            bar.set_message(plain(&build.stands()));
            bar.enable_steady_tick(TICK);
            bar
        });
        Progress {
            bar,
            begun: Instant::now(),
            shown: String::new(),
        }
    }

    /// Shows where the build stands.
    pub(super) fn show(&mut self, console: &mut Console, build: &Build) -> Result<(), CliError> {
        let stands = plain(&build.stands());
        if self.shown == stands {
            return Ok(());
        }
        match &self.bar {
            Some(bar) => {
                bar.set_prefix(way(&build.status));
                bar.set_message(stands.clone());
            }
            None => {
                let after = i64::try_from(self.begun.elapsed().as_secs()).unwrap_or(i64::MAX);
                let after = length(SignedDuration::from_secs(after));
                console.note(&format!("[{after}] {stands}"))?;
            }
        }
        self.shown = stands;
        Ok(())
    }

    /// Hears a line of the log: the engine says there which step it is at.
    pub(super) fn hear(&self, line: &str) {
        if let (Some(bar), Some(step)) = (&self.bar, step(line)) {
            bar.set_message(format!("{} {step}", self.shown));
        }
    }

    /// Prints something else without the moving line getting in its way.
    pub(super) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Shows the last status and takes the moving line away.
    pub(super) fn end(&mut self, console: &mut Console, build: &Build) -> Result<(), CliError> {
        let shown = self.show(console, build);
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

/// How far on its way a build with this status is; nothing for one that is held or whose phase is
/// not known.
fn way(status: &str) -> String {
    let Some(at) = PHASES.iter().position(|phase| *phase == status) else {
        return String::new();
    };
    format!(
        "{}{} ",
        "▰".repeat(at + 1),
        "▱".repeat(PHASES.len() - at - 1)
    )
}

/// `step 3/9` of the line `STEP 3/9: RUN …`, with the stage where there are several.
fn step(line: &str) -> Option<String> {
    let (stage, line) = match line.strip_prefix('[') {
        Some(rest) => rest
            .split_once("] ")
            .map(|(stage, line)| (Some(stage), line))?,
        None => (None, line),
    };
    let (step, _) = line.strip_prefix("STEP ")?.split_once(": ")?;
    let is_count = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'/');
    if !is_count(step) || !stage.is_none_or(is_count) {
        return None;
    }
    Some(match stage {
        Some(stage) => format!("stage {stage}, step {step}"),
        None => format!("step {step}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_gets_longer() {
        assert_eq!(way("QUEUED"), "▰▱▱▱▱▱ ");
        assert_eq!(way("UPLOADING"), "▰▰▰▰▰▰ ");
        assert_eq!(way("UNSCHEDULABLE"), "");
    }

    #[test]
    fn steps_are_heard() {
        assert_eq!(step("STEP 3/9: RUN make").as_deref(), Some("step 3/9"));
        let staged = step("[1/2] STEP 3/9: RUN make");
        assert_eq!(staged.as_deref(), Some("stage 1/2, step 3/9"));
        for line in [
            "",
            "[",
            "STEP x: y",
            "[a\u{1b}] STEP 1/2: x",
            "make: STEP 1/2: x",
        ] {
            assert_eq!(step(line), None, "{line}");
        }
    }
}
