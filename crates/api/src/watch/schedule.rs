//! Whose turn it is to be looked at: each repository once an interval, spread over it, a few at a time,
//! and those that fail more rarely.

use super::limits::{AT_ONCE, LONGEST_PAUSE};
use super::repository::Repository;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;
use tokio::time::Instant;

/// The turns.
pub(super) struct Schedule {
    interval: Duration,
    turns: BTreeMap<Repository, Turn>,
    looking: BTreeMap<Repository, Instant>,
}

struct Turn {
    due: Instant,
    failures: u32,
    /// Somebody said that there is something new, since the look began.
    hurried: bool,
}

impl Schedule {
    pub(super) fn new(interval: Duration) -> Schedule {
        Schedule {
            interval,
            turns: BTreeMap::new(),
            looking: BTreeMap::new(),
        }
    }

    /// These are the repositories there are. New ones have their first turn within an interval.
    pub(super) fn keep<'a>(
        &mut self,
        repositories: impl Iterator<Item = &'a Repository>,
        now: Instant,
    ) {
        let repositories: BTreeSet<_> = repositories.collect();
        self.turns.retain(|known, _| repositories.contains(known));
        for repository in repositories {
            if !self.turns.contains_key(repository) {
                let turn = Turn {
                    due: now + self.offset(repository),
                    failures: 0,
                    hurried: false,
                };
                self.turns.insert(repository.clone(), turn);
            }
        }
    }

    /// Where in the interval a repository's turn is.
    fn offset(&self, repository: &Repository) -> Duration {
        let mut hash = DefaultHasher::new();
        repository.hash(&mut hash);
        let share = hash.finish() % 1000;
        self.interval * u32::try_from(share).unwrap_or_default() / 1000
    }

    /// Its turn is now, whenever it was, behind those whose turn has come already: whoever says it again
    /// and again does not hold up others.
    pub(super) fn hurry(&mut self, repository: &Repository, now: Instant) {
        if let Some(turn) = self.turns.get_mut(repository) {
            turn.hurried = true;
            turn.due = turn.due.min(now);
        }
    }

    /// The repositories to be looked at now; they are being looked at from here on.
    pub(super) fn start(&mut self, now: Instant) -> Vec<Repository> {
        let free = AT_ONCE.saturating_sub(self.looking.len());
        let waiting = self
            .turns
            .iter()
            .filter(|(repository, turn)| turn.due <= now && !self.looking.contains_key(repository));
        let mut waiting: Vec<_> = waiting.collect();
        // Who has waited longest is first.
        waiting.sort_by_key(|(_, turn)| turn.due);
        let started = waiting.into_iter().take(free);
        let started: Vec<_> = started.map(|(repository, _)| repository.clone()).collect();
        for repository in &started {
            if let Some(turn) = self.turns.get_mut(repository) {
                turn.hurried = false;
            }
            self.looking.insert(repository.clone(), now);
        }
        started
    }

    /// A look has ended. Those that fail are tried more and more rarely.
    pub(super) fn ended(&mut self, repository: &Repository, went_well: bool, now: Instant) {
        let began = self.looking.remove(repository).unwrap_or(now);
        let interval = self.interval;
        let Some(turn) = self.turns.get_mut(repository) else {
            return;
        };
        if went_well {
            turn.failures = 0;
            turn.due = now.max(began + interval);
        } else {
            turn.failures += 1;
            let pause = interval.saturating_mul(1 << turn.failures.min(16));
            turn.due = now + pause.min(LONGEST_PAUSE.max(interval));
        }
        // The look may have missed what was said meanwhile.
        if turn.hurried {
            turn.due = now;
        }
    }

    /// A look broke off, and nobody can say which: whatever is being looked at may be again.
    pub(super) fn lost(&mut self, now: Instant) {
        for repository in std::mem::take(&mut self.looking).into_keys() {
            self.ended(&repository, false, now);
        }
    }

    /// When the next turn is, if there is a place for it by then.
    pub(super) fn next(&self) -> Option<Instant> {
        if self.looking.len() >= AT_ONCE {
            return None;
        }
        let waiting = self.turns.iter();
        let waiting = waiting.filter(|(repository, _)| !self.looking.contains_key(repository));
        waiting.map(|(_, turn)| turn.due).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(60);

    fn repository(n: usize) -> Repository {
        Repository {
            url: format!("https://git.example.com/{n}"),
            link: None,
        }
    }

    fn schedule(count: usize, now: Instant) -> Schedule {
        let mut schedule = Schedule::new(INTERVAL);
        let repositories: Vec<_> = (0..count).map(repository).collect();
        schedule.keep(repositories.iter(), now);
        schedule
    }

    #[test]
    fn turns_are_spread_and_few_at_a_time() {
        let now = Instant::now();
        let mut schedule = schedule(100, now);
        let early = schedule
            .turns
            .values()
            .filter(|turn| turn.due < now + INTERVAL / 2);
        assert!((20..80).contains(&early.count()));
        assert_eq!(schedule.start(now + INTERVAL).len(), AT_ONCE);
        assert!(
            schedule.start(now + INTERVAL).is_empty(),
            "there is no place"
        );
        assert_eq!(schedule.next(), None);
        let ended = schedule.looking.keys().next().unwrap().clone();
        schedule.ended(&ended, true, now + INTERVAL);
        let next = schedule.start(now + INTERVAL);
        assert_eq!(next.len(), 1);
        assert!(next[0] != ended, "others have waited longer");
    }

    #[test]
    fn what_fails_is_looked_at_more_and_more_rarely() {
        let now = Instant::now();
        let mut schedule = schedule(1, now);
        let one = repository(0);
        let mut pauses = Vec::new();
        let mut at = now + INTERVAL;
        for _ in 0..12 {
            assert_eq!(schedule.start(at).len(), 1);
            schedule.ended(&one, false, at);
            pauses.push(schedule.next().unwrap() - at);
            at = schedule.next().unwrap();
        }
        assert_eq!(pauses[..3], [2, 4, 8].map(|n| INTERVAL * n));
        assert_eq!(pauses[11], LONGEST_PAUSE);
        schedule.start(at);
        schedule.ended(&one, true, at);
        assert_eq!(schedule.next(), Some(at + INTERVAL));
    }

    #[test]
    fn who_is_said_to_have_something_new_all_the_time_does_not_hold_up_others() {
        let mut now = Instant::now() + INTERVAL;
        let mut schedule = schedule(20, Instant::now());
        let mut seen = BTreeSet::new();
        for _ in 0..10 {
            for n in 0..AT_ONCE {
                schedule.hurry(&repository(n), now);
            }
            for looked_at in schedule.start(now) {
                schedule.ended(&looked_at, false, now);
                seen.insert(looked_at);
            }
            now += Duration::from_millis(1);
        }
        assert_eq!(seen.len(), 20);
    }

    #[test]
    fn who_is_said_to_have_something_new_is_next() {
        let now = Instant::now();
        let mut schedule = schedule(10, now);
        let hurried = repository(7);
        schedule.hurry(&hurried, now);
        assert!(schedule.start(now).contains(&hurried));
        // Said once more while it is being looked at: the look may have missed it.
        schedule.hurry(&hurried, now);
        schedule.ended(&hurried, true, now);
        assert!(schedule.start(now).contains(&hurried));
        schedule.hurry(&repository(99), now);
        schedule.keep([].into_iter(), now);
        schedule.lost(now);
        assert_eq!(schedule.next(), None, "nothing is watched any more");
    }
}
