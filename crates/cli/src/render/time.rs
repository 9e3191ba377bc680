//! Times as people say them.

use jiff::{SignedDuration, Timestamp};

/// "12s ago", "3m ago", "5h ago", "4d ago", and the date when it is long past.
pub(crate) fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(then).as_secs();
    match seconds {
        // Two machines' clocks differ a little.
        ..0 => "now".to_owned(),
        0..60 => format!("{seconds}s ago"),
        60..3600 => format!("{}m ago", seconds / 60),
        3600..172_800 => format!("{}h ago", seconds / 3600),
        172_800..5_184_000 => format!("{}d ago", seconds / 86_400),
        _ => then.strftime("%Y-%m-%d").to_string(),
    }
}

/// "0.4s", "8s", "3m 12s", "1h 02m": a short time to the tenth, where it is known so well.
pub(crate) fn length(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let tenths = duration.subsec_millis().max(0) / 100;
    match seconds {
        0..10 if duration.subsec_nanos() > 0 => format!("{seconds}.{tenths}s"),
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_grow_coarser() {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let seen = |seconds| ago(now - SignedDuration::from_secs(seconds), now);
        assert_eq!(seen(-3), "now");
        assert_eq!(seen(59), "59s ago");
        assert_eq!(seen(61), "1m ago");
        assert_eq!(seen(47 * 3600), "47h ago");
        assert_eq!(seen(59 * 86_400), "59d ago");
        assert_eq!(seen(400 * 86_400), "2022-10-10");
    }

    #[test]
    fn lengths_are_short() {
        let seen = |seconds| length(SignedDuration::from_secs(seconds));
        assert_eq!(seen(8), "8s");
        assert_eq!(seen(192), "3m 12s");
        assert_eq!(seen(3725), "1h 02m");
        assert_eq!(length(SignedDuration::from_millis(480)), "0.4s");
        assert_eq!(length(SignedDuration::from_millis(59_900)), "59s");
    }
}
