//! Samples at a pace that slows down: a build of a minute is seen to the second, and one of a day
//! leaves no more than some thousand samples.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use domain::Sample;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Measures, Reading};
use crate::server::Samples;

/// The pause at first.
const FIRST: Duration = Duration::from_secs(1);
/// A pause is this part of the build's length so far, where that is longer.
const PART: u32 = 300;

/// Measures a build until it is finished or dropped.
pub(crate) struct Sampler {
    task: JoinHandle<()>,
    stop: DropGuard,
}

impl Sampler {
    /// Begins to measure.
    pub(crate) fn start(measures: Measures, samples: Samples) -> Sampler {
        let stop = CancellationToken::new();
        let task = tokio::spawn(run(measures, samples, stop.clone()));
        Sampler {
            task,
            stop: stop.drop_guard(),
        }
    }

    /// Takes a last sample, and measures no more.
    pub(crate) async fn finish(self) {
        drop(self.stop);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "a build was not measured to its end");
        }
    }
}

async fn run(measures: Measures, samples: Samples, stop: CancellationToken) {
    let clock = Clock::start();
    let mut last = Taken {
        reading: Reading::default(),
        after: Duration::ZERO,
    };
    while !stop.is_cancelled() {
        tokio::select! {
            () = tokio::time::sleep(pause(clock.elapsed())) => {}
            () = stop.cancelled() => {}
        }
        let (asked, after) = (measures.clone(), clock.elapsed());
        // The reading itself never panics.
        let read = tokio::task::spawn_blocking(move || asked.read()).await;
        let now = Taken {
            reading: read.unwrap_or_default(),
            after,
        };
        samples.add(sample(clock.at(after), &last, &now));
        last = now;
    }
}

/// How long until the next sample of a build that has taken so long.
fn pause(elapsed: Duration) -> Duration {
    FIRST.max(elapsed / PART)
}

/// The time of the wall, as it was at the beginning: a clock that is set meanwhile puts no sample
/// before another.
struct Clock {
    wall: Duration,
    began: Instant,
}

impl Clock {
    fn start() -> Clock {
        Clock {
            wall: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
            began: Instant::now(),
        }
    }

    fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    fn at(&self, elapsed: Duration) -> domain::Millis {
        i64::try_from((self.wall + elapsed).as_millis()).unwrap_or(i64::MAX)
    }
}

/// A reading, and how long after the beginning it was taken.
struct Taken {
    reading: Reading,
    after: Duration,
}

/// What happened between two readings, in the units and the order of [`domain::Metric`].
fn sample(ts: domain::Millis, before: &Taken, now: &Taken) -> Sample {
    let time = now
        .after
        .saturating_sub(before.after)
        .max(Duration::from_millis(1));
    // What counts up began at zero, also when it could be read for the first time only now.
    let rate = |before: Option<u64>, now: Option<u64>, scale: f64| {
        let grown = now?.saturating_sub(before.unwrap_or(0));
        Some((grown as f64 * scale / time.as_secs_f64()).round() as u64)
    };
    let (was, is) = (&before.reading, &now.reading);
    let kib = |bytes: u64| bytes >> 10;
    Sample {
        ts,
        values: [
            rate(was.cpu_usec, is.cpu_usec, 1e-3),
            is.memory.map(kib),
            rate(was.ingress, is.ingress, 1.0),
            rate(was.egress, is.egress, 1.0),
            is.disk.map(kib),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Metric;

    #[test]
    fn counters_become_rates() {
        let taken = |seconds, cpu_usec, ingress| Taken {
            reading: Reading {
                cpu_usec,
                memory: Some(5 << 20),
                ingress,
                egress: None,
                disk: Some(3 << 10),
            },
            after: Duration::from_secs(seconds),
        };
        let (first, second) = (
            taken(1, None, Some(1000)),
            taken(3, Some(3_000_000), Some(5000)),
        );
        let sample = sample(7, &first, &second);
        assert_eq!(sample.get(Metric::Cpu), Some(1500));
        assert_eq!(sample.get(Metric::Memory), Some(5 << 10));
        assert_eq!(sample.get(Metric::NetworkIngress), Some(2000));
        assert_eq!(sample.get(Metric::NetworkEgress), None);
        assert_eq!(sample.get(Metric::DiskUsage), Some(3));
    }

    #[test]
    fn a_day_is_some_thousand_samples() {
        let (mut elapsed, mut count) = (Duration::ZERO, 0);
        while elapsed < Duration::from_secs(86_400) {
            elapsed += pause(elapsed);
            count += 1;
        }
        assert!((1000..3000).contains(&count), "{count}");
    }
}
