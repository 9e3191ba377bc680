//! When a request that failed is tried again.

use std::time::Duration;

/// Pauses that grow threefold from the first, up to four hours. With the usual first pause of five
/// seconds the last try is about a day after the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The pause after the first failure.
    pub first: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Backoff {
            first: Duration::from_secs(5),
        }
    }
}

impl Backoff {
    /// How often a request is tried before it is given up.
    pub const TRIES: u32 = 14;
    const FACTOR: u32 = 3;
    const LONGEST: Duration = Duration::from_secs(4 * 3600);

    /// How long to wait when so many tries have failed; `None` when that is enough.
    pub fn pause(self, failed: u32) -> Option<Duration> {
        if failed >= Self::TRIES {
            return None;
        }
        let growth = Self::FACTOR.saturating_pow(failed.saturating_sub(1));
        Some(self.first.saturating_mul(growth).min(Self::LONGEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_usual_pauses_last_for_about_a_day() {
        let usual = Backoff::default();
        let pauses: Vec<_> = (1..).map_while(|failed| usual.pause(failed)).collect();
        let seconds: Vec<_> = pauses.iter().map(Duration::as_secs).collect();
        assert_eq!(&seconds[..4], [5, 15, 45, 135]);
        assert_eq!(seconds.last(), Some(&14_400));
        let hours = seconds.iter().sum::<u64>() / 3600;
        assert_eq!(hours, 24);
        assert_eq!(pauses.len() + 1, Backoff::TRIES as usize);
    }

    proptest! {
        #[test]
        fn a_pause_is_never_shorter_than_the_one_before(
            millis in 0_u64..100_000_000,
            failed in 1..Backoff::TRIES - 1,
        ) {
            let backoff = Backoff { first: Duration::from_millis(millis) };
            prop_assert!(backoff.pause(failed) <= backoff.pause(failed + 1));
        }
    }
}
