//! What this server is and offers: login, plans, regions, health.

use crate::edge::{ApiError, Caller, Data, Listed, Nothing, PageQuery, Paging, Params, call};
use crate::state::State;
use aide::axum::ApiRouter;
use axum::extract::State as FromState;
use domain::Plan;
use schemars::JsonSchema;
use serde::Serialize;

/// What the server itself offers.
pub(crate) fn routes() -> ApiRouter<State> {
    let login = call("login", "Whether a token is good");
    let plans = call("list.plans", "The plans a service may name");
    let regions = call("list.regions", "The regions a project may be in");
    let clouds = call("list.cloud.regions", "The regions, by the cloud's names");
    ApiRouter::new()
        .api_route("/login", login.get(self::login))
        .api_route("/plans", plans.get(self::plans))
        .api_route("/regions", regions.get(self::regions))
        .api_route("/cloud-providers/regions", clouds.get(cloud_regions))
}

/// `GET /v1/login`: the published command line asks it whether a token is good.
pub(crate) async fn login(_: Caller) -> Nothing {
    Nothing::new()
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PlanView {
    id: String,
    name: String,
    currency: &'static str,
    amount_per_month: f64,
    amount_per_hour: f64,
    cpu_resource: f64,
    ram_resource: u64,
}

impl From<&Plan> for PlanView {
    fn from(plan: &Plan) -> Self {
        PlanView {
            id: plan.id.clone(),
            name: plan.id.clone(),
            currency: "usd",
            // Your own machines send no bill.
            amount_per_month: 0.0,
            amount_per_hour: 0.0,
            cpu_resource: f64::from(plan.cpu_hundredths) / 100.0,
            ram_resource: plan.memory_mb,
        }
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Plans {
    plans: Vec<PlanView>,
}

/// `GET /v1/plans`.
pub(crate) async fn plans(FromState(state): FromState<State>, _: Caller) -> Data<Plans> {
    let plans = state.settings.plans.iter().map(PlanView::from).collect();
    Data {
        data: Plans { plans },
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Region {
    id: String,
    name: String,
    region_name: &'static str,
    gpu_devices: [(); 0],
}

#[derive(Serialize, JsonSchema)]
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

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CloudRegion {
    id: String,
    name: String,
    availability_zones: [(); 0],
}

/// The provider of this server's own machine.
const PROVIDER: &str = "local";

/// For the document: the parameters of the list of regions.
#[derive(JsonSchema)]
pub(crate) struct OfProvider {
    #[schemars(flatten)]
    #[expect(dead_code, reason = "for the document")]
    paging: Paging,
    /// Only regions of this provider; the one here is `local`.
    #[expect(dead_code, reason = "for the document")]
    provider: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct CloudRegions {
    providers: Vec<CloudRegion>,
}

/// `GET /v1/cloud-providers/regions`.
pub(crate) async fn cloud_regions(
    FromState(state): FromState<State>,
    _: Caller,
    params: Params<OfProvider>,
) -> Result<Listed<CloudRegions>, ApiError> {
    const LIST: &str = "cloud-regions";
    let page = PageQuery::read(&params, &state.sealer, LIST)?;
    let provider = params.get("provider").unwrap_or(PROVIDER);
    let id = state.settings.region.clone();
    let region = CloudRegion {
        name: id.clone(),
        id,
        availability_zones: [],
    };
    let mut regions = vec![region];
    regions.retain(|_| provider == PROVIDER);
    let mut providers = page.of_few(regions, |_| 1);
    let pagination = page.cut(&mut providers, &state.sealer, LIST, |_| 1);
    Ok(Listed {
        data: CloudRegions { providers },
        pagination,
    })
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
