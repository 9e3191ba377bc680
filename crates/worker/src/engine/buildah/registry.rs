//! What kind of trouble with a registry the engine's words are about.

use domain::Reason;

/// Nobody there, or nobody who can answer. The first is a gate's word.
const AWAY: [&str; 16] = [
    "cannot be reached: ",
    "connection refused",
    "connection reset",
    "broken pipe",
    "i/o timeout",
    "no route to host",
    "network is unreachable",
    "no such host",
    "TLS handshake timeout",
    "context deadline exceeded",
    "x509: ",
    "server gave HTTP response to HTTPS client",
    ": EOF",
    "502 ",
    "503 ",
    "504 ",
];
/// A login is missing or not taken. The first is a gate's word. Some registries say so of images that
/// do not exist.
const NO_ENTRY: [&str; 5] = [
    "refused the login",
    "unauthorized",
    "authentication required",
    "requested access to the resource is denied",
    "invalid username/password",
];
/// The gates' word for an address that the operator has not allowed.
const NOT_ALLOWED: &str = "may not be contacted: ";
/// Somebody answered, and does not have it.
const UNKNOWN: [&str; 2] = ["manifest unknown", "name unknown"];

/// Why a registry could not be worked with, where that is its doing and not the image's.
pub(super) fn trouble(error: &str) -> Option<Reason> {
    let has = |words: &[&str]| words.iter().any(|word| error.contains(word));
    if error.contains(NOT_ALLOWED) {
        Some(Reason::RegistryAddressNotAllowed)
    } else if has(&NO_ENTRY) {
        Some(Reason::RegistryAuthFailed)
    } else if has(&AWAY) {
        Some(Reason::RegistryUnreachable)
    } else {
        None
    }
}

/// Why an image could not be pulled.
pub(super) fn pull_reason(error: &str) -> Reason {
    // A mirror that does not have it answers for a registry that is away.
    match trouble(error) {
        Some(Reason::RegistryUnreachable) if UNKNOWN.iter().any(|word| error.contains(word)) => {
            Reason::BaseImageNotFound
        }
        Some(reason) => reason,
        None => Reason::BaseImageNotFound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pulls_fail_for_a_reason() {
        for (error, reason) in [
            (
                "pinging container registry 127.0.0.1:1: connection refused",
                Reason::RegistryUnreachable,
            ),
            (
                "reading manifest 1 in x: manifest unknown: manifest unknown",
                Reason::BaseImageNotFound,
            ),
            (
                "(Mirrors also failed: [m/debian:x: reading manifest x in m/debian: manifest \
                 unknown]): docker.io/library/debian:x: no such host",
                Reason::BaseImageNotFound,
            ),
            (
                "reading manifest 1 in x: denied: the registry r refused the login `example`",
                Reason::RegistryAuthFailed,
            ),
            (
                "reading manifest 1 in x: denied: the registry r may not be contacted: private",
                Reason::RegistryAddressNotAllowed,
            ),
        ] {
            assert_eq!(pull_reason(error), reason, "{error}");
        }
    }
}
