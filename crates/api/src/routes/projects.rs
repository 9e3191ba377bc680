//! Projects.

use super::child_objects;
use super::custom_registry::{CustomRegistryInput, CustomRegistryView};
use crate::edge::{
    ApiError, Body, Caller, Data, Listed, Nothing, PageQuery, Paging, Params, Path, Place,
    Problems, call, iso_millis,
};
use crate::removal;
use crate::state::State;
use aide::axum::ApiRouter;
use axum::extract::State as FromState;
use domain::project::CustomRegistry;
use domain::{Permission as P, Project, Service, fields, slug};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{ProjectChanges, StoreError};

/// Projects.
pub(crate) fn routes() -> ApiRouter<State> {
    let list = call("list.projects", "List projects").needs(P::ProjectRead);
    let create = call("create.project", "Create a project").needs(P::ProjectCreate);
    let put = call("put.project", "Create or update a project").needs(P::ProjectCreate);
    let get = call("get.project", "Get a project and its services").needs(P::ProjectRead);
    let patch = call("patch.project", "Change a project").needs(P::ProjectUpdate);
    let delete = call("delete.project", "Delete a project").needs(P::ProjectDelete);
    ApiRouter::new()
        .api_route(
            "/projects",
            list.get(self::list)
                .merge(create.post(self::create))
                .merge(put.put(self::put)),
        )
        .api_route(
            "/projects/{projectId}",
            get.get(self::get)
                .merge(patch.patch(self::patch))
                .merge(delete.delete(self::delete)),
        )
}

/// What create, put and patch take. `networking` belongs to running workloads, which Boatyard has
/// none of; it and BYOC clusters are refused rather than ignored.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ProjectInput {
    name: Option<String>,
    description: Option<String>,
    color: Option<String>,
    region: Option<String>,
    cluster_id: Option<String>,
    networking: Option<Value>,
    custom_registry: Option<CustomRegistryInput>,
}

impl ProjectInput {
    fn problems(&self, region: &str) -> Problems {
        let mut problems = Problems::default();
        problems.check_some(
            "description",
            self.description.as_deref(),
            fields::description,
        );
        problems.check_some("color", self.color.as_deref(), fields::color);
        if let Some(asked) = self.region.as_deref().filter(|asked| *asked != region) {
            problems.add(
                "region",
                format!("`{asked}` is not a region of this server: it has `{region}`"),
            );
        }
        problems.refuse("clusterId", self.cluster_id.is_some());
        problems.refuse("networking", self.networking.is_some());
        problems
    }

    /// The name of a project that is to be there, and what else is wrong.
    fn check_name(&self, region: &str) -> (String, Problems) {
        let mut problems = self.problems(region);
        let name = self.name.clone().unwrap_or_default();
        if self.name.is_none() {
            problems.add("name", "is required");
        } else {
            problems.check("name", fields::name(&name, fields::PROJECT_NAME));
        }
        (name, problems)
    }

    /// The registry that the input asks for, for a project that has `before`; `None` when it asks for
    /// nothing. Ends the check.
    async fn registry(
        &self,
        state: &State,
        project: (&str, &str),
        before: Option<&CustomRegistry>,
        mut problems: Problems,
    ) -> Result<Option<Option<CustomRegistry>>, ApiError> {
        let registry = match &self.custom_registry {
            Some(input) => Some(input.checked(state, project, before, &mut problems).await?),
            None => None,
        };
        problems.into_result()?;
        Ok(registry)
    }
}

/// What create, put and patch answer.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProjectView {
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    color: Option<String>,
    region: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_registry: Option<CustomRegistryView>,
    created_at: String,
    updated_at: String,
}

impl From<Project> for ProjectView {
    fn from(project: Project) -> Self {
        ProjectView {
            id: project.id,
            name: project.name,
            description: project.description,
            color: project.color,
            region: project.region,
            custom_registry: project.custom_registry.map(Into::into),
            created_at: iso_millis(project.created_at),
            updated_at: iso_millis(project.updated_at),
        }
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ProjectSummary")]
struct Summary {
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Projects {
    projects: Vec<Summary>,
}

/// `GET /v1/projects`.
pub(crate) async fn list(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    params: Params<Paging>,
) -> Result<Listed<Projects>, ApiError> {
    let team = caller.team(place.team_id.as_deref())?;
    let list = format!("projects:{team}");
    let page = PageQuery::read(&params, &state.sealer, &list)?;
    let shown = caller.token.rights.projects(P::ProjectRead);
    let (after, skip) = page.range();
    let mut rows = if shown.is_all() {
        let projects = state.store.projects(team, after, skip, page.limit());
        projects.await?
    } else {
        let mut projects = state.store.projects(team, 0, 0, i64::MAX).await?;
        projects.retain(|project| shown.covers(&project.id));
        page.of_few(projects, |project| project.number)
    };
    let pagination = page.cut(&mut rows, &state.sealer, &list, |project| project.number);
    let projects = rows
        .into_iter()
        .map(|p| Summary {
            id: p.id,
            name: p.name,
            description: p.description,
        })
        .collect();
    Ok(Listed {
        data: Projects { projects },
        pagination,
    })
}

/// `POST /v1/projects`.
pub(crate) async fn create(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    Body(input): Body<ProjectInput>,
) -> Result<Data<ProjectView>, ApiError> {
    let team = caller.team(place.team_id.as_deref())?;
    let (name, problems) = input.check_name(&state.settings.region);
    let project = make(&state, &caller, team, name, input, problems).await?;
    Ok(Data {
        data: project.into(),
    })
}

async fn make(
    state: &State,
    caller: &Caller,
    team: &str,
    name: String,
    input: ProjectInput,
    problems: Problems,
) -> Result<Project, ApiError> {
    let id = slug::from_name(&name);
    caller.may_in(P::ProjectCreate, &id)?;
    let registry = input.registry(state, (team, &id), None, problems).await?;
    let taken = format!("There is a project with the id `{id}` already; choose another name.");
    let project = Project {
        uid: String::new(),
        team: team.to_owned(),
        number: 0,
        id,
        name,
        description: input.description,
        color: input.color,
        region: state.settings.region.clone(),
        custom_registry: registry.flatten(),
        created_at: 0,
        updated_at: 0,
    };
    state
        .store
        .create_project(project)
        .await
        .map_err(|error| match error {
            StoreError::Gone => registry_gone(),
            other => ApiError::or_taken(taken)(other),
        })
}

/// `PUT /v1/projects`: creates, or updates the one whose id the name derives.
pub(crate) async fn put(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    Body(input): Body<ProjectInput>,
) -> Result<Data<ProjectView>, ApiError> {
    let team = caller.team(place.team_id.as_deref())?;
    let (name, problems) = input.check_name(&state.settings.region);
    let id = slug::from_name(&name);
    caller.may_in(P::ProjectCreate, &id)?;
    let project = match state.store.project(team, &id).await? {
        None => make(&state, &caller, team, name, input, problems)
            .await
            .map_err(ApiError::or_made_meanwhile)?,
        Some(project) => {
            caller.may_in(P::ProjectUpdate, &id)?;
            change(&state, &project, input, problems).await?
        }
    };
    Ok(Data {
        data: project.into(),
    })
}

async fn change(
    state: &State,
    project: &Project,
    input: ProjectInput,
    problems: Problems,
) -> Result<Project, ApiError> {
    let before = project.custom_registry.as_ref();
    let place = (project.team.as_str(), project.id.as_str());
    let custom_registry = input.registry(state, place, before, problems).await?;
    let changes = ProjectChanges {
        description: input.description,
        color: input.color,
        custom_registry,
    };
    let updated = state.store.update_project(project, changes).await;
    updated
        .map_err(|error| match error {
            StoreError::Gone => registry_gone(),
            other => other.into(),
        })?
        .ok_or_else(|| ApiError::not_found("project", &project.id))
}

/// The credential was there when the body was checked.
fn registry_gone() -> ApiError {
    ApiError::conflict("The registry credential was deleted just now.")
}

/// `PATCH /v1/projects/{projectId}`.
pub(crate) async fn patch(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    Body(input): Body<ProjectInput>,
) -> Result<Data<ProjectView>, ApiError> {
    let project = place.project(&state, &caller).await?;
    let mut problems = input.problems(&project.region);
    if input.name.is_some() {
        problems.add(
            "name",
            "cannot be changed: the project's id derives from it",
        );
    }
    Ok(Data {
        data: change(&state, &project, input, problems).await?.into(),
    })
}

/// What `get` answers: the published shape, whose parts for running workloads are empty here.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProjectDetails {
    #[serde(flatten)]
    project: ProjectView,
    deployment: Deployment,
    services: Vec<ServiceSummary>,
    jobs: [(); 0],
    addons: [(); 0],
    cluster: Cluster,
}

#[derive(Serialize, JsonSchema)]
struct Deployment {
    region: String,
}

/// The one cluster of a single machine.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Cluster {
    id: String,
    name: String,
}

impl Cluster {
    pub(crate) fn of(region: &str) -> Cluster {
        Cluster {
            id: region.to_owned(),
            name: region.to_owned(),
        }
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ServiceOfProject")]
#[serde(rename_all = "camelCase")]
struct ServiceSummary {
    id: String,
    app_id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    service_type: &'static str,
}

/// How a service is named in full: `/team/project/service`.
pub(crate) fn app_id(project: &Project, service: &Service) -> String {
    format!("/{}/{}/{}", project.team, project.id, service.id)
}

/// `GET /v1/projects/{projectId}`.
pub(crate) async fn get(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
) -> Result<Data<ProjectDetails>, ApiError> {
    let project = place.project(&state, &caller).await?;
    let services = state.store.services(&project.uid, 0, 0, i64::MAX).await?;
    let services = services
        .into_iter()
        .map(|(service, _)| ServiceSummary {
            app_id: app_id(&project, &service),
            id: service.id,
            name: service.name,
            description: service.description,
            service_type: "build",
        })
        .collect();
    Ok(Data {
        data: ProjectDetails {
            deployment: Deployment {
                region: project.region.clone(),
            },
            services,
            jobs: [],
            addons: [],
            cluster: Cluster::of(&project.region),
            project: project.into(),
        },
    })
}

/// `DELETE /v1/projects/{projectId}`: an empty one, or with `delete_child_objects=true` all of it.
pub(crate) async fn delete(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    params: Params<child_objects::OfProject>,
) -> Result<Nothing, ApiError> {
    let project = place.project(&state, &caller).await?;
    if child_objects::asked(&params)? {
        for (service, _) in state.store.services(&project.uid, 0, 0, i64::MAX).await? {
            removal::remove_service(&state, &service).await?;
        }
        for group in state
            .store
            .secret_groups(&project.uid, 0, 0, i64::MAX)
            .await?
        {
            let deleted = state.store.delete_secret_group(&project.uid, &group.id);
            deleted.await?;
        }
    }
    if removal::remove_project(&state, &project).await? {
        return Ok(Nothing::new());
    }
    Err(ApiError::conflict(format!(
        "The project `{}` still has services or groups of secrets. Delete them first, or call with delete_child_objects=true.",
        project.id
    )))
}
