//! `boatyard get service build-metrics`

use super::logs::time;
use super::{BuildArg, Common};
use clap::{Args, ValueEnum};
use jiff::Timestamp;

/// `get service build-metrics`
#[derive(Debug, Args)]
#[command(after_help = "\
Without --build, the newest build is shown. Averages and peaks of a build that is over are part of
`boatyard get service build`.

Examples:
  boatyard get service build-metrics --project shop --service web --build joyous-view-6290
  boatyard get service build-metrics -p shop -s web --type cpu --type memory --duration 60
  boatyard get service build-metrics -p shop -s web --timestamp 2026-11-24T08:00:00Z -o json")]
pub struct BuildMetrics {
    /// Which build.
    #[command(flatten)]
    pub of: BuildArg,
    /// What to show (repeatable): cpu, memory, network-ingress, network-egress, disk-usage
    #[arg(
        long = "type",
        alias = "metricTypes",
        value_enum,
        value_name = "METRIC",
        hide_possible_values = true
    )]
    pub types: Vec<MetricArg>,
    /// From this time on (ISO 8601, or seconds since 1970)
    #[arg(long, alias = "startTime", value_name = "TIME", value_parser = time)]
    pub start: Option<Timestamp>,
    /// Up to this time
    #[arg(long, alias = "endTime", value_name = "TIME", value_parser = time)]
    pub end: Option<Timestamp>,
    /// Length of the range in seconds, beside --start or --end, or up to the build's end
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    pub duration: Option<u32>,
    /// How it was at this one time
    #[arg(long, value_name = "TIME", value_parser = time, conflicts_with_all = ["start", "end", "duration"])]
    pub timestamp: Option<Timestamp>,
    /// What every verb takes.
    #[command(flatten)]
    pub common: Common,
}

/// What is measured of a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MetricArg {
    /// Processors
    Cpu,
    /// Memory
    Memory,
    /// What came in over the network
    #[value(alias = "networkIngress")]
    NetworkIngress,
    /// What went out over the network
    #[value(alias = "networkEgress")]
    NetworkEgress,
    /// Ephemeral storage
    #[value(alias = "diskUsage")]
    DiskUsage,
}

impl MetricArg {
    /// The word on the wire.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            MetricArg::Cpu => "cpu",
            MetricArg::Memory => "memory",
            MetricArg::NetworkIngress => "networkIngress",
            MetricArg::NetworkEgress => "networkEgress",
            MetricArg::DiskUsage => "diskUsage",
        }
    }
}
