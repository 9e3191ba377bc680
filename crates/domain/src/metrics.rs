//! What a build uses while it runs: what is measured, in which units, and how many measurements
//! become few.

use crate::Millis;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is measured of a build, as the wire contract names it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Metric {
    /// Processors in use. Measured in thousandths of a vCPU, shown in vCPU.
    Cpu,
    /// Memory in use, without file cache that could be dropped. Measured in KiB, shown in MB.
    Memory,
    /// What came in over the network. Measured in bytes a second, shown in kilobits a second.
    NetworkIngress,
    /// What went out over the network. Measured in bytes a second, shown in kilobits a second.
    NetworkEgress,
    /// Ephemeral storage in use. Measured in KiB, shown in MB.
    DiskUsage,
}

impl Metric {
    /// All of them, in the order of a sample's values.
    pub const ALL: [Metric; 5] = [
        Metric::Cpu,
        Metric::Memory,
        Metric::NetworkIngress,
        Metric::NetworkEgress,
        Metric::DiskUsage,
    ];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Metric::Cpu => "cpu",
            Metric::Memory => "memory",
            Metric::NetworkIngress => "networkIngress",
            Metric::NetworkEgress => "networkEgress",
            Metric::DiskUsage => "diskUsage",
        }
    }

    /// Reads the word back; `None` for any other word.
    pub fn parse(word: &str) -> Option<Metric> {
        Metric::ALL.into_iter().find(|m| m.as_str() == word)
    }

    /// The unit on the wire.
    pub fn unit(self) -> &'static str {
        match self {
            Metric::Cpu => "vCPU",
            Metric::Memory | Metric::DiskUsage => "mb",
            Metric::NetworkIngress | Metric::NetworkEgress => "kbps",
        }
    }

    /// What was measured, in the unit on the wire, to the thousandth.
    pub fn in_unit(self, measured: f64) -> f64 {
        let value = match self {
            Metric::Cpu => measured / 1000.0,
            Metric::Memory | Metric::DiskUsage => measured / 1024.0,
            Metric::NetworkIngress | Metric::NetworkEgress => measured * 8.0 / 1000.0,
        };
        (value * 1000.0).round() / 1000.0
    }
}

/// What was measured over the time since the sample before. A metric that could not be measured has
/// no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The end of that time.
    pub ts: Millis,
    /// The values in the order of [`Metric::ALL`], in the units they are measured in.
    pub values: [Option<u64>; Metric::ALL.len()],
}

impl Sample {
    /// The value of one metric.
    pub fn get(&self, metric: Metric) -> Option<u64> {
        self.values[metric as usize]
    }
}

/// What a build has used altogether, by metric, in the units on the wire.
pub type Usage = BTreeMap<Metric, Figures>;

/// One metric over a whole build.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// The mean over the time it was measured.
    pub average: f64,
    /// The highest sample.
    pub peak: f64,
}

/// What samples, oldest first, come to altogether; metrics that were never measured are left out.
pub fn usage(samples: &[Sample]) -> Usage {
    let figures = |metric: Metric| {
        let peak = samples.iter().filter_map(|s| s.get(metric)).max()?;
        let average = mean(metric, None, samples)?;
        let figures = Figures {
            average: metric.in_unit(average),
            peak: metric.in_unit(peak as f64),
        };
        Some((metric, figures))
    };
    Metric::ALL.into_iter().filter_map(figures).collect()
}

/// How long the first sample of a build counts: nothing says when measuring began.
const FIRST: Millis = 1000;

/// The mean of one metric, each sample weighted with the time since the one before.
fn mean(metric: Metric, before: Option<Millis>, samples: &[Sample]) -> Option<f64> {
    let mut since = before;
    let (mut sum, mut time) = (0.0, 0.0);
    for sample in samples {
        let covered = since.map_or(FIRST, |since| (sample.ts - since).max(1)) as f64;
        since = Some(sample.ts);
        if let Some(value) = sample.get(metric) {
            sum += value as f64 * covered;
            time += covered;
        }
    }
    (time > 0.0).then(|| sum / time)
}

/// One point of a series: a time and a value in the metric's unit on the wire.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The end of the time it stands for.
    pub ts: Millis,
    /// The mean over that time.
    pub value: f64,
}

/// The series of one metric, with one point at the most for each `width` of time.
pub fn series(metric: Metric, samples: &[Sample], width: Millis) -> Vec<Point> {
    let width = width.max(1);
    let mut before = None;
    let mut points = Vec::new();
    for part in samples.chunk_by(|a, b| a.ts.div_euclid(width) == b.ts.div_euclid(width)) {
        let value = mean(metric, before, part);
        before = part.last().map(|sample| sample.ts);
        points.extend(before.zip(value).map(|(ts, value)| Point {
            ts,
            value: metric.in_unit(value),
        }));
    }
    points
}

/// Steps in which time is cut, in seconds.
const STEPS: [i64; 14] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600,
];

/// The shortest step, in seconds, in which that much time is not more than `points`.
pub fn resolution(span: Millis, points: i64) -> i64 {
    let fits = |step: &i64| span <= points.saturating_mul(step * 1000);
    let longest = STEPS[STEPS.len() - 1];
    STEPS.into_iter().find(fits).unwrap_or_else(|| {
        let at_once = longest.saturating_mul(1000).saturating_mul(points.max(1));
        longest * (span / at_once + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample(ts: Millis, cpu: Option<u64>) -> Sample {
        let values = [cpu, Some(1024), None, Some(125), None];
        Sample { ts, values }
    }

    #[test]
    fn words_and_places_agree() {
        for (place, metric) in Metric::ALL.into_iter().enumerate() {
            assert_eq!(metric as usize, place);
            assert_eq!(Metric::parse(metric.as_str()), Some(metric));
            let json = serde_json::to_value(metric).unwrap();
            assert_eq!(json, metric.as_str());
        }
    }

    #[test]
    fn a_long_sample_weighs_more_than_a_short_one() {
        let samples = [
            sample(1000, Some(1000)),
            sample(2000, Some(1000)),
            sample(10_000, Some(0)),
        ];
        let usage = usage(&samples);
        let cpu = usage[&Metric::Cpu];
        assert_eq!((cpu.average, cpu.peak), (0.2, 1.0));
        assert_eq!(usage[&Metric::Memory].peak, 1.0);
        assert_eq!(usage[&Metric::NetworkEgress].average, 1.0);
        assert!(!usage.contains_key(&Metric::DiskUsage));
    }

    #[test]
    fn a_series_has_a_point_for_each_step_that_was_measured() {
        let samples: Vec<_> = (0..10).map(|i| sample(i * 1000, Some(500))).collect();
        let points = series(Metric::Cpu, &samples, 5000);
        let ends: Vec<_> = points.iter().map(|point| point.ts).collect();
        assert_eq!(ends, [4000, 9000]);
        assert!(points.iter().all(|point| point.value == 0.5));
        assert!(series(Metric::DiskUsage, &samples, 5000).is_empty());
    }

    #[test]
    fn the_resolution_follows_the_span() {
        assert_eq!(resolution(0, 300), 1);
        assert_eq!(resolution(300_000, 300), 1);
        assert_eq!(resolution(300_001, 300), 2);
        assert_eq!(resolution(7_200_000, 300), 30);
    }

    proptest! {
        #[test]
        fn no_span_has_more_points_than_asked_for(span in 0i64..10_000_000_000_000, points in 1i64..1000) {
            prop_assert!(resolution(span, points) * 1000 * points >= span);
        }

        /// However it is cut, a series stays within what was measured.
        #[test]
        fn means_lie_between_lowest_and_highest(
            values in proptest::collection::vec(0u64..10_000, 1..60), width in 1i64..9000,
        ) {
            let samples: Vec<_> = (0i64..).zip(&values).map(|(i, v)| sample(i * 700, Some(*v))).collect();
            let (low, high) = (*values.iter().min().unwrap() as f64, *values.iter().max().unwrap() as f64);
            for point in series(Metric::Cpu, &samples, width) {
                prop_assert!(point.value >= low / 1000.0 - 0.001 && point.value <= high / 1000.0 + 0.001);
            }
        }
    }
}
