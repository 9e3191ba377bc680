//! From Buildah's words to one typed reason. Buildah tells what went wrong in its last `Error:`
//! line and which step it was at in its `STEP` lines; there is no other channel.

use domain::Reason;

use super::registry;
use crate::engine::EngineError;
use crate::failure::{Failure, shorten};

/// How much of a step is quoted.
const STEP_CHARS: usize = 120;
/// What the runtime says before the cause, when it could not start a step's program.
const NOT_STARTED: &str = "unable to start container process: ";

/// Listens to a build's output.
#[derive(Debug, Default)]
pub(super) struct Listener {
    step: Option<String>,
    error: Option<String>,
    not_started: Option<String>,
    panicked: bool,
    steps: usize,
}

impl Listener {
    /// Hears one line.
    pub(super) fn hear(&mut self, line: &str) {
        if let Some(step) = step_of(line) {
            self.steps += 1;
            self.step = Some(step.to_owned());
            self.not_started = None;
        } else if let Some(error) = line.strip_prefix("Error: ") {
            self.error = Some(error.to_owned());
        } else if line.starts_with("error running container: ")
            // The runtime may warn of other things first: the cause is then in a line after that.
            || self.not_started.is_some() && line.contains(NOT_STARTED)
        {
            self.not_started = Some(line.to_owned());
        } else if line.starts_with("panic: ") {
            self.panicked = true;
        }
    }

    /// Whether the engine came as far as the first step.
    pub(super) fn began(&self) -> bool {
        self.steps > 0
    }

    /// The engine's last word.
    pub(super) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// Why the build failed; `ended` tells how the engine's process ended.
    pub(super) fn explain(&self, ended: &str) -> Failure {
        let Some(error) = self.error.as_deref() else {
            return self.without_error(ended);
        };
        if error.contains("no space left on device") {
            return Failure::new(
                Reason::DiskFull,
                format!("The machine's disk is full: {error}"),
            );
        }
        if let Some(rest) = error.strip_prefix("building at STEP \"") {
            return self.at_step(rest);
        }
        if error.contains("no stage or image found with that name") {
            return no_such_image(error);
        }
        if self.is_at("FROM") && is_pull_trouble(error) {
            return Failure::new(
                registry::pull_reason(error),
                format!("{} failed: {}", self.quoted(), pull_trouble(error)),
            );
        }
        if is_bad_dockerfile(error) {
            return Failure::new(
                Reason::DockerfileInvalid,
                format!("The Dockerfile is not valid: {error}"),
            );
        }
        Failure::new(Reason::EngineFailed, format!("The engine failed: {error}"))
    }

    fn without_error(&self, ended: &str) -> Failure {
        if self.panicked && self.step.as_deref().is_some_and(|step| !step.contains(' ')) {
            return Failure::new(
                Reason::DockerfileInvalid,
                format!(
                    "The Dockerfile is not valid: {} says nothing",
                    self.quoted()
                ),
            );
        }
        Failure::new(
            Reason::EngineFailed,
            format!("The engine ended unexpectedly: {ended}"),
        )
    }

    /// `rest` is what follows the opening quote: the step, a quote, a colon and what was wrong.
    fn at_step(&self, rest: &str) -> Failure {
        // The step may hold the separator itself; the step we heard of tells where it ends.
        let wrong = self
            .step
            .as_deref()
            .and_then(|step| rest.strip_prefix(step)?.strip_prefix("\": "))
            .or_else(|| rest.split_once("\": ").map(|(_, wrong)| wrong))
            .unwrap_or(rest);
        let step = self.quoted();
        if let Some(code) = wrong.strip_prefix("while running runtime: exit status ") {
            return match &self.not_started {
                Some(why) => not_started(&step, why),
                None => Failure::new(
                    Reason::StepFailed,
                    format!("{step} exited with code {code}"),
                ),
            };
        }
        if wrong.contains("no stage or image found with that name") {
            return no_such_image(wrong);
        }
        let reason = if wrong.contains("Unknown instruction") || wrong.contains(" requires ") {
            Reason::DockerfileInvalid
        } else {
            Reason::StepFailed
        };
        let wrong = wrong.split(" &imagebuilder.Step").next().unwrap_or(wrong);
        Failure::new(reason, format!("{step} failed: {wrong}"))
    }

    fn is_at(&self, instruction: &str) -> bool {
        self.step.as_deref().is_some_and(|step| {
            step.get(..instruction.len())
                .is_some_and(|word| word.eq_ignore_ascii_case(instruction))
        })
    }

    fn quoted(&self) -> String {
        match &self.step {
            Some(step) => format!("`{}`", shorten(step, STEP_CHARS)),
            None => "A step".to_owned(),
        }
    }
}

/// Why a push failed. A registry that is away is another thing than one that refuses.
pub(super) fn push(error: &str) -> EngineError {
    if error.contains("no space left on device") || error.contains("507 Insufficient Storage") {
        return EngineError::Failed(Failure::new(
            Reason::DiskFull,
            format!("The machine's disk is full: {error}"),
        ));
    }
    let (reason, did) = match registry::trouble(error) {
        Some(Reason::RegistryUnreachable) => {
            return EngineError::Unreachable(innermost(error).to_owned());
        }
        Some(reason) => (reason, "let nobody in"),
        None => (Reason::PushFailed, "did not take the image"),
    };
    EngineError::Failed(Failure::new(
        reason,
        format!("The registry {did}: {}", innermost(error)),
    ))
}

/// The instruction in `STEP 2/6: COPY a b`, with `[1/2] ` before it when there are stages.
fn step_of(line: &str) -> Option<&str> {
    let line = match line.strip_prefix('[') {
        Some(rest) => rest.split_once("] ")?.1,
        None => line,
    };
    let (count, step) = line.strip_prefix("STEP ")?.split_once(": ")?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (at, of) = count.split_once('/')?;
    (digits(at) && digits(of)).then_some(step)
}

/// The runtime could not start the step's program: the Dockerfile's fault when the program is not
/// in the image, ours otherwise.
fn not_started(step: &str, why: &str) -> Failure {
    let why = why
        .split_once(NOT_STARTED)
        .map(|(_, why)| why.trim_end_matches('"').replace("\\\"", "\""));
    match why {
        Some(why) => Failure::new(
            Reason::StepFailed,
            format!("{step} could not be started: {why}"),
        ),
        None => Failure::new(
            Reason::EngineFailed,
            format!("{step} could not be started: the container runtime failed"),
        ),
    }
}

/// `COPY --from=x` names neither a stage nor an image that can be pulled. A bare word was most
/// likely meant as a stage.
fn no_such_image(error: &str) -> Failure {
    let name = error
        .split_once(": no stage or image found")
        .and_then(|(before, _)| before.rsplit_once("from="))
        .map_or("", |(_, name)| name);
    if name.contains(['/', ':', '.']) {
        Failure::new(
            Reason::BaseImageNotFound,
            format!("The image {name} could not be pulled"),
        )
    } else {
        Failure::new(
            Reason::DockerfileInvalid,
            format!("The Dockerfile names {name:?}, which is neither a stage nor an image"),
        )
    }
}

fn is_pull_trouble(error: &str) -> bool {
    const WORDS: [&str; 12] = [
        "initializing source",
        "short-name",
        "reading manifest",
        "reading blob",
        "unable to copy from source",
        "pinging container registry",
        "manifest unknown",
        "name unknown",
        "unauthorized",
        "choosing an image from manifest list",
        "invalid reference format",
        "copying system image",
    ];
    WORDS.iter().any(|word| error.contains(word))
}

fn is_bad_dockerfile(error: &str) -> bool {
    const WORDS: [&str; 11] = [
        "The target \"",
        "no FROM statement",
        "no contents in",
        "FROM requires",
        "resolving step",
        "determining starting point",
        "nknown instruction",
        "unexpected end of statement",
        "parse error",
        "parsing main Dockerfile",
        " requires ",
    ];
    WORDS.iter().any(|word| error.contains(word))
}

/// What the registry said, and what its mirrors had said before.
fn pull_trouble(error: &str) -> String {
    let mirrors = error
        .split_once("(Mirrors also failed: [")
        .and_then(|(_, rest)| rest.split_once("]): "));
    match mirrors {
        Some((mirrors, registry)) => format!("{} (mirror: {mirrors})", innermost(registry)),
        None => innermost(error).to_owned(),
    }
}

/// The end of a chain of causes says most: `a: b: manifest unknown: manifest unknown`.
fn innermost(error: &str) -> &str {
    const KEEP: usize = 200;
    let mut from = error.len().saturating_sub(KEEP);
    while !error.is_char_boundary(from) {
        from += 1;
    }
    match error[from..].find(": ") {
        Some(colon) if from > 0 => &error[from + colon + 2..],
        _ => &error[from..],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explain(lines: &[&str]) -> (Reason, String) {
        let mut listener = Listener::default();
        for line in lines {
            listener.hear(line);
        }
        let failure = listener.explain("exit status: 125");
        (failure.reason, failure.message)
    }

    #[test]
    fn a_failing_step_is_quoted_with_its_code() {
        let (reason, message) = explain(&[
            "[2/2] STEP 3/9: RUN echo \"a\": b; exit 2",
            "Error: building at STEP \"RUN echo \"a\": b; exit 2\": while running runtime: exit status 2",
        ]);
        assert_eq!(reason, Reason::StepFailed);
        assert_eq!(message, "`RUN echo \"a\": b; exit 2` exited with code 2");
    }

    #[test]
    fn a_program_that_is_not_in_the_image() {
        let (reason, message) = explain(&[
            "STEP 2/2: RUN [\"/nope\"]",
            r#"error running container: from /usr/bin/runc creating container for [/nope]: time="t" level=error msg="runc create failed: unable to start container process: exec: \"/nope\": stat /nope: no such file or directory""#,
            "Error: building at STEP \"RUN /nope\": while running runtime: exit status 1",
        ]);
        assert_eq!(reason, Reason::StepFailed);
        assert!(
            message.ends_with("stat /nope: no such file or directory"),
            "{message}"
        );
    }

    #[test]
    fn a_shell_that_is_not_in_the_image_after_a_warning() {
        let (reason, message) = explain(&[
            "STEP 3/3: RUN nope",
            r#"error running container: from /usr/bin/runc creating container for [/bin/sh -c nope]: time="2026-11-24T14:02:12Z" level=warning msg="unable to get oom kill count" error="no directory specified for memory.oom_control""#,
            r#"time="2026-11-24T14:02:12Z" level=error msg="runc create failed: unable to start container process: exec: "/bin/sh": stat /bin/sh: no such file or directory""#,
            ": exit status 1",
            "Error: building at STEP \"RUN nope\": while running runtime: exit status 1",
        ]);
        assert_eq!(reason, Reason::StepFailed);
        assert_eq!(
            message,
            "`RUN nope` could not be started: exec: \"/bin/sh\": stat /bin/sh: no such file or directory"
        );
    }

    #[test]
    fn a_step_that_only_says_so_ran() {
        let (reason, message) = explain(&[
            "STEP 2/2: RUN runc",
            "unable to start container process: no",
            "Error: building at STEP \"RUN runc\": while running runtime: exit status 3",
        ]);
        assert_eq!(reason, Reason::StepFailed);
        assert_eq!(message, "`RUN runc` exited with code 3");
    }

    #[test]
    fn images_that_cannot_be_pulled() {
        let away = [
            "STEP 1/1: FROM 127.0.0.1:1/x/y",
            "Error: creating build container: initializing source docker://127.0.0.1:1/x/y:latest: pinging container registry 127.0.0.1:1: connection refused",
        ];
        assert_eq!(explain(&away).0, Reason::RegistryUnreachable);
        for lines in [
            &[
                "STEP 1/1: FROM 127.0.0.1:1/x/y",
                "Error: creating build container: initializing source docker://127.0.0.1:1/x/y:latest: reading manifest latest in 127.0.0.1:1/x/y: manifest unknown: manifest unknown",
            ],
            &[
                "STEP 2/2: COPY --from=127.0.0.1:1/nginx:alpine / /",
                "Error: COPY --from=127.0.0.1:1/nginx:alpine: no stage or image found with that name",
            ],
        ] {
            assert_eq!(explain(lines).0, Reason::BaseImageNotFound);
        }
    }

    #[test]
    fn what_the_mirror_said_is_told_too() {
        let (reason, message) = explain(&[
            "STEP 1/1: FROM debian:12",
            "Error: creating build container: initializing source docker://debian:12: (Mirrors also failed: [127.0.0.1:1/library/debian:12: connection refused]): docker.io/library/debian:12: no such host",
        ]);
        assert_eq!(reason, Reason::RegistryUnreachable);
        assert_eq!(
            message,
            "`FROM debian:12` failed: docker.io/library/debian:12: no such host \
             (mirror: 127.0.0.1:1/library/debian:12: connection refused)"
        );
    }

    #[test]
    fn dockerfiles_that_mean_nothing() {
        for lines in [
            &["Error: The target \"zz\" was not found in the provided Dockerfile"][..],
            &["Error: no FROM statement found"],
            &["Error: FROM requires either one argument, or three: FROM <source> [as <name>]"],
            &[
                "STEP 2/2: COPYX a",
                "Error: building at STEP \"COPYX \": Build error: Unknown instruction: \"COPYX\"",
            ],
            &[
                "STEP 2/2: COPY a",
                "Error: building at STEP \"COPY a\": COPY requires at least one argument",
            ],
            &[
                "STEP 2/2: COPY --from=nix /a /b",
                "Error: COPY --from=nix: no stage or image found with that name",
            ],
            &[
                "STEP 2/2: RUN",
                "panic: runtime error: slice bounds out of range [4:3]",
            ],
        ] {
            assert_eq!(explain(lines).0, Reason::DockerfileInvalid, "{lines:?}");
        }
    }

    #[test]
    fn the_rest_is_the_engine_or_the_disk() {
        assert_eq!(explain(&[]).0, Reason::EngineFailed);
        assert_eq!(
            explain(&["Error: mounting: invalid argument"]).0,
            Reason::EngineFailed
        );
        let full = "Error: building at STEP \"COPY a b\": write /x: no space left on device";
        assert_eq!(explain(&[full]).0, Reason::DiskFull);
    }

    #[test]
    fn hostile_lines_do_not_upset_it() {
        for line in [
            "STEP ",
            "STEP 1/: x",
            "[",
            "[] STEP /: ",
            "Error: ",
            "Error: building at STEP \"",
            "Error: ü: no stage or image found",
        ] {
            let _ = explain(&[line, "Error: ", line]);
        }
    }
}
