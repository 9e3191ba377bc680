//! Arguments, files and mounts in bodies: the same rules wherever they are said.

use crate::edge::{ApiError, Caller, Problems};
use domain::fields::{self, Problem};
use domain::service::{DockerfileSettings, is_dockerfile};
use domain::{FileContent, Permission as P, SecretChanges, SecretValues, template};
use std::collections::BTreeMap;

/// How a body calls the three.
pub(crate) struct Names {
    variables: &'static str,
    files: &'static str,
    mounts: &'static str,
}

/// In a service.
pub(crate) const SERVICE: Names = Names {
    variables: "buildArguments",
    files: "buildFiles",
    mounts: "dockerSecretMounts",
};
/// In the start of a build.
pub(crate) const OVERRIDES: Names = Names {
    variables: "overrides.buildArguments",
    files: "overrides.buildFiles",
    mounts: "overrides.dockerSecretMounts",
};
/// In a group of secrets.
pub(crate) const GROUP: Names = Names {
    variables: "secrets.variables",
    files: "secrets.files",
    mounts: "secrets.dockerSecretMounts",
};

impl Names {
    pub(crate) fn check(&self, secrets: &SecretChanges, problems: &mut Problems) {
        let value = |value: &String| fields::argument_value(value);
        let (variables, files, mounts) = (&secrets.variables, &secrets.files, &secrets.mounts);
        check_part(
            self.variables,
            variables,
            fields::argument_key,
            value,
            problems,
        );
        check_together(
            (self.variables, fields::ARGUMENTS_BYTES),
            variables,
            |name, value| fields::argument_bytes(name, value),
            problems,
        );
        for (field, part) in [(self.files, files), (self.mounts, mounts)] {
            let bytes = |name: &str, file: &FileContent| name.len() + file.data.len() / 4 * 3;
            check_together((field, template::BUILD_BYTES), part, bytes, problems);
        }
        check_part(
            self.files,
            files,
            fields::file_path,
            fields::file_content,
            problems,
        );
        check_part(
            self.mounts,
            mounts,
            fields::mount_id,
            fields::file_content,
            problems,
        );
    }
}

impl Names {
    /// Notes what refers to secrets of the account, for a build that gets none of them.
    pub(crate) fn refer_to_no_account(&self, values: &SecretValues, problems: &mut Problems) {
        let mut check = |part: &str, name: &str, text: &str| {
            if template::account_references(text).next().is_some() {
                let problem = "refers to a secret of the account, of which a pull request from a \
                               fork gets none";
                problems.add(&format!("{part}.{name}"), problem);
            }
        };
        for (name, value) in &values.variables {
            check(self.variables, name, value);
        }
        for (part, files) in [(self.files, &values.files), (self.mounts, &values.mounts)] {
            for (name, file) in files {
                check(part, name, &file.text().unwrap_or_default());
            }
        }
    }
}

/// Notes the build file that would take the place of the Dockerfile: what is built is what was
/// committed.
pub(crate) fn keeps_dockerfile(
    field: &str,
    files: &BTreeMap<String, FileContent>,
    dockerfile: &DockerfileSettings,
    problems: &mut Problems,
) {
    let (dir, path) = (&dockerfile.docker_work_dir, &dockerfile.docker_file_path);
    for file in files.keys().filter(|file| is_dockerfile(file, dir, path)) {
        let problem = "would take the place of the Dockerfile, which has to be in the repository";
        problems.add(&format!("{field}.{file}"), problem);
    }
}

/// The same for a service's own files.
pub(crate) fn keeps_its_dockerfile(
    secrets: &SecretValues,
    dockerfile: &DockerfileSettings,
) -> Result<(), ApiError> {
    let mut problems = Problems::default();
    keeps_dockerfile(SERVICE.files, &secrets.files, dockerfile, &mut problems);
    problems.into_result()
}

fn check_part<T>(
    field: &str,
    part: &Option<BTreeMap<String, T>>,
    name_is_fine: fn(&str) -> Result<(), Problem>,
    value_is_fine: impl Fn(&T) -> Result<(), Problem>,
    problems: &mut Problems,
) {
    let Some(part) = part else { return };
    if part.len() > fields::VALUES {
        problems.add(
            field,
            format!("must have at most {} entries", fields::VALUES),
        );
    }
    for (name, value) in part {
        let field = format!("{field}.{name}");
        problems.check(&field, name_is_fine(name));
        problems.check(&field, value_is_fine(value));
    }
}

/// Notes a part that is too large as a whole.
fn check_together<T>(
    (field, limit): (&str, usize),
    part: &Option<BTreeMap<String, T>>,
    bytes: impl Fn(&str, &T) -> usize,
    problems: &mut Problems,
) {
    let values = part.iter().flatten();
    let all: usize = values.map(|(name, value)| bytes(name, value)).sum();
    if all > limit {
        let problem = format!("must be at most {} MiB together", limit / 1024 / 1024);
        problems.add(field, problem);
    }
}

/// Whoever refers to a secret of the account could read it in a build, so must be one who may read it.
/// What was there before may be written back.
pub(crate) fn may_refer(
    caller: &Caller,
    changes: &SecretChanges,
    before: &SecretValues,
) -> Result<(), ApiError> {
    if template::refers_anew(changes, before) {
        caller.require(P::AccountSecretRead)?;
    }
    Ok(())
}

/// Has a part that is not given be empty, as in what replaces a whole.
pub(crate) fn replace_all(changes: &mut SecretChanges) {
    changes.variables.get_or_insert_default();
    changes.files.get_or_insert_default();
    changes.mounts.get_or_insert_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_is_too_large_together_is_named() {
        let argument = |n: u32| (format!("A{n}"), "x".repeat(fields::ARGUMENT_BYTES));
        let file = |n: u32| {
            let text = "x".repeat(fields::FILE_BYTES);
            (format!("/a{n}"), FileContent::of_text(&text))
        };
        let of = |arguments: u32, files: u32| SecretChanges {
            variables: Some((0..arguments).map(argument).collect()),
            files: Some((0..files).map(file).collect()),
            mounts: None,
        };
        let check = |changes| {
            let mut problems = Problems::default();
            SERVICE.check(&changes, &mut problems);
            problems.into_result()
        };
        assert!(check(of(15, 7)).is_ok());
        let error = check(of(16, 9)).unwrap_err().to_string();
        assert!(
            error.contains("`buildArguments` must be at most 1 MiB"),
            "{error}"
        );
        assert!(
            error.contains("`buildFiles` must be at most 4 MiB"),
            "{error}"
        );
    }
}
