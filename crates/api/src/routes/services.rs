//! Build services.

use super::child_objects;
use super::secret_input::{keeps_its_dockerfile, replace_all};
use super::service_input::{Known, ServiceInput};
use super::service_rights::{may_change, may_tag};
use super::service_view::{ServiceSummary, ServiceView};
use super::tags;
use crate::edge::{
    ApiError, Body, Caller, Data, Listed, Nothing, PageQuery, Paging, Params, Path, Place, call,
};
use crate::removal;
use crate::state::State;
use crate::watch::look_soon;
use aide::axum::ApiRouter;
use axum::extract::State as FromState;
use domain::vcs::VcsLink;
use domain::{Permission as P, Project, SecretValues, Service, ServiceSpec, slug};
use schemars::JsonSchema;
use serde::Serialize;
use store::ServiceChanges;

/// Build services.
pub(crate) fn routes() -> ApiRouter<State> {
    let list = call("list.services", "List services").needs(P::ServiceRead);
    let create = call("create.service.build", "Create a build service").needs(P::ServiceCreate);
    let put = call("put.service.build", "Create or replace a build service");
    let patch = call("patch.service.build", "Change a build service").needs(P::ServiceUpdate);
    let get = call("get.service", "Get a service").needs(P::ServiceRead);
    let delete = call("delete.service", "Delete a service").needs(P::ServiceDelete);
    ApiRouter::new()
        .api_route("/projects/{projectId}/services", list.get(self::list))
        .api_route(
            "/projects/{projectId}/services/build",
            create
                .post(self::create)
                .merge(put.needs(P::ServiceCreate).put(self::put)),
        )
        .api_route(
            "/projects/{projectId}/services/build/{serviceId}",
            patch.patch(self::patch),
        )
        .api_route(
            "/projects/{projectId}/services/{serviceId}",
            get.get(self::get).merge(delete.delete(self::delete)),
        )
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Services {
    services: Vec<ServiceSummary>,
}

/// `GET /v1/projects/{projectId}/services`.
pub(crate) async fn list(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    params: Params<Paging>,
) -> Result<Listed<Services>, ApiError> {
    let project = place.project(&state, &caller).await?;
    let list = format!("services:{}", project.uid);
    let page = PageQuery::read(&params, &state.sealer, &list)?;
    let (after, skip) = page.range();
    let mut rows = state
        .store
        .services(&project.uid, after, skip, page.limit())
        .await?;
    let pagination = page.cut(&mut rows, &state.sealer, &list, |(service, _)| {
        service.number
    });
    let services = rows
        .iter()
        .map(|(service, latest)| ServiceSummary::new(&project, service, *latest));
    Ok(Listed {
        data: Services {
            services: services.collect(),
        },
        pagination,
    })
}

/// `GET /v1/projects/{projectId}/services/{serviceId}`.
pub(crate) async fn get(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
) -> Result<Data<ServiceView>, ApiError> {
    let (project, service) = place.service(&state, &caller).await?;
    view(&state, &caller, &project, service).await
}

/// `POST /v1/projects/{projectId}/services/build`.
pub(crate) async fn create(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    Body(input): Body<ServiceInput>,
) -> Result<Data<ServiceView>, ApiError> {
    let project = place.project(&state, &caller).await?;
    let service = make(&state, &caller, &project, input).await?;
    view(&state, &caller, &project, service).await
}

async fn make(
    state: &State,
    caller: &Caller,
    project: &Project,
    input: ServiceInput,
) -> Result<Service, ApiError> {
    let name = input.name.clone().unwrap_or_default();
    let description = input.description.clone();
    let mut spec = ServiceSpec::default();
    let known = known(state, project, &input, &spec).await?;
    let changes = input.apply(&mut spec, true, &state.settings, &known)?;
    let mut secrets = SecretValues::default();
    may_change(caller, project, &changes, &secrets)?;
    may_tag(state, caller, project, &[], &spec.tags).await?;
    changes.apply(&mut secrets);
    keeps_its_dockerfile(&secrets, &spec.dockerfile)?;
    let id = slug::from_name(&name);
    if RESERVED.contains(&id.as_str()) {
        return Err(ApiError::field(
            "name",
            "derives an id that the API uses itself",
        ));
    }
    let taken =
        format!("The project has a service with the id `{id}` already; choose another name.");
    let service = Service {
        uid: String::new(),
        project_uid: project.uid.clone(),
        id,
        name,
        description,
        spec,
        number: 0,
        unreadable: false,
        last_build_number: 0,
        created_at: 0,
        updated_at: 0,
    };
    let made = state.store.create_service(service, &secrets).await;
    let made = made.map_err(ApiError::or_taken(taken))?;
    look_soon(state, &made);
    Ok(made)
}

/// Words that stand in the API's own paths where a service's id would.
const RESERVED: [&str; 3] = ["build", "combined", "deployment"];

/// `PUT /v1/projects/{projectId}/services/build`: creates, or makes the one whose id the name
/// derives exactly what the body says.
pub(crate) async fn put(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    Body(input): Body<ServiceInput>,
) -> Result<Data<ServiceView>, ApiError> {
    let project = place.project(&state, &caller).await?;
    let id = slug::from_name(input.name.as_deref().unwrap_or_default());
    let service = match state.store.service(&project.uid, &id).await? {
        None => make(&state, &caller, &project, input)
            .await
            .map_err(ApiError::or_made_meanwhile)?,
        Some(existing) => {
            caller.may_in(P::ServiceUpdate, &project.id)?;
            let description = Some(input.description.clone().unwrap_or_default());
            let mut spec = ServiceSpec::default();
            // With its login, which nobody was shown.
            spec.source
                .project_url
                .clone_from(&existing.spec.source.project_url);
            let known = known(&state, &project, &input, &spec).await?;
            let mut secrets = input.apply(&mut spec, true, &state.settings, &known)?;
            // What the caller was not shown stays.
            if shows_arguments(&caller, &project) {
                replace_all(&mut secrets);
            }
            let changes = ServiceChanges {
                description,
                spec,
                secrets,
            };
            change_as(&state, &caller, &project, &existing, changes).await?
        }
    };
    view(&state, &caller, &project, service).await
}

/// `PATCH /v1/projects/{projectId}/services/build/{serviceId}`: changes what the body names.
pub(crate) async fn patch(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    Body(input): Body<ServiceInput>,
) -> Result<Data<ServiceView>, ApiError> {
    let (project, service) = place.service(&state, &caller).await?;
    if input.name.is_some() {
        let problem = "cannot be changed: the service's id derives from it";
        return Err(ApiError::field("name", problem));
    }
    let description = input.description.clone();
    let mut spec = service.spec.clone();
    let known = known(&state, &project, &input, &spec).await?;
    let secrets = input.apply(&mut spec, false, &state.settings, &known)?;
    let changes = ServiceChanges {
        description,
        spec,
        secrets,
    };
    let service = change_as(&state, &caller, &project, &service, changes).await?;
    view(&state, &caller, &project, service).await
}

/// What there is of what the input names.
async fn known(
    state: &State,
    project: &Project,
    input: &ServiceInput,
    before: &ServiceSpec,
) -> Result<Known, ApiError> {
    Ok(Known {
        tags: tags::known(state, &project.team, input.tags()).await?,
        pullable: pullable(state, project, input.names_credentials()).await?,
        links: links(state, project, input.concerns_links(&before.source)).await?,
    })
}

/// The team's linked accounts, if there was anything asked of them.
pub(super) async fn links(
    state: &State,
    project: &Project,
    asked: bool,
) -> Result<Vec<VcsLink>, ApiError> {
    if !asked {
        return Ok(Vec::new());
    }
    Ok(state.store.vcs_links(&project.team).await?)
}

/// The ids of the credentials that the project's builds may pull with, if there was anything asked of
/// them.
pub(super) async fn pullable(
    state: &State,
    project: &Project,
    asked: bool,
) -> Result<Vec<String>, ApiError> {
    if !asked {
        return Ok(Vec::new());
    }
    let usable = state.store.credentials_for_project(&project.uid).await?;
    let pull = usable
        .into_iter()
        .filter(|credential| credential.access.pull);
    Ok(pull.map(|credential| credential.id).collect())
}

/// Changes a service, its secrets included, as far as the caller may.
pub(super) async fn change_as(
    state: &State,
    caller: &Caller,
    project: &Project,
    service: &Service,
    changes: ServiceChanges,
) -> Result<Service, ApiError> {
    may_tag(
        state,
        caller,
        project,
        &service.spec.tags,
        &changes.spec.tags,
    )
    .await?;
    let dockerfile = &changes.spec.dockerfile;
    if !changes.secrets.is_empty() || *dockerfile != service.spec.dockerfile {
        let mut secrets = state.store.service_secrets(&service.uid).await?;
        may_change(caller, project, &changes.secrets, &secrets)?;
        changes.secrets.clone().apply(&mut secrets);
        keeps_its_dockerfile(&secrets, dockerfile)?;
    }
    let missing = || ApiError::not_found("service", &service.id);
    let changed = state.store.update_service(service, changes).await?;
    let changed = changed.ok_or_else(missing)?;
    look_soon(state, &changed);
    Ok(changed)
}

/// `DELETE /v1/projects/{projectId}/services/{serviceId}`.
pub(crate) async fn delete(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    params: Params<child_objects::OfService>,
) -> Result<Nothing, ApiError> {
    let (_, service) = place.service(&state, &caller).await?;
    child_objects::asked(&params)?;
    removal::remove_service(&state, &service).await?;
    Ok(Nothing::new())
}

async fn view(
    state: &State,
    caller: &Caller,
    project: &Project,
    service: Service,
) -> Result<Data<ServiceView>, ApiError> {
    let latest = state.store.latest_build(&service).await?;
    let plan = &state.settings.default_plan.id;
    let secrets = match shows_arguments(caller, project) {
        true => Some(state.store.service_secrets(&service.uid).await?),
        false => None,
    };
    let link = match &service.spec.source.vcs_link {
        Some(uid) => state.store.vcs_link(uid).await?,
        None => None,
    };
    let watch = match state.watching.interval {
        Some(_) if service.spec.builds_by_itself() => state.store.watch(&service.uid).await?,
        _ => None,
    };
    let view = ServiceView::new(project, service, latest, plan, secrets);
    Ok(Data {
        data: view.through(link).watched(watch),
    })
}

/// Whether a caller is shown a service's build arguments.
fn shows_arguments(caller: &Caller, project: &Project) -> bool {
    caller.has_in(P::ServiceSecretsRead, &project.id)
}
