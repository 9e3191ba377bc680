//! Whose turn it is. Pure: the dispatcher brings what waits and what runs.
//!
//! The project with the fewest builds in flight comes first; among equals the one that was served
//! longest ago, so that a project with a thousand queued builds holds up nobody's first. Inside a
//! project the oldest build whose service is below its limit.

use domain::Millis;
use std::collections::HashMap;

/// A build that could be next: the oldest waiting one of its service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) uid: String,
    pub(crate) project: String,
    pub(crate) service: String,
    pub(crate) created_at: Millis,
}

/// A build that holds a place.
#[derive(Clone, Debug)]
pub(crate) struct InFlight {
    pub(crate) project: String,
    pub(crate) service: String,
}

/// Remembers in which order projects were served.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    served: HashMap<String, u64>,
    clock: u64,
}

impl Turns {
    /// The candidate whose turn it is, if there is a place for one.
    pub(crate) fn next<'a>(
        &self,
        candidates: &'a [Candidate],
        in_flight: &[InFlight],
        overall: usize,
        per_service: usize,
    ) -> Option<&'a Candidate> {
        if in_flight.len() >= overall {
            return None;
        }
        let in_project = |project: &str| in_flight.iter().filter(|b| b.project == project).count();
        let in_service = |service: &str| in_flight.iter().filter(|b| b.service == service).count();
        candidates
            .iter()
            .filter(|c| in_service(&c.service) < per_service)
            .min_by_key(|c| {
                let served = self.served.get(&c.project).copied().unwrap_or_default();
                (in_project(&c.project), served, c.created_at, &c.uid)
            })
    }

    /// Notes that a project was served.
    pub(crate) fn served(&mut self, project: &str) {
        self.clock += 1;
        self.served.insert(project.to_owned(), self.clock);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn candidate(project: &str, service: &str, created_at: Millis) -> Candidate {
        Candidate {
            uid: format!("{service}-{created_at}"),
            project: project.to_owned(),
            service: service.to_owned(),
            created_at,
        }
    }

    /// Runs a queue to its end with one place; the order in which projects were served.
    fn order(mut queue: Vec<Candidate>, places: usize) -> Vec<String> {
        let mut turns = Turns::default();
        let mut served = Vec::new();
        let mut in_flight: Vec<InFlight> = Vec::new();
        while !queue.is_empty() {
            let mut heads: Vec<Candidate> = Vec::new();
            for candidate in &queue {
                if heads.iter().all(|head| head.service != candidate.service) {
                    heads.push(candidate.clone());
                }
            }
            match turns.next(&heads, &in_flight, places, usize::MAX).cloned() {
                Some(next) => {
                    turns.served(&next.project);
                    queue.retain(|c| c.uid != next.uid);
                    in_flight.push(InFlight {
                        project: next.project.clone(),
                        service: next.service.clone(),
                    });
                    served.push(next.project);
                }
                None => {
                    in_flight.remove(0);
                }
            }
        }
        served
    }

    #[test]
    fn a_long_queue_does_not_hold_up_another_projects_first() {
        let mut queue: Vec<_> = (0..1000).map(|i| candidate("big", "big", i)).collect();
        queue.push(candidate("small", "small", 1000));
        let order = order(queue, 1);
        assert!(order.iter().position(|p| p == "small").unwrap() <= 1);
    }

    #[test]
    fn a_service_at_its_limit_waits() {
        let candidates = [candidate("a", "a1", 1), candidate("a", "a2", 2)];
        let busy = [InFlight {
            project: "a".into(),
            service: "a1".into(),
        }];
        let turns = Turns::default();
        assert_eq!(turns.next(&candidates, &busy, 8, 1).unwrap().service, "a2");
        assert_eq!(turns.next(&candidates[..1], &busy, 8, 1), None);
        assert_eq!(turns.next(&candidates, &busy, 1, 8), None);
    }

    proptest! {
        #[test]
        fn equals_take_turns(counts in proptest::collection::vec(1usize..20, 2..6)) {
            let mut queue = Vec::new();
            for (index, count) in counts.iter().enumerate() {
                let name = format!("p{index}");
                queue.extend((0..*count).map(|i| candidate(&name, &name, (index * 1000 + i) as i64)));
            }
            let order = order(queue, 1);
            // While all projects still have builds, nobody is served twice in a round.
            let rounds = counts.iter().min().unwrap();
            for round in order.chunks(counts.len()).take(*rounds) {
                let mut seen: Vec<_> = round.to_vec();
                seen.sort();
                seen.dedup();
                prop_assert_eq!(seen.len(), round.len());
            }
        }
    }
}
