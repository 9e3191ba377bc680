//! Build arguments and the image's format: what the Dockerfile's author says to the engine.

use std::collections::BTreeMap;
use std::path::Path;

use domain::Reason;
use domain::fields::is_proxy;

use crate::failure::Failure;
use crate::fence::Program;
use crate::mask::says_secret;

/// Beginnings of names that steer the engine, its loader or its shell when they stand in the
/// environment. Build arguments come from strangers, the engine runs as root.
const STEERING: [&str; 26] = [
    "_",
    "BASH",
    "BUILDAH",
    "CDPATH",
    "CONTAINERS",
    "DBUS",
    "DOCKER",
    "ENV",
    "GCONV",
    "GLIBC",
    "GNUPG",
    "GO",
    "HOME",
    "HOST",
    "IFS",
    "LC_",
    "LD_",
    "LIST",
    "LOC",
    "MALLOC",
    "NOTIFY",
    "PATH",
    "REGISTRY",
    "STORAGE",
    "TMP",
    "XDG",
];

/// Hands build arguments over by the environment, since everybody on the machine may read a
/// process's arguments. Names that would steer the engine there go as arguments all the same:
/// their values are paths and switches. One with a login in it is refused, there being no third way.
///
/// # Errors
/// When the engine cannot take one, or others could read a login.
pub(super) fn give(
    program: &mut Program,
    arguments: &BTreeMap<String, String>,
) -> Result<(), Failure> {
    for (name, value) in arguments {
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            return Err(Failure::new(
                Reason::DockerfileInvalid,
                format!("The build argument {name:?} cannot be given to the engine"),
            ));
        }
        if !steers(name) {
            program.args(["--build-arg", name]).env(name, value);
        } else if holds_login(name, value) {
            return Err(Failure::new(
                Reason::DockerfileInvalid,
                format!(
                    "The build argument {name:?} holds a login, which others on the machine could \
                     read; give it in a secret mount"
                ),
            ));
        } else {
            program.args(["--build-arg", &format!("{name}={value}")]);
        }
    }
    Ok(())
}

fn steers(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    // DOCKER_PASSWORD and GOOGLE_API_KEY only begin like what steers.
    if says_secret(name) {
        return false;
    }
    STEERING.iter().any(|start| upper.starts_with(start))
        || upper.starts_with("SSL_CERT")
        || is_proxy(name)
}

/// Whether there is a login in an argument. A proxy's address needs no scheme and has no other use for
/// an `@`; elsewhere it may stand before a digest.
fn holds_login(name: &str, value: &str) -> bool {
    if is_proxy(name) {
        return value.contains('@');
    }
    value.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let user = authority.rsplit_once('@').map(|(user, _)| user);
        user.is_some_and(|user| user.contains(':'))
    })
}

/// `docker` when the Dockerfile uses instructions that the OCI format has no place for (they would
/// be ignored with a warning), `oci` otherwise.
pub(super) fn image_format(dockerfile: &Path) -> &'static str {
    let text = std::fs::read(dockerfile).unwrap_or_default();
    let needs_docker = text.split(|byte| *byte == b'\n').any(|line| {
        let word = line
            .trim_ascii_start()
            .split(u8::is_ascii_whitespace)
            .next()
            .unwrap_or_default();
        [&b"SHELL"[..], b"HEALTHCHECK", b"ONBUILD"]
            .iter()
            .any(|instruction| word.eq_ignore_ascii_case(instruction))
    });
    if needs_docker { "docker" } else { "oci" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_out_of_the_arguments() {
        let mut program = Program::new(Path::new("/bin/true"));
        let arguments = BTreeMap::from([
            ("API_TOKEN".to_owned(), "hush".to_owned()),
            ("DOCKER_PASSWORD".to_owned(), "hush".to_owned()),
            ("GOOGLE_API_KEY".to_owned(), "hush".to_owned()),
            ("LD_PRELOAD".to_owned(), "/evil.so".to_owned()),
        ]);
        give(&mut program, &arguments).unwrap();
        assert!(
            !program
                .words()
                .iter()
                .any(|word| word.to_string_lossy().contains("hush"))
        );
        assert!(
            !program
                .environment()
                .iter()
                .any(|(key, _)| key == "LD_PRELOAD")
        );
        let bad = BTreeMap::from([("a=b".to_owned(), String::new())]);
        assert!(give(&mut program, &bad).is_err());
    }

    #[test]
    fn a_login_that_others_could_read_is_refused_by_name() {
        let given = |name: &str, value: &str| {
            let mut program = Program::new(Path::new("/bin/true"));
            let arguments = BTreeMap::from([(name.to_owned(), value.to_owned())]);
            give(&mut program, &arguments).map(|()| program)
        };
        for (name, value) in [
            ("HTTPS_PROXY", "http://user:hush@proxy:3128"),
            ("http_proxy", "user:hush@proxy:3128"),
            ("ALL_PROXY", "socks5://hush@proxy"),
            ("GOPROXY", "https://open,https://user:hush@closed/go,direct"),
        ] {
            let message = given(name, value).unwrap_err().message;
            assert!(message.contains(name), "{message}");
            assert!(!message.contains("hush"), "{message}");
        }
        for (name, value) in [
            ("HTTPS_PROXY", "http://proxy:3128"),
            ("NO_PROXY", "localhost,10.0.0.0/8"),
            ("DOCKER_IMAGE", "mirror:5000/node:20@sha256:0123"),
            ("LOCAL_NPM", "https://npm:4873/@shop/web"),
            ("GO_MODULES", "ssh://git@example.com/go"),
            ("DATABASE", "postgres://user:hush@db/shop"),
        ] {
            let program = given(name, value).unwrap();
            let mut words = program.words().iter();
            assert!(!words.any(|word| word.to_string_lossy().contains("hush")));
        }
    }

    #[test]
    fn the_format_follows_the_dockerfile() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("Dockerfile");
        std::fs::write(&file, "FROM scratch\nCOPY shell /\n").unwrap();
        assert_eq!(image_format(&file), "oci");
        std::fs::write(&file, "FROM scratch\n  shell [\"/bin/bash\", \"-c\"]\n").unwrap();
        assert_eq!(image_format(&file), "docker");
    }
}
