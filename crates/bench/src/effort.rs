//! How much is measured.

/// How many rounds, how long, over how much.
#[derive(Clone, Debug)]
pub(crate) struct Effort {
    /// Rounds of the list, each with every case on both sides.
    pub(crate) list_rounds: usize,
    /// Seconds of load per case, side and round.
    pub(crate) list_seconds: u64,
    /// Builds in the service with the long history.
    pub(crate) long_history: i64,
    /// Builds that are triggered, one after the other.
    pub(crate) triggers: usize,
    /// Rounds of building images on both sides.
    pub(crate) image_rounds: usize,
    /// Starts of the server.
    pub(crate) starts: usize,
}

impl Effort {
    /// What the published figures come from.
    pub(crate) const FULL: Effort = Effort {
        list_rounds: 7,
        list_seconds: 3,
        long_history: 1_000_000,
        triggers: 200,
        image_rounds: 5,
        starts: 21,
    };

    /// Enough to see that everything works.
    pub(crate) const QUICK: Effort = Effort {
        list_rounds: 3,
        list_seconds: 1,
        long_history: 200_000,
        triggers: 20,
        image_rounds: 1,
        starts: 5,
    };
}
