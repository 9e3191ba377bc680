//! How far looks go.

use std::time::Duration;

/// Looks at the same time.
pub(super) const AT_ONCE: usize = 4;
/// How long a look may take, with all that is fetched in it.
pub(super) const LONGEST_LOOK: Duration = Duration::from_secs(5 * 60);
/// The longest pause between looks at a repository that fail.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// Branches of a repository.
pub(super) const BRANCHES: usize = 5000;
/// Open pull requests of a repository.
pub(super) const PULL_REQUESTS: usize = 1000;
/// New heads that one look answers for; the others are new at the next one, too.
pub(super) const MOVES: usize = 100;
