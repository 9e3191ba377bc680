//! What a repository has at this moment, in one question: for whoever asks often.

use std::collections::BTreeMap;

use crate::error::GitError;
use crate::names::{CommitSha, RefName};
use crate::process::{Call, quiet};
use crate::remote::{numbered, parse_line};
use crate::runner::Git;
use crate::url::RepoUrl;

/// As much of the answer as is read, in bytes: some fifty thousand refs.
const MAX_ANSWER: usize = 4 << 20;

/// The heads of a repository's branches and pull requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heads {
    /// The branch that the repository shows first.
    pub default_branch: Option<String>,
    /// Each branch's newest commit. Branches with names that we would not use are left out.
    pub branches: BTreeMap<String, CommitSha>,
    /// Each pull request's newest commit, as far as there are refs for them and they were asked for.
    pub pull_requests: BTreeMap<i64, CommitSha>,
}

impl Git {
    /// All heads of a repository: of its branches, and of its pull requests if these are asked for.
    ///
    /// # Errors
    /// [`GitError::TooMuch`] when there are more than anybody looks through; any error of reaching the
    /// server.
    pub async fn heads(&self, url: &RepoUrl, pull_requests: bool) -> Result<Heads, GitError> {
        let patterns: &[&str] = match pull_requests {
            true => &["refs/pull/*/head", "refs/merge-requests/*/head"],
            false => &[],
        };
        let make = |url: &RepoUrl, call: Call| {
            let call = call.args(["ls-remote", "--symref", "--end-of-options"]);
            let call = call.arg(url.to_string()).args(["HEAD", "refs/heads/*"]);
            call.args(patterns).answers_within(MAX_ANSWER)
        };
        let timeout = self.settings().question_timeout;
        let output = self.ask_with(url, make, timeout, &quiet).await?;
        Ok(parse(&output.text()))
    }
}

fn parse(text: &str) -> Heads {
    let mut heads = Heads::default();
    for line in text.lines() {
        if let Some(target) = line.strip_prefix("ref: ") {
            let target = target.strip_suffix("\tHEAD");
            let branch = target.and_then(|target| target.strip_prefix("refs/heads/"));
            heads.default_branch = branch.map(str::to_owned).or(heads.default_branch);
        } else if let Some((name, commit)) = parse_line(line) {
            note(&mut heads, &name, commit);
        }
    }
    heads
}

fn note(heads: &mut Heads, name: &str, commit: CommitSha) {
    if let Some(branch) = name.strip_prefix("refs/heads/") {
        if RefName::branch(branch).is_ok() {
            heads.branches.insert(branch.to_owned(), commit);
        }
    } else if let Some(number) = numbered(name, "head") {
        heads.pull_requests.insert(number, commit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_answer_tells_of_all_heads() {
        let sha = |digit: &str| CommitSha::parse(&digit.repeat(40)).unwrap();
        let text = [
            "ref: refs/heads/main\tHEAD".to_owned(),
            format!("{}\tHEAD", sha("a")),
            format!("{}\trefs/heads/main", sha("a")),
            format!("{}\trefs/heads/feature/x", sha("b")),
            format!("{}\trefs/heads/odd~name", sha("b")),
            format!("{}\trefs/remotes/origin/HEAD", sha("c")),
            format!("{}\trefs/pull/7/head", sha("d")),
            format!("{}\trefs/merge-requests/8/head", sha("e")),
            "ref: refs/remotes/origin/main\trefs/remotes/origin/HEAD".to_owned(),
        ];
        let heads = parse(&text.join("\n"));
        assert_eq!(heads.default_branch.as_deref(), Some("main"));
        let branches = [
            ("feature/x".to_owned(), sha("b")),
            ("main".to_owned(), sha("a")),
        ];
        assert_eq!(heads.branches, branches.into());
        assert_eq!(heads.pull_requests, [(7, sha("d")), (8, sha("e"))].into());
    }
}
