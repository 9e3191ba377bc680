//! From the trigger to a running worker: a real worker process that has claimed its build.

use crate::effort::Effort;
use crate::images::repository::Repository;
use crate::report::{Aim, Section};
use crate::server::Server;
use crate::stats::percentile;
use anyhow::Context;
use serde_json::Value;
use std::path::Path;

const P99_MS: f64 = 50.0;

/// Triggers builds one after the other on a server that has nothing else to do.
pub(crate) async fn measure(program: &Path, effort: &Effort) -> anyhow::Result<Section> {
    // Without a Dockerfile a build is over soon after it began, and it begins like any other.
    let repository = Repository::empty()?;
    let server = Server::start(program, &[]).await?;
    let service = server.api()?.service("trigger", repository.path()).await?;
    let (mut from_call, mut from_accepted) = (Vec::new(), Vec::new());
    for _ in 0..effort.triggers {
        let called = jiff::Timestamp::now();
        let id = service.trigger().await?;
        let build = service.end_of(&id).await?;
        let started = time(&build, "startedAt")?;
        from_call.push(millis(called, started));
        from_accepted.push(millis(time(&build, "createdAt")?, started));
        // The next one is not to be slowed down by what this one still clears away.
        server.rests().await?;
    }
    Ok(section(&from_call, &from_accepted))
}

fn section(from_call: &[f64], from_accepted: &[f64]) -> Section {
    let row = |what: &str, values: &[f64]| {
        vec![
            what.to_owned(),
            format!("{:.0}", percentile(values, 50)),
            format!("{:.0}", percentile(values, 99)),
        ]
    };
    let p99 = percentile(from_call, 99);
    Section {
        title: "From the trigger to a running worker",
        how: format!(
            "{} builds, one after the other, over SQLite. The end is STARTING, as the server \
             recorded it, to the millisecond: a worker process is there and has claimed the build. \
             The call asks git for the branch's commit before it accepts the build.",
            from_call.len()
        ),
        columns: vec!["from", "p50 ms", "p99 ms"],
        rows: vec![
            row("the call being sent", from_call),
            row("the build being accepted", from_accepted),
        ],
        aims: vec![Aim {
            what: "from the call to a running worker, p99".into(),
            figure: format!("{p99:.0} ms"),
            aim: format!("under {P99_MS:.0} ms"),
            reached: p99 < P99_MS,
        }],
    }
}

fn time(build: &Value, field: &str) -> anyhow::Result<jiff::Timestamp> {
    let text = build[field].as_str();
    let text = text.with_context(|| format!("a build without {field}: {build}"))?;
    Ok(text.parse()?)
}

fn millis(from: jiff::Timestamp, to: jiff::Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64() * 1000.0
}
