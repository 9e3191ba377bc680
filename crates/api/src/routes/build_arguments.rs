//! What builds of a service are given: its own arguments, files and mounts, and what it inherits from
//! the project's groups of secrets.

mod details;
mod gather;

pub(crate) use gather::{given, given_to_a_stranger};

use super::secret_input::{SERVICE, keeps_its_dockerfile, may_refer};
use crate::edge::{ApiError, Body, Caller, Data, Nothing, Params, Path, Place, Problems, call};
use crate::state::State;
use aide::axum::ApiRouter;
use axum::extract::State as FromState;
use details::Details;
use domain::{FileContent, Permission as P, SecretChanges};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Build arguments.
pub(crate) fn routes() -> ApiRouter<State> {
    let get = call("get.service.buildArguments", "Get what builds are given");
    let update = call(
        "update.service.buildArguments",
        "Change what builds are given",
    );
    let details = call(
        "get.service.buildArgumentDetails",
        "Get what builds are given, and where it is from",
    );
    ApiRouter::new()
        .api_route(
            "/projects/{projectId}/services/{serviceId}/build-arguments",
            get.needs(P::ServiceSecretsRead)
                .get(self::get)
                .merge(update.needs(P::ServiceSecretsUpdate).post(self::update)),
        )
        .api_route(
            "/projects/{projectId}/services/{serviceId}/build-arguments/details",
            details.needs(P::ServiceSecretsRead).get(self::details),
        )
}

/// Which values are shown.
#[derive(Clone, Copy, Debug, PartialEq, JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub(crate) enum Show {
    /// Its own only.
    This,
    /// The inherited ones only.
    Inherited,
    /// Both.
    All,
}

impl Show {
    /// Reads the parameter.
    pub(crate) fn read<Q>(params: &Params<Q>, problems: &mut Problems) -> Show {
        match params.get("show") {
            None | Some("all") => Show::All,
            Some("this") => Show::This,
            Some("inherited") => Show::Inherited,
            Some(_) => {
                problems.add("show", "must be this, inherited or all");
                Show::All
            }
        }
    }
}

/// For the document: the parameters of `get`.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub(crate) struct Shown {
    /// Which values to show.
    #[expect(dead_code, reason = "for the document")]
    show: Option<Show>,
    /// Whether references like `${OTHER}` are replaced, as they are for a build.
    #[expect(dead_code, reason = "for the document")]
    replace_templated_values: Option<bool>,
}

/// What builds are given.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Given {
    build_arguments: BTreeMap<String, String>,
    build_files: BTreeMap<String, FileContent>,
    docker_secret_mounts: BTreeMap<String, FileContent>,
}

/// `GET …/services/{serviceId}/build-arguments`.
pub(crate) async fn get(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    params: Params<Shown>,
) -> Result<Data<Given>, ApiError> {
    let (project, service) = place.service(&state, &caller).await?;
    let mut problems = Problems::default();
    let show = Show::read(&params, &mut problems);
    let replace = match params.get("replaceTemplatedValues") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => {
            problems.add("replaceTemplatedValues", "must be true or false");
            false
        }
    };
    problems.into_result()?;
    let all = gather::known_to(&state, &caller, &project, &service).await?;
    let mut shown = match show {
        Show::All => all.clone().merged(),
        Show::Inherited => all.clone().inherited().merged(),
        Show::This => state.store.service_secrets(&service.uid).await?,
    };
    if replace {
        // Whatever is shown, names stand for what they do in a build.
        let values = gather::expanded(&state, &caller, &project, all.merged(), shown);
        shown = values.await?;
    }
    Ok(Data {
        data: Given {
            build_arguments: shown.variables,
            build_files: shown.files,
            docker_secret_mounts: shown.mounts,
        },
    })
}

/// `GET …/services/{serviceId}/build-arguments/details`.
pub(crate) async fn details(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
) -> Result<Data<Details>, ApiError> {
    let (project, service) = place.service(&state, &caller).await?;
    let all = gather::known_to(&state, &caller, &project, &service).await?;
    Ok(Data {
        data: Details::of(&all),
    })
}

/// What changes: each part that is given replaces the whole part.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ArgumentsInput {
    build_arguments: Option<BTreeMap<String, String>>,
    build_files: Option<BTreeMap<String, FileContent>>,
    docker_secret_mounts: Option<BTreeMap<String, FileContent>>,
}

/// `POST …/services/{serviceId}/build-arguments`.
pub(crate) async fn update(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    Body(input): Body<ArgumentsInput>,
) -> Result<Nothing, ApiError> {
    let (_, service) = place.service(&state, &caller).await?;
    let changes = SecretChanges {
        variables: input.build_arguments,
        files: input.build_files,
        mounts: input.docker_secret_mounts,
    };
    let mut problems = Problems::default();
    SERVICE.check(&changes, &mut problems);
    problems.into_result()?;
    let before = state.store.service_secrets(&service.uid).await?;
    may_refer(&caller, &changes, &before)?;
    let mut after = before;
    changes.clone().apply(&mut after);
    keeps_its_dockerfile(&after, &service.spec.dockerfile)?;
    if state
        .store
        .change_service_secrets(&service, changes)
        .await?
    {
        Ok(Nothing::new())
    } else {
        Err(ApiError::not_found("service", &service.id))
    }
}
