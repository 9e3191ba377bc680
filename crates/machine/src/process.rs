//! A process that can be told apart from a later one with the same number.
//!
//! The server writes down which process runs a build, restarts, and has to find it again. Process
//! numbers are reused, so the number alone would let it wait for, or kill, a stranger. The number
//! together with the start time is unique until the machine boots again.

use std::fmt;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::str::FromStr;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Why a process could not be named, signalled or awaited.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// No such process, or another one has taken its number.
    #[error("process {0} is gone")]
    Gone(u32),
    /// The text form was not `pid:start_time`.
    #[error("not a process identity: expected PID:START_TIME")]
    Malformed,
    /// The kernel refused.
    #[error("process {pid}: {source}")]
    Io {
        /// The process meant.
        pid: u32,
        /// What the kernel said.
        source: io::Error,
    },
}

/// The identity of one process. Its text form is `PID:START_TIME`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProcessId {
    /// The number in this pid namespace.
    pub pid: u32,
    /// Clock ticks after boot at which it started (field 22 of `/proc/PID/stat`).
    pub start_time: u64,
}

impl ProcessId {
    /// The identity of the process that has the number `pid` now.
    ///
    /// # Errors
    /// [`ProcessError::Gone`] when there is none.
    pub fn of(pid: u32) -> Result<Self, ProcessError> {
        let (_, start_time) = read_stat(pid)?;
        Ok(Self { pid, start_time })
    }

    /// The identity of this process.
    ///
    /// # Errors
    /// When `/proc` is not mounted.
    pub fn current() -> Result<Self, ProcessError> {
        Self::of(std::process::id())
    }

    /// Whether this very process still runs. A zombie, ended but not reaped, does not.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        read_stat(self.pid).is_ok_and(|(state, start_time)| {
            start_time == self.start_time && !matches!(state, 'Z' | 'X' | 'x')
        })
    }

    /// Sends a signal to this very process, never to a later one with its number.
    ///
    /// # Errors
    /// [`ProcessError::Gone`] when it has ended, [`ProcessError::Io`] when it may not be signalled.
    pub fn kill(&self, signal: Signal) -> Result<(), ProcessError> {
        let handle = self.handle()?;
        pidfd_send_signal(&handle, signal).map_err(|errno| self.error(errno.into()))
    }

    /// Waits until the process has ended, child of ours or not. Returns at once when it is gone.
    ///
    /// # Errors
    /// [`ProcessError::Io`] when the kernel gives no handle on it. Must be called in a Tokio
    /// runtime with I/O enabled.
    pub async fn wait_exit(&self) -> Result<(), ProcessError> {
        let handle = match self.handle() {
            Ok(handle) => handle,
            Err(ProcessError::Gone(_)) => return Ok(()),
            Err(error) => return Err(error),
        };
        let handle = watch(handle).map_err(|source| self.error(source))?;
        // A pidfd becomes readable when the process ends and stays so.
        let ready = handle.readable().await;
        ready.map(|_| ()).map_err(|source| self.error(source))
    }

    /// A handle that stays with the process. The identity is checked after opening: from then on
    /// the number cannot come to mean another process behind our back.
    fn handle(&self) -> Result<OwnedFd, ProcessError> {
        let gone = || ProcessError::Gone(self.pid);
        let raw = i32::try_from(self.pid).map_err(|_| gone())?;
        let pid = Pid::from_raw(raw).ok_or_else(gone)?;
        let handle =
            pidfd_open(pid, PidfdFlags::empty()).map_err(|errno| self.error(errno.into()))?;
        if self.is_alive() {
            Ok(handle)
        } else {
            Err(gone())
        }
    }

    fn error(&self, source: io::Error) -> ProcessError {
        io_error(self.pid, source)
    }
}

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.pid, self.start_time)
    }
}

impl FromStr for ProcessId {
    type Err = ProcessError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (pid, start_time) = text.split_once(':').ok_or(ProcessError::Malformed)?;
        Ok(Self {
            pid: number(pid)?,
            start_time: number(start_time)?,
        })
    }
}

impl serde::Serialize for ProcessId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for ProcessId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Digits only: `parse` alone would take a leading `+`.
fn number<T: FromStr>(text: &str) -> Result<T, ProcessError> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ProcessError::Malformed);
    }
    text.parse().map_err(|_| ProcessError::Malformed)
}

fn io_error(pid: u32, source: io::Error) -> ProcessError {
    let esrch = rustix::io::Errno::SRCH.raw_os_error();
    if source.kind() == io::ErrorKind::NotFound || source.raw_os_error() == Some(esrch) {
        ProcessError::Gone(pid)
    } else {
        ProcessError::Io { pid, source }
    }
}

/// Registers a process handle with the runtime.
#[expect(
    deprecated,
    reason = "the replacement is `unsafe`, because a type may lie about the descriptor it owns; OwnedFd does not"
)]
fn watch(handle: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(handle, Interest::READABLE)
}

/// State and start time of a process.
fn read_stat(pid: u32) -> Result<(char, u64), ProcessError> {
    let text = fs::read(format!("/proc/{pid}/stat")).map_err(|source| io_error(pid, source))?;
    parse_stat(&String::from_utf8_lossy(&text)).ok_or(ProcessError::Gone(pid))
}

/// The program's name is in parentheses and may itself hold any character, so the fields are
/// counted from the last closing one: state is the 3rd field, start time the 22nd.
fn parse_stat(text: &str) -> Option<(char, u64)> {
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?.chars().next()?;
    let start_time = fields.nth(18)?.parse().ok()?;
    Some((state, start_time))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_hostile_program_name_does_not_shift_the_fields() {
        let stat = "7 (a) Z 1 (b) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4242 9 9";
        assert_eq!(parse_stat(stat), Some(('S', 4242)));
        assert_eq!(parse_stat("7 (cut) S 1 2"), None);
        assert_eq!(parse_stat(""), None);
    }

    proptest! {
        #[test]
        fn text_form_goes_both_ways(pid: u32, start_time: u64) {
            let id = ProcessId { pid, start_time };
            prop_assert_eq!(id.to_string().parse::<ProcessId>().unwrap(), id);
        }

        #[test]
        fn any_text_is_an_identity_or_an_error(text in ".*") {
            if let Ok(id) = text.parse::<ProcessId>() {
                prop_assert!(id.to_string().len() <= text.len());
            }
        }
    }
}
