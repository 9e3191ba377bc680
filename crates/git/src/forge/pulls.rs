//! Pull requests, as forges tell of them.

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForgePullRequest {
    /// Its number in the repository.
    pub number: i64,
    /// Where it stands.
    pub state: PullRequestState,
    /// Its title.
    pub title: String,
    /// The branch that it is from.
    pub source: String,
    /// The branch that it is for.
    pub destination: String,
    /// Its newest commit; empty where the forge has lost it.
    pub sha: String,
    /// When it was opened, in ISO 8601.
    pub created_at: String,
    /// When it last changed, in ISO 8601.
    pub updated_at: String,
    /// Its page.
    pub url: String,
    /// Whether it is from another repository, or from somebody who need not be able to push to this
    /// one.
    pub is_from_fork: bool,
}

/// Which pull requests are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All of them.
    All,
    /// Those that wait to be merged.
    Open,
}

impl Which {
    /// Each forge's own word for it.
    pub(super) fn word<'a>(self, all: &'a str, open: &'a str) -> &'a str {
        match self {
            Which::All => all,
            Which::Open => open,
        }
    }
}

/// Where a pull request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullRequestState {
    /// It waits to be merged.
    Open,
    /// It was given up.
    Closed,
    /// It was merged.
    Merged,
}

/// Where a pull request's commit is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequestHead {
    /// The commit that a build is of; `None` where that is for the ref to say.
    pub sha: Option<String>,
    /// The branch.
    pub branch: String,
    /// Whether it is from another repository, or from somebody who need not be able to push to this
    /// one.
    pub is_from_fork: bool,
}

/// Whether the pull requests so far, the newest first, are as many as are wanted.
pub type Enough<'a> = &'a (dyn Fn(&[ForgePullRequest]) -> bool + Sync);

impl PullRequestState {
    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Closed => "CLOSED",
            Self::Merged => "MERGED",
        }
    }

    /// From a forge that has a word for what is open and tells apart what was merged.
    pub(super) fn of(is_open: bool, is_merged: bool) -> Self {
        match (is_open, is_merged) {
            (_, true) => Self::Merged,
            (true, false) => Self::Open,
            (false, false) => Self::Closed,
        }
    }
}
