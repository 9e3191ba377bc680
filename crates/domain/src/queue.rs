//! Where a waiting build stands, foretold from how turns are given: the project with the fewest
//! builds in flight comes first, inside a project the oldest build. What builds ask for and the
//! limits of single services are left out, so this is an estimate.

use crate::Millis;

/// What one project has waiting and in flight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectLoad {
    /// The project.
    pub project_uid: String,
    /// Builds that wait for their turn.
    pub waiting: i64,
    /// Builds that hold a place.
    pub in_flight: i64,
    /// When its oldest waiting build was accepted.
    pub oldest: Millis,
}

/// How many builds get their turn before one of `mine` that has `before` older ones of its own
/// project in front of it.
pub fn ahead(mine: &ProjectLoad, before: i64, others: &[ProjectLoad]) -> i64 {
    // So many builds of its project hold places, or had their turn, when its own turn comes.
    let level = mine.in_flight + before;
    let first = |other: &ProjectLoad| {
        let wins_ties = (other.oldest, &other.project_uid) < (mine.oldest, &mine.project_uid);
        let turns = level - other.in_flight + i64::from(wins_ties);
        turns.clamp(0, other.waiting)
    };
    before + others.iter().map(first).sum::<i64>()
}

/// When a build with `ahead` others before it gets its turn, if each one takes `typical`: `running`
/// are the beginnings of the builds that hold `places`. `None` where there are no places.
pub fn expected_start(
    now: Millis,
    places: usize,
    running: &[Millis],
    ahead: i64,
    typical: Millis,
) -> Option<Millis> {
    let mut free: Vec<Millis> = running
        .iter()
        .map(|since| (since + typical).max(now))
        .collect();
    free.resize(places.max(running.len()), now);
    free.sort_unstable();
    free.truncate(places);
    // Every place takes a build after `typical` again, so the order of places repeats itself.
    let count = i64::try_from(free.len()).ok().filter(|count| *count > 0)?;
    let place = usize::try_from(ahead % count).ok()?;
    Some(free[place].saturating_add(typical.saturating_mul(ahead / count)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(project: &str, waiting: i64, in_flight: i64, oldest: Millis) -> ProjectLoad {
        ProjectLoad {
            project_uid: project.into(),
            waiting,
            in_flight,
            oldest,
        }
    }

    #[test]
    fn a_long_queue_of_another_project_is_not_all_ahead() {
        let (big, small) = (load("big", 1000, 1, 1), load("small", 3, 0, 9));
        let others = [big];
        assert_eq!(ahead(&small, 0, &others), 0);
        assert_eq!(ahead(&small, 1, &others), 2);
        assert_eq!(ahead(&small, 2, &others), 4);
    }

    #[test]
    fn a_short_queue_of_another_project_is_ahead_as_a_whole() {
        let (big, small) = (load("big", 1000, 1, 1), load("small", 3, 0, 9));
        assert_eq!(ahead(&big, 500, &[small]), 503);
    }

    #[test]
    fn turns_come_when_places_get_free() {
        // Two places: one is free in 4, the other in 8.
        let running = [94, 98];
        let start = |ahead| expected_start(100, 2, &running, ahead, 10);
        assert_eq!(start(0), Some(104));
        assert_eq!(start(1), Some(108));
        assert_eq!(start(2), Some(114));
        assert_eq!(start(5), Some(128));
        assert_eq!(expected_start(100, 2, &[94], 0, 10), Some(100));
        assert_eq!(expected_start(100, 1, &[1], 0, 10), Some(100));
        assert_eq!(expected_start(100, 0, &[], 0, 10), None);
    }
}
