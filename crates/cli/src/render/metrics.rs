//! Metrics of a build as a table: a row for each time, a column for each metric.

use super::table::{Cell, Sheet};
use crate::client::{ClientError, parse};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Columns, in this order: metric on the wire, heading with its unit there.
const COLUMNS: [(&str, &str); 5] = [
    ("cpu", "CPU (vCPU)"),
    ("memory", "MEMORY (MB)"),
    ("networkIngress", "INGRESS (kbps)"),
    ("networkEgress", "EGRESS (kbps)"),
    ("diskUsage", "DISK (MB)"),
];

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metric {
    values: Vec<Series>,
}

#[derive(Deserialize)]
struct Series {
    data: Vec<Point>,
}

#[derive(Deserialize)]
struct Point {
    value: f64,
    ts: Timestamp,
}

pub(crate) fn metrics(data: Value, _now: Timestamp) -> Result<Sheet, ClientError> {
    let metrics: BTreeMap<String, Metric> = parse(data)?;
    let shown: Vec<(&str, &Metric)> = COLUMNS
        .iter()
        .filter_map(|(name, heading)| Some((*heading, metrics.get(*name)?)))
        .collect();
    let mut rows: BTreeMap<Timestamp, Vec<Option<f64>>> = BTreeMap::new();
    for (column, (_, metric)) in shown.iter().enumerate() {
        for point in metric.values.iter().flat_map(|series| &series.data) {
            let row = rows
                .entry(point.ts)
                .or_insert_with(|| vec![None; shown.len()]);
            row[column] = Some(point.value);
        }
    }
    let headings: Vec<&str> = std::iter::once("TIME")
        .chain(shown.iter().map(|(heading, _)| *heading))
        .collect();
    let mut sheet = Sheet::new(&headings, "nothing was measured of this build (yet)");
    for (ts, values) in rows {
        let time = Cell::new(format!("{ts:.0}"));
        let values = values
            .into_iter()
            .map(|value| Cell::or_dash(value.map(number)));
        sheet.row(std::iter::once(time).chain(values).collect());
    }
    Ok(sheet)
}

/// A figure as people read it: the larger, the fewer decimals.
pub(super) fn number(value: f64) -> String {
    match value {
        100.0.. => format!("{value:.0}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
