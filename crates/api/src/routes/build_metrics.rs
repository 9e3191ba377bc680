//! Metrics of a build: how it was at a time, or over a time.

use super::build_logs::{asked_build, newest};
use crate::edge::{ApiError, Caller, Data, Params, Path, Place, Problems, call, iso_millis};
use crate::state::State;
use aide::axum::ApiRouter;
use axum::extract::State as FromState;
use domain::metrics::{Point, resolution, series};
use domain::{Build, Metric, Millis, Permission as P, Sample};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// Metrics of builds.
pub(crate) fn routes() -> ApiRouter<State> {
    let metrics = call(
        "get.service.buildMetrics",
        "What a build uses, at a time or over a time",
    );
    let metrics = metrics.also("get.service.buildMetricsRange");
    ApiRouter::new().api_route(
        "/projects/{projectId}/services/{serviceId}/build-metrics",
        metrics.needs(P::ServiceRead).get(build_metrics),
    )
}

/// About so many points of a range: enough for any screen.
const POINTS: i64 = 300;

/// For the document: what a single value and a range take.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "for the document")]
pub(crate) struct MetricsQuery {
    /// `range` (the default), or `single` for how it was at one time.
    query_type: Option<QueryType>,
    /// The build; the service's newest unless given.
    build_id: Option<String>,
    /// What to show, repeated for each; everything unless given.
    metric_types: Option<Vec<Metric>>,
    /// Nothing before, ISO 8601. For a range.
    start_time: Option<String>,
    /// Nothing after, ISO 8601. For a range.
    end_time: Option<String>,
    /// Seconds from `startTime`, or up to `endTime` or the build's end. For a range.
    #[schemars(range(min = 1))]
    duration: Option<u32>,
    /// The time, ISO 8601; now unless given. For a single value.
    timestamp: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(rename = "MetricsQueryType")]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "for the document")]
enum QueryType {
    Range,
    Single,
}

/// One metric of a build.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MetricView {
    metric_info: MetricInfo,
    /// Nothing where there is no build yet.
    values: Vec<SeriesView>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct MetricInfo {
    metric_id: Metric,
    /// `vCPU`, `mb` (1,048,576 bytes) or `kbps` (1,000 bits a second).
    metric_unit: &'static str,
    /// Seconds that a point of a range stands for.
    #[serde(skip_serializing_if = "Option::is_none")]
    metric_resolution: Option<i64>,
}

#[derive(Serialize, JsonSchema)]
struct SeriesView {
    metadata: Metadata,
    /// Oldest first; nothing where it could not be measured.
    data: Vec<PointView>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    /// The build's id.
    container_id: String,
}

#[derive(Serialize, JsonSchema)]
struct PointView {
    value: f64,
    ts: String,
}

impl From<Point> for PointView {
    fn from(point: Point) -> Self {
        PointView {
            value: point.value,
            ts: iso_millis(point.ts),
        }
    }
}

/// What a call asks for, in milliseconds since 1970.
#[derive(Debug, PartialEq, Eq)]
enum When {
    At(Millis),
    Between(Millis, Millis),
}

struct Asked {
    metrics: Vec<Metric>,
    when: When,
}

impl Asked {
    fn read(params: &Params<MetricsQuery>, build: Option<&Build>) -> Result<Asked, ApiError> {
        let mut problems = Problems::default();
        for foreign in ["deploymentId", "runId", "containerName"] {
            if params.get(foreign).is_some() {
                problems.add(foreign, "is not for the metrics of a build");
            }
        }
        let asked = Asked {
            metrics: metrics(params, &mut problems),
            when: when(params, build, &mut problems),
        };
        problems.into_result().map(|()| asked)
    }

    /// One metric of the samples that are asked for.
    fn view(&self, metric: Metric, build: Option<&Build>, samples: &[Sample]) -> MetricView {
        let (step, points) = match self.when {
            When::At(_) => (None, series(metric, samples, 1)),
            When::Between(..) => {
                let ends = samples.first().zip(samples.last());
                let span = ends.map_or(0, |(first, last)| last.ts - first.ts);
                let step = resolution(span, POINTS);
                (Some(step), series(metric, samples, step * 1000))
            }
        };
        let values = build.map(|build| SeriesView {
            metadata: Metadata {
                container_id: build.id.clone(),
            },
            data: points.into_iter().map(PointView::from).collect(),
        });
        MetricView {
            metric_info: MetricInfo {
                metric_id: metric,
                metric_unit: metric.unit(),
                metric_resolution: step,
            },
            values: values.into_iter().collect(),
        }
    }
}

fn metrics(params: &Params<MetricsQuery>, problems: &mut Problems) -> Vec<Metric> {
    const NAME: &str = "metricTypes";
    let mut metrics = Vec::new();
    for word in params.words(NAME) {
        match Metric::parse(word) {
            Some(metric) => metrics.push(metric),
            None => {
                let known = Metric::ALL.map(Metric::as_str).join(", ");
                problems.add(NAME, format!("must be one of {known}, and is `{word}`"));
            }
        }
    }
    if metrics.is_empty() {
        metrics.extend(Metric::ALL);
    }
    metrics
}

fn when(params: &Params<MetricsQuery>, build: Option<&Build>, problems: &mut Problems) -> When {
    let mut refuse = |names: &[&str], only: &str| {
        for name in names.iter().filter(|name| params.get(name).is_some()) {
            problems.add(name, format!("goes with queryType={only} only"));
        }
    };
    match params.get("queryType") {
        Some("single") => {
            refuse(&["startTime", "endTime", "duration"], "range");
            let at = params.time("timestamp", problems);
            When::At(at.map_or(Millis::MAX, |micros| micros.div_euclid(1000)))
        }
        None | Some("range") => {
            refuse(&["timestamp"], "single");
            let (start, end) = params.window(|| newest(build), problems);
            // Bounds are to the microsecond, samples to the millisecond: both bounds are inside.
            let start = start.map_or(Millis::MIN, |micros| -(-micros).div_euclid(1000));
            let end = end.map_or(Millis::MAX, |micros| micros.div_euclid(1000));
            When::Between(start, end)
        }
        Some(_) => {
            problems.add("queryType", "must be single or range");
            When::At(Millis::MAX)
        }
    }
}

/// `GET …/build-metrics`.
pub(crate) async fn build_metrics(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    params: Params<MetricsQuery>,
) -> Result<Data<BTreeMap<Metric, MetricView>>, ApiError> {
    let (_, service) = place.service(&state, &caller).await?;
    let build = asked_build(&state, &service, &params).await?;
    let asked = Asked::read(&params, build.as_ref())?;
    let samples = match &build {
        Some(build) => state.logs.samples(&build.uid).await?,
        None => Vec::new(),
    };
    let samples = chosen(&samples, &asked.when);
    let data = asked.metrics.iter();
    let data = data.map(|metric| (*metric, asked.view(*metric, build.as_ref(), samples)));
    Ok(Data {
        data: data.collect(),
    })
}

/// The samples of a time; of one moment the last sample up to it.
fn chosen<'s>(samples: &'s [Sample], when: &When) -> &'s [Sample] {
    let up_to = |end: Millis| samples.partition_point(|sample| sample.ts <= end);
    match *when {
        When::At(time) => {
            let end = up_to(time);
            &samples[end.saturating_sub(1)..end]
        }
        When::Between(start, end) => {
            let first = samples.partition_point(|sample| sample.ts < start);
            samples.get(first..up_to(end)).unwrap_or_default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Asked, ApiError> {
        Asked::read(&Params::parse(query), None)
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (query, field) in [
            ("queryType=tail", "queryType"),
            ("metricTypes=requests", "metricTypes"),
            (
                "queryType=single&startTime=2021-07-28T15:55:38Z",
                "startTime",
            ),
            (
                "queryType=range&timestamp=2021-07-28T15:55:38Z",
                "timestamp",
            ),
            ("queryType=single&timestamp=yesterday", "timestamp"),
            ("queryType=range&duration=0", "duration"),
            ("deploymentId=x", "deploymentId"),
        ] {
            let error = read(query).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains(&format!("`{field}`")), "{query}: {error}");
        }
    }

    #[test]
    fn metrics_may_be_repeated() {
        let asked = read("metricTypes=memory&metricTypes=cpu").unwrap();
        assert_eq!(asked.metrics, [Metric::Memory, Metric::Cpu]);
        let asked = read("metricTypes=memory,cpu&metricTypes=,diskUsage").unwrap();
        let three = [Metric::Memory, Metric::Cpu, Metric::DiskUsage];
        assert_eq!(asked.metrics, three);
        assert_eq!(read("").unwrap().metrics, Metric::ALL);
    }

    #[test]
    fn samples_are_chosen_by_time() {
        let at = |ts| Sample {
            ts,
            values: [None; 5],
        };
        let samples = [at(10), at(20), at(30)];
        assert_eq!(chosen(&samples, &When::At(29)), [at(20)]);
        assert_eq!(chosen(&samples, &When::At(Millis::MAX)), [at(30)]);
        assert_eq!(chosen(&samples, &When::At(9)), []);
        assert_eq!(chosen(&samples, &When::Between(10, 20)), [at(10), at(20)]);
        assert_eq!(chosen(&samples, &When::Between(21, 20)), []);
        assert_eq!(chosen(&samples, &When::Between(31, 99)), []);
    }
}
