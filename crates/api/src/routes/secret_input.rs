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
        problems.add(field, format!("must be at most {} entries", fields::VALUES));
    }
    for (name, value) in part {
        let field = format!("{field}.{name}");
        problems.check(&field, name_is_fine(name));
        problems.check(&field, value_is_fine(value));
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
