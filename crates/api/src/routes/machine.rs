//! What this server is and offers: login, plans, regions, health.

use crate::edge::{ApiError, Caller, Data, Listed, Nothing, Pagination};
use crate::state::State;
use axum::extract::State as FromState;
use domain::Plan;
use serde::Serialize;

/// `GET /v1/login`: the published command line asks it whether a token is good.
pub(crate) async fn login(_: Caller) -> Nothing {
    Nothing::new()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PlanView<'a> {
    id: &'a str,
    name: &'a str,
    currency: &'static str,
    amount_per_month: f64,
    amount_per_hour: f64,
    cpu_resource: f64,
    ram_resource: u64,
}

impl<'a> From<&'a Plan> for PlanView<'a> {
    fn from(plan: &'a Plan) -> Self {
        PlanView {
            id: &plan.id,
            name: &plan.id,
            currency: "usd",
            // Your own machines send no bill.
            amount_per_month: 0.0,
            amount_per_hour: 0.0,
            cpu_resource: f64::from(plan.cpu_hundredths) / 100.0,
            ram_resource: plan.memory_mb,
        }
    }
}

#[derive(Serialize)]
pub(crate) struct Plans<'a> {
    plans: Vec<PlanView<'a>>,
}

/// `GET /v1/plans`.
pub(crate) async fn plans(
    FromState(state): FromState<State>,
    _: Caller,
) -> axum::response::Response {
    let plans = state.settings.plans.iter().map(PlanView::from).collect();
    axum::response::IntoResponse::into_response(Data {
        data: Plans { plans },
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Region {
    id: String,
    name: String,
    region_name: &'static str,
    gpu_devices: [(); 0],
}

#[derive(Serialize)]
pub(crate) struct Regions {
    regions: Vec<Region>,
}

/// `GET /v1/regions`: a single machine is one region.
pub(crate) async fn regions(FromState(state): FromState<State>, _: Caller) -> Data<Regions> {
    let id = state.settings.region.clone();
    let region = Region {
        name: id.clone(),
        id,
        region_name: "Self-hosted",
        gpu_devices: [],
    };
    Data {
        data: Regions {
            regions: vec![region],
        },
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CloudRegion {
    id: String,
    name: String,
    availability_zones: [(); 0],
}

#[derive(Serialize)]
pub(crate) struct CloudRegions {
    providers: Vec<CloudRegion>,
}

/// `GET /v1/cloud-providers/regions`.
pub(crate) async fn cloud_regions(
    FromState(state): FromState<State>,
    _: Caller,
) -> Listed<CloudRegions> {
    let id = state.settings.region.clone();
    let region = CloudRegion {
        name: id.clone(),
        id,
        availability_zones: [],
    };
    Listed {
        data: CloudRegions {
            providers: vec![region],
        },
        pagination: Pagination {
            has_next_page: false,
            cursor: None,
            count: 1,
        },
    }
}

/// `GET /healthz`: the process answers.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the process can work, which it cannot without its database.
pub(crate) async fn readyz(FromState(state): FromState<State>) -> Result<&'static str, ApiError> {
    state.store.ping().await?;
    Ok("ready\n")
}
