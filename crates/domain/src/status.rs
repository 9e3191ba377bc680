//! The thirteen statuses of a build and the moves between them. The store's transition function
//! is the only writer of a status, and it asks here whether a move is allowed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a build stands, as the wire contract names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Accepted and stored; waits for its turn.
    Queued,
    /// Handed to the executor; no worker has it yet.
    Pending,
    /// Nothing can take it as things stand; goes on by itself when that changes.
    Unschedulable,
    /// A worker has it and prepares its environment.
    Starting,
    /// Fetching the source.
    Cloning,
    /// The engine runs the Dockerfile.
    Building,
    /// Pushing the image.
    Uploading,
    /// Running, phase unknown (an executor that can't tell).
    InProgress,
    /// The image is in the registry.
    Success,
    /// The build itself failed.
    Failure,
    /// Stopped by a person, superseded, or its service was deleted.
    Aborted,
    /// Could not be handed to the executor.
    SubmissionFailure,
    /// The worker or its process died.
    Crashed,
}

impl Status {
    /// Every status, in the order of a build's life.
    pub const ALL: [Status; 13] = [
        Status::Queued,
        Status::Unschedulable,
        Status::Pending,
        Status::Starting,
        Status::Cloning,
        Status::Building,
        Status::Uploading,
        Status::InProgress,
        Status::Success,
        Status::Failure,
        Status::Aborted,
        Status::SubmissionFailure,
        Status::Crashed,
    ];

    /// The word on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Queued => "QUEUED",
            Status::Pending => "PENDING",
            Status::Unschedulable => "UNSCHEDULABLE",
            Status::Starting => "STARTING",
            Status::Cloning => "CLONING",
            Status::Building => "BUILDING",
            Status::Uploading => "UPLOADING",
            Status::InProgress => "IN_PROGRESS",
            Status::Success => "SUCCESS",
            Status::Failure => "FAILURE",
            Status::Aborted => "ABORTED",
            Status::SubmissionFailure => "SUBMISSION_FAILURE",
            Status::Crashed => "CRASHED",
        }
    }

    /// Reads the word back; `None` for any other word.
    pub fn parse(word: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|s| s.as_str() == word)
    }

    /// Whether the build is over; a concluded build never changes again.
    pub fn is_concluded(self) -> bool {
        matches!(
            self,
            Status::Success
                | Status::Failure
                | Status::Aborted
                | Status::SubmissionFailure
                | Status::Crashed
        )
    }

    /// Whether a worker holds the build under a lease.
    pub fn is_running(self) -> bool {
        matches!(
            self,
            Status::Starting
                | Status::Cloning
                | Status::Building
                | Status::Uploading
                | Status::InProgress
        )
    }

    /// How far along a build is; moves never lead to a smaller step.
    fn step(self) -> u8 {
        match self {
            Status::Queued => 0,
            Status::Unschedulable => 1,
            Status::Pending => 2,
            Status::Starting => 3,
            Status::Cloning => 4,
            Status::Building => 5,
            Status::Uploading => 6,
            // An executor that can't tell may say so at any time while running.
            Status::InProgress => 3,
            _ => 7,
        }
    }

    /// Whether a build in `self` may move to `next`.
    ///
    /// Forward only, from a concluded status nowhere, to SUCCESS only from a worker that runs it.
    /// Staying is not a move.
    pub fn can_move_to(self, next: Status) -> bool {
        if self.is_concluded() || self == next {
            return false;
        }
        match next {
            Status::Success => self.is_running(),
            Status::Failure | Status::Crashed => self.step() >= Status::Pending.step(),
            Status::SubmissionFailure => self.step() <= Status::Pending.step(),
            Status::Aborted => true,
            Status::InProgress => self.step() >= Status::Pending.step(),
            // A phase may follow the unknown phase; InProgress itself sits before all of them.
            _ if self == Status::InProgress => next.is_running(),
            _ => next.step() > self.step(),
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_status() -> impl Strategy<Value = Status> {
        proptest::sample::select(Status::ALL.to_vec())
    }

    #[test]
    fn words_round_trip() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(status));
        }
        assert_eq!(Status::parse("queued"), None);
    }

    #[test]
    fn a_plain_build_walks_through_its_phases() {
        let way = [
            Status::Queued,
            Status::Pending,
            Status::Starting,
            Status::Cloning,
            Status::Building,
            Status::Uploading,
            Status::Success,
        ];
        for pair in way.windows(2) {
            assert!(pair[0].can_move_to(pair[1]), "{} -> {}", pair[0], pair[1]);
            assert!(!pair[1].can_move_to(pair[0]), "{} -> {}", pair[1], pair[0]);
        }
    }

    proptest! {
        #[test]
        fn nothing_leaves_a_concluded_status(from in any_status(), to in any_status()) {
            if from.is_concluded() {
                prop_assert!(!from.can_move_to(to));
            }
        }

        #[test]
        fn a_random_walk_ends(walk in proptest::collection::vec(any_status(), 0..200)) {
            let mut now = Status::Queued;
            let mut moves = 0;
            for next in walk {
                if now.can_move_to(next) {
                    now = next;
                    moves += 1;
                }
            }
            // The unknown phase can be entered from each phase once and left again.
            prop_assert!(moves <= 200);
            prop_assert!(now != Status::Queued || moves == 0);
        }

        #[test]
        fn success_needs_a_worker(from in any_status()) {
            prop_assert_eq!(from.can_move_to(Status::Success), from.is_running());
        }
    }
}
