//! Names of control groups, which become paths in the cgroup file system.

use std::fmt;
use std::path::Path;

use super::CgroupError;

const MAX_PARTS: usize = 4;
const MAX_PART_LENGTH: usize = 100;

/// A relative path of plain parts: it cannot climb out of a hierarchy's root nor name one of the
/// kernel's own files, which all hold a dot after a controller's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupName(String);

impl GroupName {
    pub(crate) fn parse(text: &str) -> Result<Self, CgroupError> {
        let parts: Vec<&str> = text.split('/').collect();
        if parts.len() <= MAX_PARTS && parts.iter().all(|part| is_part(part)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(CgroupError::InvalidName(
                text.chars().take(MAX_PART_LENGTH).collect(),
            ))
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn as_path(&self) -> &Path {
        Path::new(&self.0)
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_part(part: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let kernels = [
        "cgroup.", "cpu.", "cpuacct.", "memory.", "pids.", "freezer.",
    ];
    (1..=MAX_PART_LENGTH).contains(&part.len())
        && part.bytes().all(plain)
        && !part.starts_with(['.', '-'])
        && !kernels.iter().any(|prefix| part.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use std::path::Component;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_builds_name_is_fine() {
        assert!(GroupName::parse("boatyard/0190a7c2-5d5b-7c3e-9f7a-3b1c2d3e4f50").is_ok());
        assert!(GroupName::parse("boatyard").is_ok());
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in [
            "",
            "/",
            "/etc",
            "..",
            "a/../b",
            "a//b",
            "a/",
            ".",
            "a/.",
            "a b",
            "a\n",
            "a\0",
            "-x",
            "memory.max",
            "cgroup.procs",
            "a/b/c/d/e",
            "ä",
        ] {
            assert!(GroupName::parse(name).is_err(), "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn an_accepted_name_has_only_normal_parts(text in "[a-z./ \\-]{0,20}") {
            if let Ok(name) = GroupName::parse(&text) {
                prop_assert!(name.as_path().components().all(|c| matches!(c, Component::Normal(_))));
            }
        }
    }
}
