//! Which pull requests are the repository's own: a fork's never build by themselves.
//!
//! A forge that an account is linked to says so. Without one, a pull request is the repository's own when
//! its commit is the head of one of the repository's branches: whoever made that may push there.

use super::limits::PULL_REQUESTS;
use crate::edge::ApiError;
use crate::linked::{AtForge, Source, unavailable};
use crate::state::State;
use git::forge::{ForgePullRequest, RepositoryName, Which};
use git::{CommitSha, Heads};
use std::collections::{BTreeMap, HashMap};

/// The branch of each, by number.
pub(super) type PullRequests = BTreeMap<i64, String>;

/// The open pull requests from the repository's own branches.
pub(super) async fn own(
    state: &State,
    source: &Source,
    heads: &Heads,
) -> Result<PullRequests, ApiError> {
    match source.at_forge(state)? {
        Some(at) => told_by(&at).await,
        None => Ok(by_refs(heads)),
    }
}

async fn told_by(at: &AtForge<'_>) -> Result<PullRequests, ApiError> {
    let RepositoryName { owner, name } = &at.name;
    let enough = |rows: &[ForgePullRequest]| rows.len() > PULL_REQUESTS;
    let asked = at.forge.pull_requests(owner, name, Which::Open, &enough);
    let open = at.answered(asked).await?;
    if open.len() > PULL_REQUESTS {
        let problem = format!("it has more than {PULL_REQUESTS} open pull requests");
        return Err(unavailable(&problem));
    }
    let own = open.into_iter().filter(|pull| !pull.is_from_fork);
    Ok(own.map(|pull| (pull.number, pull.source)).collect())
}

fn by_refs(heads: &Heads) -> PullRequests {
    let branches: HashMap<_, _> = heads
        .branches
        .iter()
        .map(|(name, sha)| (sha, name))
        .collect();
    let own = |(number, sha): (&i64, &CommitSha)| Some((*number, (*branches.get(sha)?).clone()));
    heads.pull_requests.iter().filter_map(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_account_only_what_is_on_a_branch_is_the_repositorys_own() {
        let sha = |digit: &str| CommitSha::parse(&digit.repeat(40)).unwrap();
        let heads = Heads {
            branches: [("main".to_owned(), sha("a")), ("fix".to_owned(), sha("b"))].into(),
            pull_requests: [(1, sha("b")), (2, sha("c"))].into(),
            ..Heads::default()
        };
        assert_eq!(by_refs(&heads), [(1, "fix".to_owned())].into());
    }
}
