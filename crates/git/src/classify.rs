//! From git's words to a typed error.
//!
//! Git tells its failures apart only in prose, on stderr, mixed with what the server says. It runs
//! with `LC_ALL=C`, so the prose is stable enough; what is not recognised stays in git's own words.

use crate::error::GitError;

/// What a failure means, before it is known which repository and ref it was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    DiskFull,
    ProtocolNotAllowed,
    HostKeyUnknown,
    HostKey,
    Authentication,
    RefNotFound,
    CommitNotFound,
    Redirected,
    RepositoryNotFound,
    Unreachable,
    /// The local repository is damaged.
    Corrupt,
    Unknown,
}

/// Signs in lower case; the first that occurs decides. Order matters: a server that wants
/// credentials also "hangs up unexpectedly", and that must not make it unreachable; a full disk
/// breaks whatever git was about, so it comes first.
const SIGNS: &[(Failure, &[&str])] = &[
    (
        Failure::DiskFull,
        &["no space left on device", "disk quota exceeded"],
    ),
    (Failure::ProtocolNotAllowed, &["' not allowed"]),
    (Failure::HostKeyUnknown, &["host key is known for"]),
    (
        Failure::HostKey,
        &[
            "host key verification failed",
            "remote host identification has changed",
        ],
    ),
    (
        Failure::Authentication,
        &[
            "authentication failed",
            "could not read username",
            "could not read password",
            "terminal prompts disabled",
            "permission denied (",
            "returned error: 401",
            "returned error: 403",
            "access denied",
            "invalid credentials",
            "too many authentication failures",
        ],
    ),
    (
        Failure::RefNotFound,
        &["couldn't find remote ref", "could not find remote ref"],
    ),
    (
        Failure::CommitNotFound,
        &[
            "not our ref",
            "unadvertised object",
            "did not send all necessary objects",
        ],
    ),
    (
        Failure::Redirected,
        &[
            "returned error: 301",
            "returned error: 302",
            "returned error: 303",
            "returned error: 307",
            "returned error: 308",
        ],
    ),
    (
        Failure::RepositoryNotFound,
        &[
            "repository not found",
            "returned error: 404",
            "returned error: 410",
            "does not appear to be a git repository",
            "not valid: is this a git repository",
            "could not be found",
            "does not exist",
            "' not found",
        ],
    ),
    (
        Failure::Unreachable,
        &[
            "could not resolve host",
            "couldn't resolve host",
            "failed to connect",
            "couldn't connect",
            "could not connect",
            "connection refused",
            "connection timed out",
            "connection reset",
            "connection closed",
            "timed out",
            "network is unreachable",
            "no route to host",
            "operation too slow",
            "ssl certificate problem",
            "server certificate verification failed",
            "early eof",
            "hung up unexpectedly",
            "unexpected disconnect",
            "invalid index-pack output",
            "returned error: 429",
            "returned error: 5",
            "empty reply from server",
            "rpc failed",
            "could not read from remote repository",
        ],
    ),
    (
        Failure::Corrupt,
        &[
            "not a git repository",
            "corrupt",
            "bad object",
            "bad tree object",
            "unable to read tree",
            "unable to read sha1 file",
            "cannot read object",
            "could not read",
            "missing blob",
            "missing necessary objects",
            "missing object",
            "failed to read object",
            "failed to unpack tree object",
            "could not parse",
            "couldn't read",
            "inflate: data stream error",
            "too short to be a packfile",
            "far too short",
            "bad config",
            "bad ref",
            "not a valid object name",
            "file exists",
            "shallow file has changed",
            "object file",
        ],
    ),
];

pub(crate) fn classify(stderr: &str) -> Failure {
    let text = stderr.to_lowercase();
    SIGNS
        .iter()
        .find(|(_, signs)| signs.iter().any(|sign| text.contains(sign)))
        .map_or(Failure::Unknown, |(failure, _)| *failure)
}

/// What a git command left behind, as an error about the repository `url`.
pub(crate) fn to_error(stderr: &str, url: &str, subject: &str) -> GitError {
    let url = url.to_owned();
    match classify(stderr) {
        Failure::ProtocolNotAllowed => GitError::ProtocolNotAllowed {
            protocol: url.split(':').next().unwrap_or_default().to_owned(),
        },
        Failure::DiskFull => GitError::DiskFull {
            detail: last_words(stderr),
        },
        Failure::HostKeyUnknown => GitError::HostKeyUnknown { url },
        Failure::HostKey => GitError::HostKeyChanged { url },
        Failure::Authentication => GitError::AuthenticationFailed { url },
        Failure::RefNotFound => GitError::RefNotFound {
            url,
            name: subject.to_owned(),
        },
        Failure::CommitNotFound => GitError::CommitNotFound {
            url,
            commit: subject.to_owned(),
        },
        Failure::Redirected => GitError::Redirected { url },
        Failure::RepositoryNotFound => GitError::RepositoryNotFound { url },
        Failure::Unreachable => GitError::Unreachable {
            url,
            detail: last_words(stderr),
        },
        Failure::Corrupt => GitError::BrokenMirror {
            url,
            detail: last_words(stderr),
        },
        Failure::Unknown => GitError::Other(last_words(stderr)),
    }
}

/// The lines that say what went wrong, short enough for a message.
fn last_words(stderr: &str) -> String {
    const ENOUGH: usize = 3;
    let lines: Vec<_> = stderr
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let telling: Vec<_> = lines
        .iter()
        .copied()
        .filter(|line| line.starts_with("fatal:") || line.starts_with("error:"))
        .collect();
    let chosen = if telling.is_empty() { &lines } else { &telling };
    let start = chosen.len().saturating_sub(ENOUGH);
    let words = chosen[start..].join("; ");
    if words.is_empty() {
        "it ended without a word".to_owned()
    } else {
        words.chars().take(600).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_say_is_understood() {
        for (said, kind) in [
            (
                "fatal: transport 'file' not allowed",
                "git_protocol_not_allowed",
            ),
            (
                "No ED25519 host key is known for [h]:22 and you have requested strict checking.\n\
                 Host key verification failed.\nfatal: Could not read from remote repository.",
                "git_host_key_unknown",
            ),
            (
                "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
                "git_host_key_changed",
            ),
            (
                "fatal: write error: No space left on device\nfatal: fetch-pack: invalid index-pack output",
                "git_disk_full",
            ),
            (
                "fatal: could not read Username for 'https://github.com': terminal prompts disabled",
                "git_auth_failed",
            ),
            (
                "git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.",
                "git_auth_failed",
            ),
            (
                "ERROR: Repository not found.\nfatal: Could not read from remote repository.",
                "git_repository_not_found",
            ),
            (
                "fatal: repository 'https://h/a/' not found",
                "git_repository_not_found",
            ),
            (
                "fatal: couldn't find remote ref refs/heads/x",
                "git_ref_not_found",
            ),
            (
                "error: Server does not allow request for unadvertised object 12",
                "git_commit_not_found",
            ),
            (
                "fatal: remote error: upload-pack: not our ref 12",
                "git_commit_not_found",
            ),
            (
                "fatal: unable to access 'https://h/': Could not resolve host: h",
                "git_unreachable",
            ),
            (
                "fatal: unable to access 'https://h/': The requested URL returned error: 503",
                "git_unreachable",
            ),
            (
                "fatal: unable to access 'https://h/': The requested URL returned error: 301",
                "git_redirected",
            ),
            ("fatal: not a git repository: '/x'", "git_broken_mirror"),
            ("fatal: something new", "git_failed"),
            ("", "git_failed"),
        ] {
            assert_eq!(to_error(said, "https://h/a", "x").kind(), kind, "{said}");
        }
    }

    #[test]
    fn messages_stay_short() {
        let noise = "remote: noise\n".repeat(1000) + "fatal: the point\n";
        assert_eq!(
            to_error(&noise, "u", "x").to_string(),
            "git failed: fatal: the point"
        );
        let long = "x".repeat(10_000);
        assert!(to_error(&long, "u", "x").to_string().len() < 1000);
    }
}
