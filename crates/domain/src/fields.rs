//! The published patterns and limits of single fields. Each check returns what is wrong as a
//! phrase that follows the field's name ("must …").
//!
//! Source of the patterns: the public API reference, per call.

use crate::{FileContent, build_rules};
use regex::Regex;
use std::sync::LazyLock;

/// What is wrong with a value: a phrase that follows the field's name.
pub type Problem = String;

macro_rules! pattern {
    ($name:ident, $re:literal) => {
        #[allow(
            clippy::unwrap_used,
            reason = "a constant pattern, compiled by every test run"
        )]
        static $name: LazyLock<Regex> = LazyLock::new(|| Regex::new($re).unwrap());
    };
}

pattern!(
    NAME,
    r"^[a-zA-Z]((-|\s)?[a-zA-Z0-9]+((-|\s)[a-zA-Z0-9]+)*)?$"
);
pattern!(DESCRIPTION, r#"^[a-zA-Z0-9.,?\s\\/'"()\[\];`%^&*\-_:!]+$"#);
pattern!(EMAIL, r"^[^\s@]+@[^\s@]+$");
pattern!(COLOR, r"^#([a-fA-F0-9]{6}|[a-fA-F0-9]{3})$");
pattern!(PLAN, r"^[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*$");
pattern!(DOCKER_FILE_PATH, r"^/([a-zA-Z0-9\-._]+/)*[a-zA-Z0-9\-._]+$");
pattern!(DOCKER_WORK_DIR, r"^/([a-zA-Z0-9\-._]+/)*[a-zA-Z0-9\-._]*$");
pattern!(STAGE, r"^[a-zA-Z0-9\-_]+$");
pattern!(BUILD_RULE, r"^[^?:@$~ \[\]{}]*$");
pattern!(SECRET_NAME, r"^[a-zA-Z0-9]+((-|\s)[a-zA-Z0-9]+)*$");
pattern!(ID, r"^[A-Za-z0-9-]+$");
pattern!(MOUNT_ID, r"^[a-zA-Z0-9_][a-zA-Z0-9_.-]*$");
pattern!(ENCODING, r"^[a-zA-Z0-9][a-zA-Z0-9._-]{0,31}$");
pattern!(ARGUMENT_KEY, r"^[a-zA-Z0-9\-_/.]+$");

/// Length of a project's name.
pub const PROJECT_NAME: std::ops::RangeInclusive<usize> = 3..=39;
/// Length of a team's name.
pub const TEAM_NAME: std::ops::RangeInclusive<usize> = 3..=39;
/// Length of a role's name.
pub const ROLE_NAME: std::ops::RangeInclusive<usize> = 2..=54;
/// Length of a tag's name.
pub const TAG_NAME: std::ops::RangeInclusive<usize> = 1..=54;
/// Length of a service's name.
pub const SERVICE_NAME: std::ops::RangeInclusive<usize> = 3..=54;
/// Length of a credential's name.
pub const CREDENTIAL_NAME: std::ops::RangeInclusive<usize> = 3..=54;
/// Rules or flags in one list.
pub const RULES: usize = 200;
/// Arguments, files or mounts in one place.
pub const VALUES: usize = 1000;
/// Length of a build argument's value, in bytes.
pub const ARGUMENT_BYTES: usize = 64 * 1024;
/// The longest string, with its end, that a process may be started with. Source: `execve(2)`.
pub const PROCESS_STRING_BYTES: usize = 128 * 1024;
/// What build arguments may take together. A process is usually started with 2 MiB at the most, its
/// environment and the pointers to all of it included; the rest is for what steps set themselves.
pub const ARGUMENTS_BYTES: usize = 1024 * 1024;
/// Length of a file or mount, in bytes.
pub const FILE_BYTES: usize = 512 * 1024;
/// Allowed ephemeral storage per build, in MB.
pub const STORAGE_SIZES_MB: [u64; 6] = [16384, 32768, 65536, 131_072, 262_144, 524_288];

/// A project's or service's name, `length` characters long.
pub fn name(value: &str, length: std::ops::RangeInclusive<usize>) -> Result<(), Problem> {
    let count = value.chars().count();
    if !length.contains(&count) {
        return Err(format!(
            "must be {} to {} characters long, and has {count}",
            length.start(),
            length.end()
        ));
    }
    matches(
        &NAME,
        value,
        "must start with a letter and hold letters, digits and single spaces or hyphens between them",
    )
}

/// A description: up to 200 characters of plain text.
pub fn description(value: &str) -> Result<(), Problem> {
    at_most(value, 200)?;
    if value.is_empty() {
        return Ok(());
    }
    matches(
        &DESCRIPTION,
        value,
        "may hold letters, digits, spaces and common punctuation only",
    )
}

/// An e-mail address: whether anybody reads it cannot be told from it.
pub fn email(value: &str) -> Result<(), Problem> {
    at_most(value, 254)?;
    matches(&EMAIL, value, "must be an e-mail address")
}

/// A colour as `#EF233C` or `#abc`.
pub fn color(value: &str) -> Result<(), Problem> {
    matches(&COLOR, value, "must be a colour like #EF233C")
}

/// The form of a plan's id; whether there is such a plan is another question.
pub fn plan(value: &str) -> Result<(), Problem> {
    if !(3..=100).contains(&value.len()) {
        return Err("must be 3 to 100 characters long".into());
    }
    matches(&PLAN, value, "must be letters and digits joined by hyphens")
}

/// A Dockerfile's path in the repository, absolute from its root.
pub fn docker_file_path(value: &str) -> Result<(), Problem> {
    matches(
        &DOCKER_FILE_PATH,
        value,
        "must be a path from the repository's root, like /Dockerfile",
    )?;
    inside(value)
}

/// The build context's folder in the repository, absolute from its root.
pub fn docker_work_dir(value: &str) -> Result<(), Problem> {
    matches(
        &DOCKER_WORK_DIR,
        value,
        "must be a path from the repository's root, like /",
    )?;
    inside(value)
}

/// The name of a build stage.
pub fn stage(value: &str) -> Result<(), Problem> {
    matches(
        &STAGE,
        value,
        "must be the name of a build stage: letters, digits, - and _",
    )
}

/// The key of a build argument.
pub fn argument_key(value: &str) -> Result<(), Problem> {
    matches(
        &ARGUMENT_KEY,
        value,
        "may hold letters, digits, underscores, hyphens, forward slashes and dots only",
    )
}

/// The value of a build argument: what fits into a process's environment, where NUL ends it.
pub fn argument_value(value: &str) -> Result<(), Problem> {
    if value.len() > ARGUMENT_BYTES {
        return Err(format!("must be at most {} KiB", ARGUMENT_BYTES / 1024));
    }
    if value.contains('\0') {
        return Err("must not hold a NUL character".into());
    }
    Ok(())
}

/// What a build argument takes of what a process may be started with: `NAME=VALUE` with its end, and the
/// pointer to it.
pub fn argument_bytes(name: &str, value: &str) -> usize {
    name.len() + value.len() + 2 + size_of::<usize>()
}

/// Where a file is laid, absolute from the build context's root.
pub fn file_path(value: &str) -> Result<(), Problem> {
    let parts = value.strip_prefix('/').unwrap_or_default().split('/');
    let is_part = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(char::is_control);
    if !parts.clone().all(is_part) {
        return Err("must be an absolute path of a file, like /dir/file, without . or ..".into());
    }
    if value.len() > 4095 || parts.into_iter().any(|part| part.len() > 255) {
        return Err("is longer than a path may be".into());
    }
    Ok(())
}

/// The id of a Docker secret mount.
pub fn mount_id(value: &str) -> Result<(), Problem> {
    at_most(value, 128)?;
    let problem = "must be an id for RUN --mount=type=secret: letters, digits, _ . and -";
    matches(&MOUNT_ID, value, problem)
}

/// The contents of a file or mount.
pub fn file_content(file: &FileContent) -> Result<(), Problem> {
    matches(
        &ENCODING,
        &file.encoding,
        "must have an `encoding` like utf-8 or binary",
    )?;
    let Some(bytes) = file.bytes() else {
        return Err("must have its contents in `data`, in base64".into());
    };
    if bytes.len() > FILE_BYTES {
        return Err(format!("must be at most {} KiB", FILE_BYTES / 1024));
    }
    if file.is_text() && file.text().is_none() {
        return Err("is not UTF-8 text: give another `encoding`, like binary".into());
    }
    Ok(())
}

/// The name of a group of secrets, or of an account's secret.
pub fn secret_name(value: &str) -> Result<(), Problem> {
    if !(3..=100).contains(&value.chars().count()) {
        return Err("must be 3 to 100 characters long".into());
    }
    let problem = "must be letters and digits with single spaces or hyphens between them";
    matches(&SECRET_NAME, value, problem)
}

/// The priority of a group of secrets.
pub fn priority(value: i64) -> Result<(), Problem> {
    let is_one = (0..=100).contains(&value);
    let problem = || "must be a whole number from 0 to 100".to_owned();
    is_one.then_some(()).ok_or_else(problem)
}

/// The id of something, as URLs have it.
pub fn id(value: &str) -> Result<(), Problem> {
    matches(&ID, value, "must be an id: letters, digits and hyphens")
}

/// A rule for branches or pull requests, like `release/*`.
pub fn build_rule(value: &str) -> Result<(), Problem> {
    matches(
        &BUILD_RULE,
        value,
        "must be the name of a branch, with * for any part of it, and without ?:@$~ [ ] { } or spaces",
    )?;
    build_rules::branch_problem(value).map_err(|problem| format!("cannot be read: {problem}"))
}

/// A path ignore rule: a line as in `.gitignore`.
pub fn path_rule(value: &str) -> Result<(), Problem> {
    at_most(value, 260)?;
    if value.contains(['\n', '\r', '\0']) {
        return Err("must be one line".into());
    }
    build_rules::path_problem(value)
        .map_err(|problem| format!("must be a line as in .gitignore: {problem}"))
}

/// A word in a commit's message that keeps it from being built.
pub fn ignore_flag(value: &str) -> Result<(), Problem> {
    if value.is_empty() {
        return Err("must not be empty: every message has it".into());
    }
    at_most(value, 72)
}

fn at_most(value: &str, characters: usize) -> Result<(), Problem> {
    if value.chars().count() > characters {
        return Err(format!("must be at most {characters} characters long"));
    }
    Ok(())
}

/// A whole commit sha: 40 lower-case hex digits.
pub fn sha(value: &str) -> Result<(), Problem> {
    if value.len() == 40
        && value
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    {
        Ok(())
    } else {
        Err(
            "must be a whole commit sha, 40 lower-case hex digits, as `git rev-parse` prints it"
                .into(),
        )
    }
}

/// Ephemeral storage per build, in MB.
pub fn storage_size(value: u64) -> Result<(), Problem> {
    if STORAGE_SIZES_MB.contains(&value) {
        return Ok(());
    }
    let sizes = STORAGE_SIZES_MB.map(|s| s.to_string()).join(", ");
    Err(format!("must be one of {sizes} (MB)"))
}

/// The pattern lets `..` through as a path segment; a path must not climb all the same.
fn inside(value: &str) -> Result<(), Problem> {
    if value.split('/').any(|segment| segment == "..") {
        return Err("must not lead out of the repository".into());
    }
    Ok(())
}

fn matches(pattern: &Regex, value: &str, problem: &str) -> Result<(), Problem> {
    if pattern.is_match(value) {
        Ok(())
    } else {
        Err(problem.to_owned())
    }
}

/// Whether a build argument with this name is taken for the address of a proxy, without a Dockerfile that
/// asks for it.
pub fn is_proxy(name: &str) -> bool {
    name.to_ascii_uppercase().ends_with("_PROXY")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn published_examples_pass() {
        name("New Project", PROJECT_NAME).unwrap();
        name("Example Service", SERVICE_NAME).unwrap();
        description("This is a new project.").unwrap();
        color("#EF233C").unwrap();
        plan("nf-compute-200-8").unwrap();
        docker_file_path("/Dockerfile").unwrap();
        docker_work_dir("/").unwrap();
        email("user@example.com").unwrap();
        sha("262ed9817b3cad5142fbceabe0c9e371e390d616").unwrap();
        storage_size(16384).unwrap();
        build_rule("feature/*").unwrap();
        ignore_flag("[skip ci]").unwrap();
    }

    #[test]
    fn secrets_have_names_paths_and_contents() {
        for path in ["/dir/fileName", "/a b/ü.txt", "/.npmrc", "/..a"] {
            file_path(path).unwrap();
        }
        for path in [
            "",
            "/",
            "a",
            "/a/",
            "//a",
            "/a/../b",
            "/./a",
            "/a\nb",
            &"/a".repeat(3000),
        ] {
            assert!(file_path(path).is_err(), "{path:?}");
        }
        mount_id("example-secret-mount_1").unwrap();
        for bad in ["", "a,b", "a=b", "-a", "../a", "a/b", "a b"] {
            assert!(mount_id(bad).is_err(), "{bad}");
        }
        let file = |data: &str, encoding: &str| {
            let (data, encoding) = (data.to_owned(), encoding.to_owned());
            file_content(&FileContent { data, encoding })
        };
        file("aGk=", "utf-8").unwrap();
        file("/w==", "binary").unwrap();
        assert!(file("/w==", "utf-8").unwrap_err().contains("UTF-8"));
        assert!(file("%", "binary").unwrap_err().contains("base64"));
        assert!(
            file(&"aaaa".repeat(200_000), "binary")
                .unwrap_err()
                .contains("KiB")
        );
        assert!(file("aGk=", "").is_err());
        argument_value("any text\nof lines").unwrap();
        assert!(argument_value("a\0b").is_err());
        secret_name("0 group-1").unwrap();
        assert!(secret_name("ab").is_err() && secret_name("a--b").is_err());
        assert!(priority(100).is_ok() && priority(101).is_err() && priority(-1).is_err());
    }

    #[test]
    fn bad_values_say_what_is_wrong() {
        assert!(name("ab", PROJECT_NAME).unwrap_err().contains("3 to 39"));
        assert!(name("1abc", PROJECT_NAME).is_err());
        assert!(
            docker_file_path("/../Dockerfile")
                .unwrap_err()
                .contains("out of")
        );
        assert!(docker_file_path("Dockerfile").is_err());
        assert!(docker_work_dir("/a/../..").is_err());
        assert!(sha("262ED9817b3cad5142fbceabe0c9e371e390d616").is_err());
        assert!(email("user").is_err());
        assert!(email("a b@example.com").is_err());
        assert!(storage_size(5).is_err());
        assert!(build_rule("release/[0-9]").is_err());
        assert!(path_rule(&"x".repeat(261)).is_err());
        assert!(path_rule("[z").unwrap_err().contains(".gitignore"));
        assert!(path_rule("a\nb").is_err());
        assert!(ignore_flag(&"x".repeat(73)).is_err());
        assert!(ignore_flag("").is_err());
        assert!(argument_key("A B").is_err());
        assert!(stage("-f;x").is_err());
    }

    proptest! {
        #[test]
        fn a_name_that_passes_makes_a_clean_id(value in "\\PC{0,60}") {
            if name(&value, SERVICE_NAME).is_ok() {
                let slug = crate::slug::from_name(&value);
                prop_assert!(slug.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'));
                prop_assert!(!slug.starts_with('-') && !slug.ends_with('-'));
            }
        }
    }
}
