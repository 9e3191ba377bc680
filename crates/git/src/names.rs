//! Names inside a repository: refs and commits.
//!
//! They end up on git's command line and in file names, so each is checked once, here.

use std::fmt;
use std::str::FromStr;

const MAX_REF_LENGTH: usize = 250;
const HEADS: &str = "refs/heads/";

/// Why a text is no ref name or no commit sha.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Git would not take it as a ref name.
    #[error("not a valid branch name: {0}")]
    Ref(&'static str),
    /// Not 40 lower-case hex digits.
    #[error("not a commit sha: expected 40 hexadecimal digits")]
    Sha,
}

/// The name of a branch, or a full ref such as `refs/pull/7/head`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RefName {
    full: String,
}

impl RefName {
    /// A branch by its short name, `main`.
    ///
    /// # Errors
    /// [`NameError::Ref`] when git would refuse the name, or it could be taken for an option.
    pub fn branch(name: &str) -> Result<Self, NameError> {
        check(name)?;
        Ok(Self {
            full: format!("{HEADS}{name}"),
        })
    }

    /// A ref by its full name, which starts with `refs/`.
    ///
    /// # Errors
    /// [`NameError::Ref`] when it does not, or git would refuse the name.
    pub fn full(name: &str) -> Result<Self, NameError> {
        check(name)?;
        let rest = name.strip_prefix("refs/");
        if !rest.is_some_and(|rest| rest.contains('/')) {
            return Err(NameError::Ref("a full ref starts with refs/KIND/"));
        }
        Ok(Self {
            full: name.to_owned(),
        })
    }

    /// The full name, `refs/heads/main`.
    #[must_use]
    pub fn as_full(&self) -> &str {
        &self.full
    }

    /// The short name of a branch, the full name of any other ref.
    #[must_use]
    pub fn short(&self) -> &str {
        self.full.strip_prefix(HEADS).unwrap_or(&self.full)
    }
}

impl fmt::Display for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.short())
    }
}

/// The rules of `git check-ref-format`, and no leading dash.
fn check(name: &str) -> Result<(), NameError> {
    let refused = |why| Err(NameError::Ref(why));
    if name.is_empty() {
        return refused("it is empty");
    }
    if name.len() > MAX_REF_LENGTH {
        return refused("it is too long");
    }
    if name.starts_with('-') {
        return refused("it starts with '-'");
    }
    if name == "@" || name.contains("@{") {
        return refused("'@' has a meaning of its own to git");
    }
    if name.contains("..") {
        return refused("it contains '..'");
    }
    let forbidden = |c: char| {
        c.is_control() || c.is_whitespace() || matches!(c, '~' | '^' | ':' | '?' | '*' | '[' | '\\')
    };
    if name.contains(forbidden) {
        return refused("it contains a space, a control character or one of ~ ^ : ? * [ \\");
    }
    if name.ends_with('.') {
        return refused("it ends with '.'");
    }
    let part_is_bad =
        |part: &str| part.is_empty() || part.starts_with('.') || part.ends_with(".lock");
    if name.split('/').any(part_is_bad) {
        return refused("a part of it is empty, starts with '.' or ends with '.lock'");
    }
    Ok(())
}

/// The id of a commit: 40 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommitSha(String);

impl CommitSha {
    /// Takes 40 hexadecimal digits, upper case too.
    ///
    /// # Errors
    /// [`NameError::Sha`] for anything else, short shas included.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(NameError::Sha)
        }
    }

    /// The 40 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CommitSha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for CommitSha {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl serde::Serialize for CommitSha {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for CommitSha {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn everyday_branches_are_fine() {
        for name in [
            "main",
            "feature/x-1",
            "v1.2",
            "dependabot/npm/a@1",
            "grün",
            "a-",
        ] {
            assert_eq!(RefName::branch(name).unwrap().short(), name);
        }
        let pull = RefName::full("refs/pull/7/head").unwrap();
        assert_eq!(pull.as_full(), "refs/pull/7/head");
        assert!(RefName::full("main").is_err());
        assert!(RefName::full("refs/heads").is_err());
    }

    #[test]
    fn a_sha_is_forty_digits() {
        let upper = "ABCDEF0123456789ABCDEF0123456789ABCDEF01";
        let sha = CommitSha::parse(upper).unwrap();
        assert_eq!(sha.as_str(), upper.to_lowercase());
        for bad in [
            "",
            "HEAD",
            "abc123",
            &upper[1..],
            &format!("-{}", &upper[1..]),
        ] {
            assert_eq!(CommitSha::parse(bad), Err(NameError::Sha));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(150))]

        /// What is accepted here, git itself accepts too, and never as an option.
        #[test]
        fn an_accepted_branch_is_one_to_git(name in "[a-c@{}/.~^:\\-* lock]{0,12}") {
            if let Ok(branch) = RefName::branch(&name) {
                prop_assert!(!name.starts_with('-'));
                let mut git = Command::new("git");
                git.arg("check-ref-format").arg(branch.as_full());
                prop_assert!(git.status().unwrap().success(), "{name}");
            }
        }

        #[test]
        fn no_text_makes_a_parser_panic(text in any::<String>()) {
            let _ = RefName::branch(&text);
            let _ = RefName::full(&text);
            let _ = CommitSha::parse(&text);
        }
    }
}
