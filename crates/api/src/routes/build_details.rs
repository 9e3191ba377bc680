//! One build with all that is known of it: what the list shows, and beyond the contract its phases,
//! what it used, what it repeats, and while it waits where in the queue it stands.

use super::builds::BuildView;
use crate::edge::{ApiError, iso_millis};
use crate::state::State;
use domain::metrics::Figures;
use domain::phase::Phase;
use domain::queue::{ahead, expected_start};
use domain::{Build, Metric, Service, Status};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use store::{Details, Outlook};

/// One build on the wire.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BuildDetails {
    #[serde(flatten)]
    build: BuildView,
    /// Every status it had, in order.
    phases: Vec<PhaseView>,
    /// What it used, once it is over and where that was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<BTreeMap<Metric, FiguresView>>,
    /// The id of the build that it repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_of: Option<String>,
    /// Whether it is of a pull request from a fork, which gets nothing of the service's; there when it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    from_fork: Option<bool>,
    /// Where it stands, while it is QUEUED.
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<QueueView>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PhaseView {
    status: Status,
    started_at: String,
    /// How long it took; nothing for the present status.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
}

#[derive(Serialize, JsonSchema)]
struct FiguresView {
    average: f64,
    peak: f64,
    /// `vCPU`, `mb` (1,048,576 bytes) or `kbps` (1,000 bits a second).
    unit: &'static str,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct QueueView {
    /// Its turn, as turns are given now: 1 is the next.
    position: i64,
    /// When that may be, by how long builds of its service took lately; nothing where none has
    /// succeeded yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_start: Option<String>,
}

impl BuildDetails {
    /// The build of a service with this id.
    pub(crate) async fn find(
        state: &State,
        service: &Service,
        id: &str,
    ) -> Result<BuildDetails, ApiError> {
        let found = state.store.build_with_details(&service.uid, id).await?;
        let (build, details) = found.ok_or_else(|| ApiError::not_found("build", id))?;
        let outlook = state.store.outlook(&build).await?;
        let places = state.settings.places;
        Ok(BuildDetails {
            queue: outlook.map(|outlook| queue(&outlook, places)),
            ..BuildDetails::new(build, details, &state.settings.registry_host)
        })
    }

    fn new(build: Build, details: Details, registry_host: &str) -> BuildDetails {
        let figures = |(metric, figures): (Metric, Figures)| {
            let view = FiguresView {
                average: figures.average,
                peak: figures.peak,
                unit: metric.unit(),
            };
            (metric, view)
        };
        BuildDetails {
            build: BuildView::new(build, registry_host),
            phases: phases(&details.phases),
            metrics: details
                .usage
                .map(|usage| usage.into_iter().map(figures).collect()),
            retry_of: details.retry_of,
            from_fork: details.from_fork.then_some(true),
            queue: None,
        }
    }
}

fn phases(phases: &[Phase]) -> Vec<PhaseView> {
    let ends = phases.iter().skip(1).map(|next| Some(next.since));
    let view = |(phase, end): (&Phase, Option<i64>)| PhaseView {
        status: phase.status,
        started_at: iso_millis(phase.since),
        seconds: end.map(|end| (end - phase.since) as f64 / 1000.0),
    };
    phases.iter().zip(ends.chain([None])).map(view).collect()
}

fn queue(outlook: &Outlook, places: usize) -> QueueView {
    let ahead = ahead(&outlook.mine, outlook.before, &outlook.others);
    let now = jiff::Timestamp::now().as_millisecond();
    let start = outlook
        .typical
        .and_then(|typical| expected_start(now, places, &outlook.running, ahead, typical));
    QueueView {
        position: ahead + 1,
        expected_start: start.map(iso_millis),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_ends_where_the_next_begins() {
        let phase = |status, since| Phase { status, since };
        let way = [
            phase(Status::Queued, 1000),
            phase(Status::Pending, 2500),
            phase(Status::Aborted, 2600),
        ];
        let seconds: Vec<_> = phases(&way).iter().map(|phase| phase.seconds).collect();
        assert_eq!(seconds, [Some(1.5), Some(0.1), None]);
    }
}
