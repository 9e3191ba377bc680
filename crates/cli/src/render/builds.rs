//! Builds as tables.

use super::detail::Detail;
use super::metrics::number;
use super::table::{Cell, Sheet, Tone};
use super::text::plain;
use super::time::{ago, length};
use crate::client::{Build, ClientError, Figures, Phase, Queue, parse, parse_rows};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::BTreeMap;

/// Characters of a commit that lists show; git's own default is 7, too few for a large history.
const SHORT_SHA: usize = 10;

/// All builds of a service.
pub(crate) fn builds(data: Value, now: Timestamp) -> Result<Sheet, ClientError> {
    let none = "no builds yet; start one with `boatyard start service build --wait`";
    listed(data, now, none)
}

/// Those of its builds that a filter lets through.
pub(crate) fn found_builds(data: Value, now: Timestamp) -> Result<Sheet, ClientError> {
    listed(data, now, "no builds like that")
}

fn listed(data: Value, now: Timestamp, none: &'static str) -> Result<Sheet, ClientError> {
    let header = [
        "ID", "STATUS", "SOURCE", "COMMIT", "TRIGGER", "CREATED", "TOOK", "MESSAGE",
    ];
    let mut sheet = Sheet::new(&header, none);
    for build in parse_rows::<Build>(data, "builds")? {
        sheet.row(vec![
            Cell::new(&build.id),
            Cell::new(&build.status).tone(tone(&build)),
            Cell::or_dash(source(&build)),
            Cell::or_dash(build.sha.as_deref().map(short)),
            Cell::or_dash(build.trigger.as_deref()),
            Cell::or_dash(build.created_at.map(|at| ago(at, now))),
            Cell::or_dash(build.took(now).map(length)),
            Cell::or_dash(build.message.as_deref()),
        ]);
    }
    Ok(sheet)
}

pub(crate) fn build(data: Value, now: Timestamp) -> Result<Sheet, ClientError> {
    let build: Build = parse(data)?;
    let when = |at: Option<Timestamp>| at.map(|at| format!("{at:.0} ({})", ago(at, now)));
    let creator = build.created_by.as_ref().map(|by| &by.token_name);
    let digest = build.registry.as_ref().and_then(|to| to.digest.as_ref());
    Ok(Detail::new()
        .add("ID", Some(&build.id))
        .toned("Status", Some(&build.status), tone(&build))
        .add("Reason", build.reason.as_ref())
        .add("Message", build.message.as_ref())
        .add("Queue", build.queue.as_ref().map(|queue| turn(queue, now)))
        .add("Branch", build.branch.as_ref())
        .add(
            "Pull request",
            build.pull_request_id.map(|number| format!("#{number}")),
        )
        .add("Commit", build.sha.as_ref())
        .add("Created", when(build.created_at))
        .add("Trigger", build.trigger.as_ref())
        .add("Created by", creator.filter(|name| !name.is_empty()))
        .add("Retry of", build.retry_of.as_ref())
        .add("Started", when(build.started_at))
        .add("Took", build.took(now).map(length))
        .add("Phases", Some(phases(&build.phases)))
        .add("Used", Some(used(&build.metrics)))
        .add("Image", build.image())
        .add("Digest", digest)
        .into_sheet())
}

/// "number 2 in line", and when its turn may come.
fn turn(queue: &Queue, now: Timestamp) -> String {
    let wait = queue.expected_start.map(|start| start.duration_since(now));
    let wait = wait.map(|wait| format!(", may start in {}", length(wait)));
    let position = queue.position;
    format!("number {position} in line{}", wait.unwrap_or_default())
}

/// "queued 0.2s, building 1m 10s": the phases that are over.
fn phases(phases: &[Phase]) -> String {
    let over = phases.iter().filter_map(|phase| {
        let seconds = SignedDuration::try_from_secs_f64(phase.seconds?).ok()?;
        Some(format!(
            "{} {}",
            phase.status.to_lowercase(),
            length(seconds)
        ))
    });
    over.collect::<Vec<_>>().join(", ")
}

/// "cpu 0.45 (peak 1.00) vCPU, …".
fn used(metrics: &BTreeMap<String, Figures>) -> String {
    let figures = metrics.iter().map(|(name, figures)| {
        let (average, peak) = (number(figures.average), number(figures.peak));
        format!("{name} {average} (peak {peak}) {}", figures.unit)
    });
    figures.collect::<Vec<_>>().join(", ")
}

/// How a build ended, as the last words of waiting for it.
pub(crate) fn outcome(build: &Build, now: Timestamp) -> String {
    let took = build
        .took(now)
        .map(|took| format!(" after {}", length(took)))
        .unwrap_or_default();
    let mut text = format!("{} {}{took}", plain(&build.id), plain(&build.status));
    if let Some(message) = build.message.as_deref().filter(|m| !m.is_empty()) {
        text.push_str(&format!("\n  {}", plain(message)));
    }
    if let Some(image) = build.image().filter(|_| build.succeeded()) {
        text.push_str(&format!("\n  image: {}", plain(image)));
    }
    text
}

fn tone(build: &Build) -> Tone {
    match build.status.as_str() {
        "SUCCESS" => Tone::Good,
        "ABORTED" => Tone::Faint,
        "UNSCHEDULABLE" => Tone::Bad,
        _ if build.is_concluded() => Tone::Bad,
        _ => Tone::Busy,
    }
}

fn source(build: &Build) -> Option<String> {
    match build.pull_request_id {
        Some(number) => Some(format!("#{number}")),
        None => build.branch.clone(),
    }
}

pub(super) fn short(sha: &str) -> &str {
    sha.get(..SHORT_SHA).unwrap_or(sha)
}
