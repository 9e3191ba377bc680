//! Which new commits build by themselves: by their branch or pull request, by what changed, and by
//! what their message says.

use crate::service::BuildRules;
use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use std::path::{Component, Path, PathBuf};

/// What keeps a commit from building where a service does not name words of its own.
///
/// Source: the public API reference, `ciIgnoreFlags`.
const IGNORE_FLAGS: [&str; 7] = [
    "[skip ci]",
    "[ci skip]",
    "[no ci]",
    "[skip nf]",
    "[nf skip]",
    "[northflank skip]",
    "[skip northflank]",
];

/// The longest path that there is on a disk, in bytes. Source: `PATH_MAX` of Linux.
const LONGEST_PATH: usize = 4096;

/// A rule that means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` has a rule that cannot be read, `{rule}`: {problem}")]
pub struct BrokenRule {
    /// The field that has it.
    pub field: &'static str,
    /// The rule.
    pub rule: String,
    /// What is wrong with it.
    pub problem: String,
}

/// A service's rules, read and ready to judge by.
#[derive(Clone, Debug)]
pub struct Judge {
    branches: Option<GlobSet>,
    pull_requests: Option<GlobSet>,
    paths: Option<Paths>,
    flags: Vec<String>,
}

#[derive(Clone, Debug)]
struct Paths {
    rules: Gitignore,
    /// Whether the rules list what builds, rather than what does not.
    allow: bool,
}

impl Judge {
    /// Reads the rules.
    ///
    /// # Errors
    /// When one of them means nothing.
    pub fn new(rules: &BuildRules) -> Result<Judge, BrokenRule> {
        Ok(Judge {
            branches: globs("branchRestrictions", rules.branch_restrictions.as_deref())?,
            pull_requests: globs("prRestrictions", rules.pr_restrictions.as_deref())?,
            paths: Paths::new(rules)?,
            flags: flags(rules),
        })
    }

    /// Whether new commits of a branch build. Where there are rules neither for branches nor for pull
    /// requests, those of every branch do; else those of the branches that are named.
    pub fn builds_branch(&self, branch: &str) -> bool {
        match (&self.branches, &self.pull_requests) {
            (Some(globs), _) => globs.is_match(branch),
            (None, None) => true,
            (None, Some(_)) => false,
        }
    }

    /// Whether any pull request's commits build.
    pub fn asks_for_pull_requests(&self) -> bool {
        self.pull_requests
            .as_ref()
            .is_some_and(|globs| !globs.is_empty())
    }

    /// Whether new commits of a pull request from this branch build. Where the branch's do already, they
    /// would build twice.
    pub fn builds_pull_request(&self, from_branch: &str) -> bool {
        let named = self.pull_requests.as_ref();
        named.is_some_and(|globs| globs.is_match(from_branch)) && !self.builds_branch(from_branch)
    }

    /// Whether it has to be known what changed.
    pub fn asks_for_paths(&self) -> bool {
        self.paths.is_some()
    }

    /// Whether it builds when these paths changed.
    pub fn builds_paths<P: AsRef<Path>>(&self, changed: impl IntoIterator<Item = P>) -> bool {
        let Some(Paths { rules, allow }) = &self.paths else {
            return true;
        };
        // A file may be listed for itself, against what is said of the folder that it is in.
        let is_listed = |path: P| {
            let path = plain(path.as_ref());
            path.is_some_and(|path| rules.matched_path_or_any_parents(path, false).is_ignore())
        };
        changed.into_iter().any(|path| is_listed(path) == *allow)
    }

    /// Whether it has to be known what the commit's message says.
    pub fn asks_for_message(&self) -> bool {
        !self.flags.is_empty()
    }

    /// The word in a commit's message that keeps it from building.
    pub fn flag_in(&self, message: &str) -> Option<&str> {
        let mut flags = self.flags.iter().map(String::as_str);
        flags.find(|flag| message.contains(flag))
    }
}

/// A path as rules are about it. Git takes names from a server that nobody could check out: with slashes in
/// them, at their front, too, which the library has no answer for, and without an end, which `None` is for.
fn plain(path: &Path) -> Option<PathBuf> {
    let is_name = |part: &Component<'_>| matches!(part, Component::Normal(_));
    let has_end = path.as_os_str().len() <= LONGEST_PATH;
    has_end.then(|| path.components().filter(is_name).collect())
}

impl Paths {
    /// `None` where there are no rules: every change builds.
    fn new(rules: &BuildRules) -> Result<Option<Paths>, BrokenRule> {
        let mut builder = GitignoreBuilder::new("");
        builder.allow_unclosed_class(false);
        for rule in rules.path_ignore_rules.iter().flatten() {
            add_path(&mut builder, rule)
                .map_err(|problem| broken("pathIgnoreRules", rule, problem))?;
        }
        let built = builder.build();
        let rules_of_paths =
            built.map_err(|error| broken("pathIgnoreRules", "", error.to_string()))?;
        Ok((!rules_of_paths.is_empty()).then(|| Paths {
            rules: rules_of_paths,
            allow: rules.is_allow_list == Some(true),
        }))
    }
}

fn add_path(builder: &mut GitignoreBuilder, rule: &str) -> Result<(), String> {
    match builder.add_line(None, &plain_braces(rule)) {
        Ok(_) => Ok(()),
        Err(ignore::Error::Glob { err, .. }) => Err(err),
        Err(error) => Err(error.to_string()),
    }
}

/// The rule with its braces escaped: they mean nothing to `.gitignore`, and a choice to the library.
fn plain_braces(rule: &str) -> String {
    let mut plain = String::with_capacity(rule.len());
    let (mut escaped, mut in_class) = (false, false);
    for c in rule.chars() {
        if matches!(c, '{' | '}') && !escaped && !in_class {
            plain.push('\\');
        }
        match c {
            '[' if !escaped => in_class = true,
            ']' => in_class = false,
            _ => {}
        }
        escaped = c == '\\' && !escaped;
        plain.push(c);
    }
    plain
}

/// What is wrong with a rule for paths.
pub(crate) fn path_problem(rule: &str) -> Result<(), String> {
    let mut builder = GitignoreBuilder::new("");
    builder.allow_unclosed_class(false);
    add_path(&mut builder, rule)?;
    builder.build().map(drop).map_err(|error| error.to_string())
}

/// What is wrong with a rule for branches.
pub(crate) fn branch_problem(rule: &str) -> Result<(), String> {
    branch(rule)
        .map(drop)
        .map_err(|error| error.kind().to_string())
}

/// A branch's name, with `*` for any part of it, slashes included. Several in a row are one: to the
/// library they are about folders, and `**/` may be none.
fn branch(rule: &str) -> Result<Glob, globset::Error> {
    let mut plain: Vec<char> = rule.chars().collect();
    plain.dedup_by(|one, before| (*one, *before) == ('*', '*'));
    let plain: String = plain.into_iter().collect();
    let mut glob = GlobBuilder::new(&plain);
    glob.literal_separator(false)
        .backslash_escape(false)
        .build()
}

fn globs(field: &'static str, rules: Option<&[String]>) -> Result<Option<GlobSet>, BrokenRule> {
    let Some(rules) = rules else { return Ok(None) };
    let mut set = GlobSetBuilder::new();
    for rule in rules {
        let glob = branch(rule);
        set.add(glob.map_err(|error| broken(field, rule, error.kind().to_string()))?);
    }
    let set = set.build();
    set.map(Some)
        .map_err(|error| broken(field, "", error.to_string()))
}

fn flags(rules: &BuildRules) -> Vec<String> {
    if rules.ci_ignore_flags_enabled != Some(true) {
        return Vec::new();
    }
    let usual = || IGNORE_FLAGS.map(str::to_owned).into();
    let mut flags = rules.ci_ignore_flags.clone().unwrap_or_else(usual);
    // Every message would have it.
    flags.retain(|flag| !flag.is_empty());
    flags
}

fn broken(field: &'static str, rule: &str, problem: String) -> BrokenRule {
    BrokenRule {
        field,
        rule: rule.to_owned(),
        problem,
    }
}

#[cfg(test)]
mod tests;
