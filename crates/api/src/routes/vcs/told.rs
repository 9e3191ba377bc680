//! What forges told of the repositories that links open. A forge is asked once for a walk through the list,
//! not once for each of its pages, which also keeps the rows at their places; and one that does not answer
//! is waited for once.

use super::{forge, unavailable};
use crate::edge::ApiError;
use crate::state::State;
use domain::vcs::VcsLink;
use git::forge::ForgeRepository;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a walk may go on with what was told at its beginning.
const WALK: Duration = Duration::from_secs(600);
/// About so many links, and repositories of all of them, are kept.
const LINKS: usize = 1000;
const REPOSITORIES: u64 = 100_000;

/// What a link's forge told, or what is said of its silence.
type Answer = Result<Arc<Vec<ForgeRepository>>, String>;

/// Answers by the identity of the link.
pub(crate) struct Told(Cache<String, (Instant, Answer), Size>);

#[derive(Clone)]
struct Size;

impl Weighter<String, (Instant, Answer)> for Size {
    fn weight(&self, _: &String, (_, answer): &(Instant, Answer)) -> u64 {
        let repositories = answer.as_ref().map_or(0, |repositories| repositories.len());
        repositories as u64 + 1
    }
}

impl Default for Told {
    fn default() -> Self {
        Told(Cache::with_weighter(LINKS, REPOSITORIES, Size))
    }
}

/// The repositories that a link opens, as its forge tells now; as it told before, for a walk that
/// `goes_on`.
pub(super) async fn repositories(state: &State, link: &VcsLink, goes_on: bool) -> Answer {
    if goes_on
        && let Some((when, answer)) = state.told.0.get(&link.uid)
        && when.elapsed() < WALK
    {
        return answer;
    }
    let answer = ask(state, link).await.map(Arc::new);
    let answer = answer.map_err(|error| error.to_string());
    let kept = (Instant::now(), answer.clone());
    state.told.0.insert(link.uid.clone(), kept);
    answer
}

async fn ask(state: &State, link: &VcsLink) -> Result<Vec<ForgeRepository>, ApiError> {
    let found = forge(state, link)?.repositories().await;
    found.map_err(|error| unavailable(link, &error))
}
