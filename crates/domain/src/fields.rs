//! The published patterns and limits of single fields. Each check returns what is wrong as a
//! phrase that follows the field's name ("must …").
//!
//! Source of the patterns: the public API reference, per call.

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
pattern!(COLOR, r"^#([a-fA-F0-9]{6}|[a-fA-F0-9]{3})$");
pattern!(PLAN, r"^[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*$");
pattern!(DOCKER_FILE_PATH, r"^/([a-zA-Z0-9\-._]+/)*[a-zA-Z0-9\-._]+$");
pattern!(DOCKER_WORK_DIR, r"^/([a-zA-Z0-9\-._]+/)*[a-zA-Z0-9\-._]*$");
pattern!(STAGE, r"^[a-zA-Z0-9\-_]+$");
pattern!(BUILD_RULE, r"^[^?:@$~ \[\]{}]*$");
pattern!(ARGUMENT_KEY, r"^[a-zA-Z0-9\-_/.]+$");

/// Length of a project's name.
pub const PROJECT_NAME: std::ops::RangeInclusive<usize> = 3..=39;
/// Length of a service's name.
pub const SERVICE_NAME: std::ops::RangeInclusive<usize> = 3..=54;
/// Length of a credential's name.
pub const CREDENTIAL_NAME: std::ops::RangeInclusive<usize> = 3..=54;
/// Rules or flags in one list.
pub const RULES: usize = 200;
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

/// A rule for branches or pull requests, like `release/*`.
pub fn build_rule(value: &str) -> Result<(), Problem> {
    matches(
        &BUILD_RULE,
        value,
        "must be the name of a branch, with * for any part of it, and without ?:@$~ [ ] { } or spaces",
    )
}

/// A path ignore rule.
pub fn path_rule(value: &str) -> Result<(), Problem> {
    at_most(value, 260)
}

/// A word in a commit's message that keeps it from being built.
pub fn ignore_flag(value: &str) -> Result<(), Problem> {
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
        sha("262ed9817b3cad5142fbceabe0c9e371e390d616").unwrap();
        storage_size(16384).unwrap();
        build_rule("feature/*").unwrap();
        ignore_flag("[skip ci]").unwrap();
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
        assert!(storage_size(5).is_err());
        assert!(build_rule("release/[0-9]").is_err());
        assert!(path_rule(&"x".repeat(261)).is_err());
        assert!(ignore_flag(&"x".repeat(73)).is_err());
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
