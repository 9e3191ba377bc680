//! One git process: started, watched, read, and ended together with all it started.

use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use crate::environment::Environment;
use crate::error::GitError;
use crate::supervisor::Supervisor;

/// Who wants to hear git's progress, line by line, as for a build log. Lines are free of control
/// characters and of credentials.
pub type Progress<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// For callers that do not want to hear it.
pub fn quiet(_line: &str) {}

/// More than this on stdout is not an answer but an attack, or a listing nobody can use.
const MAX_STDOUT: usize = 64 << 20;
/// As much of stderr as is kept to explain a failure.
const MAX_STDERR: usize = 16 << 10;
/// The longest line passed on as progress.
const MAX_LINE: usize = 500;
/// The shell's word for a program that is not there.
const NOT_FOUND: i32 = 127;

/// A git command to be.
#[derive(Debug)]
pub(crate) struct Call {
    args: Vec<OsString>,
    environment: Environment,
    supervisor: Option<Arc<dyn Supervisor>>,
    longest_answer: usize,
}

/// What a git command said.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) success: bool,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Output {
    /// Stdout as text; git's answers that are read this way are names and numbers.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

impl Call {
    pub(crate) fn new(environment: Environment, supervisor: Option<Arc<dyn Supervisor>>) -> Self {
        Self {
            args: Vec::new(),
            environment,
            supervisor,
            longest_answer: MAX_STDOUT,
        }
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    pub(crate) fn args<I: IntoIterator<Item = A>, A: AsRef<OsStr>>(mut self, args: I) -> Self {
        let args = args.into_iter().map(|arg| arg.as_ref().to_owned());
        self.args.extend(args);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.variable(name, value);
        self
    }

    /// Reads no more of an answer than this, in bytes; a longer one is [`GitError::TooMuch`].
    pub(crate) fn answers_within(mut self, bytes: usize) -> Self {
        self.longest_answer = bytes;
        self
    }

    pub(crate) fn environment(&mut self) -> &mut Environment {
        &mut self.environment
    }

    pub(crate) async fn run(
        self,
        program: &Path,
        about: &str,
        timeout: Duration,
        progress: Progress<'_>,
    ) -> Result<Output, GitError> {
        let missing = |source| GitError::GitMissing {
            program: program.display().to_string(),
            source,
        };
        let mut group = self.spawn(program).map_err(missing)?;
        if let Some(supervisor) = &self.supervisor {
            group.admit(supervisor.as_ref()).await.map_err(|error| {
                GitError::Other(format!("it cannot be held to its limits: {error}"))
            })?;
        }
        let work = group.finish(progress, self.longest_answer);
        match tokio::time::timeout(timeout, work).await {
            Ok(Ok((status, _))) if self.is_missing(status) => {
                Err(missing(ErrorKind::NotFound.into()))
            }
            Ok(Ok((_, output))) => Ok(output),
            Ok(Err(error)) if error.kind() == ErrorKind::FileTooLarge => Err(GitError::TooMuch {
                url: about.to_owned(),
            }),
            Ok(Err(error)) => Err(missing(error)),
            Err(_) => Err(GitError::Timeout {
                url: about.to_owned(),
                seconds: timeout.as_secs(),
            }),
        }
    }

    fn spawn(&self, program: &Path) -> std::io::Result<Group> {
        let mut command = self.command(program);
        command
            .args(&self.args)
            .env_clear()
            .envs(self.environment.clone().into_variables())
            .current_dir("/")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let child = command.spawn()?;
        Ok(Group { child })
    }

    /// The program; behind the gate, where somebody takes charge of it.
    fn command(&self, program: &Path) -> Command {
        if self.supervisor.is_none() {
            let mut command = Command::new(program);
            command.stdin(Stdio::null());
            return command;
        }
        let mut command = Command::from(machine::behind_gate());
        command.arg(program);
        command
    }

    /// Whether the gate found no program behind it.
    fn is_missing(&self, status: ExitStatus) -> bool {
        self.supervisor.is_some() && status.code() == Some(NOT_FOUND)
    }
}

/// A child that leads a process group. When dropped before its end, the whole group is killed:
/// git's helpers (ssh, git-remote-https, index-pack) would otherwise go on without it.
struct Group {
    child: Child,
}

impl Group {
    /// Gives the process into the supervisor's charge, then lets it through the gate.
    async fn admit(&mut self, supervisor: &dyn Supervisor) -> std::io::Result<()> {
        if let Some(pid) = self.child.id() {
            supervisor.enroll(pid)?;
        }
        match self.child.stdin.take() {
            Some(mut gate) => gate.write_all(b"\n").await,
            None => Ok(()),
        }
    }

    async fn finish(
        &mut self,
        progress: Progress<'_>,
        longest_answer: usize,
    ) -> std::io::Result<(ExitStatus, Output)> {
        let stdout_pipe = self.child.stdout.take();
        let stderr_pipe = self.child.stderr.take();
        // Whoever says too much is not heard to the end.
        let (stdout, stderr) = tokio::try_join!(
            read_bounded(stdout_pipe, longest_answer),
            read_progress(stderr_pipe, progress)
        )?;
        let status = self.child.wait().await?;
        let output = Output {
            success: status.success(),
            stdout,
            stderr,
        };
        Ok((status, output))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // `id` is none once the leader was reaped; until then its number cannot be reused.
        let leader = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(leader) = leader.and_then(Pid::from_raw) {
            // Fails only when the group has just ended.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

async fn read_bounded(
    pipe: Option<impl AsyncRead + Unpin>,
    longest: usize,
) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let Some(pipe) = pipe else { return Ok(bytes) };
    let limit = longest as u64 + 1;
    pipe.take(limit).read_to_end(&mut bytes).await?;
    if bytes.len() > longest {
        return Err(ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// Reads stderr, passes lines on and keeps the last of it.
async fn read_progress(
    pipe: Option<impl AsyncRead + Unpin>,
    progress: Progress<'_>,
) -> std::io::Result<String> {
    let mut lines = Lines::default();
    let Some(mut pipe) = pipe else {
        return Ok(String::new());
    };
    let mut buffer = vec![0; 4096];
    loop {
        let count = pipe.read(&mut buffer).await?;
        if count == 0 {
            lines.end_line(progress);
            return Ok(lines.kept);
        }
        for byte in &buffer[..count] {
            lines.push(*byte, progress);
        }
    }
}

/// Turns git's terminal talk into lines: a carriage return starts the line over.
#[derive(Default)]
struct Lines {
    current: Vec<u8>,
    restarted: bool,
    kept: String,
}

impl Lines {
    fn push(&mut self, byte: u8, progress: Progress<'_>) {
        match byte {
            b'\n' => self.end_line(progress),
            b'\r' => self.restarted = true,
            _ => {
                if std::mem::take(&mut self.restarted) {
                    self.current.clear();
                }
                if self.current.len() < MAX_LINE {
                    self.current.push(byte);
                }
            }
        }
    }

    fn end_line(&mut self, progress: Progress<'_>) {
        self.restarted = false;
        let text = String::from_utf8_lossy(&self.current).into_owned();
        self.current.clear();
        let text: String = text.chars().filter(|c| !c.is_control()).collect();
        let text = text.trim_end();
        if text.is_empty() {
            return;
        }
        progress(text);
        self.kept.push_str(text);
        self.kept.push('\n');
        if self.kept.len() > 2 * MAX_STDERR {
            let mut cut = self.kept.len() - MAX_STDERR;
            while !self.kept.is_char_boundary(cut) {
                cut += 1;
            }
            self.kept.drain(..cut);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test]
    async fn progress_arrives_as_whole_lines_without_tricks() {
        let heard = Mutex::new(Vec::new());
        let said: &[u8] = b"a:  1%\ra:  50%\ra: 100%, done.\nremote: \x1b[31mred\x07\r\n\n\xffodd";
        let note = |line: &str| heard.lock().unwrap().push(line.to_owned());
        let kept = read_progress(Some(said), &note).await.unwrap();
        let heard = heard.into_inner().unwrap();
        assert_eq!(heard, ["a: 100%, done.", "remote: [31mred", "\u{fffd}odd"]);
        assert_eq!(kept.lines().count(), 3);
    }

    /// Notes whom it is given, or takes nobody.
    #[derive(Debug, Default)]
    struct Doorkeeper {
        admitted: Mutex<Vec<u32>>,
        closed: bool,
    }

    impl Supervisor for Doorkeeper {
        fn enroll(&self, pid: u32) -> std::io::Result<()> {
            if self.closed {
                return Err(std::io::Error::other("closed"));
            }
            self.admitted.lock().unwrap().push(pid);
            Ok(())
        }

        fn fetches_into(&self, _: &Path) -> Box<dyn std::any::Any + Send> {
            Box::new(())
        }
    }

    async fn supervised(
        keeper: &Arc<Doorkeeper>,
        program: &str,
        script: &str,
    ) -> Result<Output, GitError> {
        let supervisor: Arc<dyn Supervisor> = keeper.clone();
        let call = Call::new(Environment::default(), Some(supervisor)).args(["-c", script]);
        let patience = Duration::from_secs(60);
        call.run(Path::new(program), "x", patience, &quiet).await
    }

    #[tokio::test]
    async fn nothing_runs_that_the_supervisor_does_not_know() {
        let keeper = Arc::new(Doorkeeper::default());
        let script = "cat; echo $$";
        let output = supervised(&keeper, "/bin/sh", script).await.unwrap();
        let admitted = keeper.admitted.lock().unwrap()[0];
        assert_eq!(output.text().trim(), admitted.to_string());

        let dir = tempfile::tempdir().unwrap();
        let trace = dir.path().join("it-ran");
        let closed = Arc::new(Doorkeeper {
            closed: true,
            ..Doorkeeper::default()
        });
        let script = format!("touch {}", trace.display());
        let refused = supervised(&closed, "/bin/sh", &script).await.unwrap_err();
        assert!(refused.to_string().contains("closed"), "{refused}");
        assert!(!trace.exists());
    }

    #[tokio::test]
    async fn a_missing_git_is_told_behind_the_gate_too() {
        let keeper = Arc::new(Doorkeeper::default());
        let missing = supervised(&keeper, "/nonexistent/git", "")
            .await
            .unwrap_err();
        assert_eq!(missing.kind(), "git_missing");
    }

    #[tokio::test]
    async fn an_answer_without_an_end_is_not_waited_for() {
        let call = Call::new(Environment::default(), None).args(["-c", "yes; sleep 1000000"]);
        let call = call.answers_within(1000);
        let patience = Duration::from_secs(60);
        let program = Path::new("/bin/sh");
        let error = call.run(program, "x", patience, &quiet).await.unwrap_err();
        assert_eq!(error.kind(), "git_too_much");
    }

    #[tokio::test]
    async fn endless_talk_is_cut_not_kept() {
        let said = "é".repeat(1000) + "\n";
        let said = said.repeat(200);
        let kept = read_progress(Some(said.as_bytes()), &quiet).await.unwrap();
        assert!(kept.len() <= 2 * MAX_STDERR);
    }
}
