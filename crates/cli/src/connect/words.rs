//! The server speaks to programs, of its fields and calls. A person typed flags and verbs.

/// Fields of bodies, and the flags that set them.
const FLAGS: [(&str, &str); 19] = [
    ("billing.buildPlan", "--plan"),
    ("branch", "--branch"),
    ("buildArguments", "--arg"),
    ("buildConfiguration.dockerfileTarget", "--target"),
    ("buildSettings.dockerfile.dockerFilePath", "--dockerfile"),
    ("buildSettings.dockerfile.dockerWorkDir", "--workdir"),
    ("color", "--color"),
    ("description", "--description"),
    ("name", "--name"),
    ("overrides.buildArguments", "--arg"),
    ("overrides.docker.dockerFilePath", "--dockerfile"),
    ("overrides.docker.dockerWorkDir", "--workdir"),
    ("overrides.docker.dockerfileTarget", "--target"),
    ("pullRequestId", "--pull-request"),
    ("bundleUrl", "--bundle-url"),
    ("region", "--region"),
    ("sha", "--sha"),
    ("vcsData.projectType", "--vcs"),
    ("vcsData.projectUrl", "--repo"),
];

/// What the server advises programs, and what it means for a person here.
const ADVICE: [(&str, &str); 3] = [
    (" Send the header `Authorization: Bearer <token>`.", ""),
    (
        "`GET /v1/plans` lists them",
        "`boatyard list plans` shows them",
    ),
    (
        "call with delete_child_objects=true",
        "give --delete-child-objects",
    ),
];

/// The server's words with its advice for somebody who types verbs.
pub(crate) fn for_person(message: &str) -> String {
    ADVICE
        .iter()
        .fold(message.to_owned(), |text, (theirs, ours)| {
            text.replace(theirs, ours)
        })
}

/// A field and what is wrong with it, in terms of flags.
pub(super) fn in_flags(field: &str, problem: &str) -> (String, String) {
    let flag =
        FLAGS.iter().find_map(
            |(known, flag)| match field.strip_prefix(known)?.strip_prefix('.') {
                Some(part) => Some(format!("{flag} {part}")),
                None => (field == *known).then(|| (*flag).to_owned()),
            },
        );
    let problem = FLAGS
        .iter()
        .fold(problem.to_owned(), |text, (known, flag)| {
            text.replace(&format!("`{known}`"), flag)
        });
    (flag.unwrap_or_else(|| field.to_owned()), problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_become_flags_where_there_is_one() {
        let said = |field: &str, problem: &str| {
            let (field, problem) = in_flags(field, problem);
            format!("{field}: {problem}")
        };
        assert_eq!(
            said("vcsData.projectUrl", "is required"),
            "--repo: is required"
        );
        assert_eq!(said("buildArguments.A B", "is bad"), "--arg A B: is bad");
        assert_eq!(
            said(
                "branch",
                "is required, unless `pullRequestId` or `sha` is given"
            ),
            "--branch: is required, unless --pull-request or --sha is given"
        );
        assert_eq!(said("ports", "is unknown"), "ports: is unknown");
        assert_eq!(said("names", "is unknown"), "names: is unknown");
    }
}
