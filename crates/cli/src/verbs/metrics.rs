//! `boatyard get service build-metrics`

use crate::args::BuildMetrics;
use crate::connect::{Place, Session};
use crate::console::Console;
use crate::error::CliError;
use crate::render;

pub(super) async fn show(args: BuildMetrics, console: &mut Console) -> Result<(), CliError> {
    let session = Session::open(console, &args.common.connection)?;
    let (project, service) = session.service(&args.of.of).await?;
    let path = ["projects", &project, "services", &service, "build-metrics"];
    let place = Place::service(&project, &service);
    let query = query(&args);
    let answer = session
        .at(&place, session.client.get(&path, &query))
        .await?;
    render::show(
        console,
        args.common.shown.output,
        answer.data,
        render::metrics,
    )
}

fn query(args: &BuildMetrics) -> Vec<(&'static str, String)> {
    let kind = args.timestamp.map_or("range", |_| "single");
    let mut query = vec![("queryType", kind.to_owned())];
    query.extend(args.of.build.iter().map(|id| ("buildId", id.clone())));
    let types = args.types.iter();
    query.extend(types.map(|metric| ("metricTypes", metric.as_str().to_owned())));
    let times = [
        ("startTime", args.start),
        ("endTime", args.end),
        ("timestamp", args.timestamp),
    ];
    query.extend(
        times
            .map(|(name, time)| Some((name, time?.to_string())))
            .into_iter()
            .flatten(),
    );
    query.extend(
        args.duration
            .map(|seconds| ("duration", seconds.to_string())),
    );
    query
}
