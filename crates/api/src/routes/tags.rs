//! Tags, which a team puts on its services.

use crate::edge::{
    ApiError, Body, Caller, Data, Listed, Nothing, PageQuery, Paging, Params, Path, Place,
    Problems, call, iso_millis,
};
use crate::state::State;
use aide::axum::ApiRouter;
use axum::extract::State as FromState;
use domain::{Permission as P, Tag, fields, slug};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{TagChanges, TagRemoval};

/// Tags.
pub(crate) fn routes() -> ApiRouter<State> {
    let list = call("list.tags", "List tags").needs(P::TagRead);
    let add = call("add.tag", "Add a tag").needs(P::TagCreate);
    let put = call("put.tag", "Add or update a tag").needs(P::TagUpdate);
    let get = call("get.tag", "Get a tag").needs(P::TagRead);
    let patch = call("patch.tag", "Change a tag").needs(P::TagUpdate);
    let delete = call("delete.tag", "Delete a tag that no service has").needs(P::TagDelete);
    ApiRouter::new()
        .api_route(
            "/tags",
            list.get(self::list)
                .merge(add.post(self::add))
                .merge(put.put(self::put)),
        )
        .api_route(
            "/tags/{resourceTagId}",
            get.get(self::get)
                .merge(patch.patch(self::patch))
                .merge(delete.delete(self::delete)),
        )
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TagPlace {
    team_id: Option<String>,
    resource_tag_id: String,
}

impl TagPlace {
    fn missing(&self) -> ApiError {
        ApiError::not_found("tag", &self.resource_tag_id)
    }
}

/// What add, put and patch take. Builds run on one machine: to choose among nodes is refused.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TagInput {
    name: Option<String>,
    color: Option<String>,
    description: Option<String>,
    use_spot_nodes: Option<bool>,
    use_on_demand_nodes: Option<bool>,
    node_affinities: Option<Vec<Value>>,
}

impl TagInput {
    fn problems(&self) -> Problems {
        let mut problems = Problems::default();
        problems.check_some("color", self.color.as_deref(), fields::color);
        let description = self.description.as_deref();
        problems.check_some("description", description, fields::description);
        problems.refuse("useSpotNodes", self.use_spot_nodes == Some(true));
        problems.refuse("useOnDemandNodes", self.use_on_demand_nodes == Some(true));
        let affinities = self.node_affinities.as_ref();
        let asked = affinities.is_some_and(|list| !list.is_empty());
        problems.refuse("nodeAffinities", asked);
        problems
    }

    fn check_new(&self) -> Result<String, ApiError> {
        let mut problems = self.problems();
        match &self.name {
            None => problems.add("name", "is required"),
            Some(name) => problems.check("name", fields::name(name, fields::TAG_NAME)),
        }
        problems.into_result()?;
        Ok(self.name.clone().unwrap_or_default())
    }

    fn changes(self) -> TagChanges {
        TagChanges {
            description: self.description,
            color: self.color,
        }
    }
}

/// A tag.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TagView {
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    color: Option<String>,
    created_at: String,
    updated_at: String,
}

impl From<Tag> for TagView {
    fn from(tag: Tag) -> Self {
        TagView {
            id: tag.id,
            name: tag.name,
            description: tag.description,
            color: tag.color,
            created_at: iso_millis(tag.created_at),
            updated_at: iso_millis(tag.updated_at),
        }
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Tags {
    tags: Vec<TagView>,
}

/// `GET /v1/tags`.
async fn list(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    params: Params<Paging>,
) -> Result<Listed<Tags>, ApiError> {
    let team = caller.team(place.team_id.as_deref())?;
    let list = format!("tags:{team}");
    let page = PageQuery::read(&params, &state.sealer, &list)?;
    let (after, skip) = page.range();
    let mut tags = state.store.tags(team, after, skip, page.limit()).await?;
    let pagination = page.cut(&mut tags, &state.sealer, &list, |tag| tag.number);
    Ok(Listed {
        data: Tags {
            tags: tags.into_iter().map(TagView::from).collect(),
        },
        pagination,
    })
}

async fn make(state: &State, team: &str, name: String, input: TagInput) -> Result<Tag, ApiError> {
    let id = slug::from_name(&name);
    let taken = format!("There is a tag with the id `{id}` already; choose another name.");
    let tag = Tag {
        team: team.to_owned(),
        id,
        name,
        description: input.description,
        color: input.color,
        number: 0,
        created_at: 0,
        updated_at: 0,
    };
    let made = state.store.create_tag(tag).await;
    made.map_err(ApiError::or_taken(taken))
}

/// `POST /v1/tags`.
async fn add(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    Body(input): Body<TagInput>,
) -> Result<Data<TagView>, ApiError> {
    let team = caller.team(place.team_id.as_deref())?;
    let name = input.check_new()?;
    let tag = make(&state, team, name, input).await?;
    Ok(Data { data: tag.into() })
}

/// `PUT /v1/tags`: adds, or updates the one whose id the name derives.
async fn put(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<Place>,
    Body(input): Body<TagInput>,
) -> Result<Data<TagView>, ApiError> {
    let team = caller.team(place.team_id.as_deref())?;
    let name = input.check_new()?;
    let id = slug::from_name(&name);
    let tag = match state.store.tag(team, &id).await? {
        None => {
            caller.require(P::TagCreate)?;
            make(&state, team, name, input)
                .await
                .map_err(ApiError::or_made_meanwhile)?
        }
        Some(tag) => {
            let changed = state.store.update_tag(team, &tag.id, input.changes());
            let changed = changed.await?;
            changed.ok_or_else(ApiError::changed_meanwhile)?
        }
    };
    Ok(Data { data: tag.into() })
}

/// `GET /v1/tags/{resourceTagId}`.
async fn get(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<TagPlace>,
) -> Result<Data<TagView>, ApiError> {
    let team = caller.team(place.team_id.as_deref())?;
    let tag = state.store.tag(team, &place.resource_tag_id).await?;
    let tag = tag.ok_or_else(|| place.missing())?;
    Ok(Data { data: tag.into() })
}

/// `PATCH /v1/tags/{resourceTagId}`.
async fn patch(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<TagPlace>,
    Body(input): Body<TagInput>,
) -> Result<Data<TagView>, ApiError> {
    let team = caller.team(place.team_id.as_deref())?;
    let mut problems = input.problems();
    if input.name.is_some() {
        problems.add("name", "cannot be changed: the tag's id derives from it");
    }
    problems.into_result()?;
    let id = &place.resource_tag_id;
    let tag = state.store.update_tag(team, id, input.changes()).await?;
    let tag = tag.ok_or_else(|| place.missing())?;
    Ok(Data { data: tag.into() })
}

/// How many of the services that have a tag are named.
const NAMED: usize = 10;

/// `DELETE /v1/tags/{resourceTagId}`.
async fn delete(
    FromState(state): FromState<State>,
    caller: Caller,
    Path(place): Path<TagPlace>,
) -> Result<Nothing, ApiError> {
    let team = caller.team(place.team_id.as_deref())?;
    let id = &place.resource_tag_id;
    match state.store.delete_tag(team, id).await? {
        TagRemoval::Deleted => Ok(Nothing::new()),
        TagRemoval::NotFound => Err(place.missing()),
        TagRemoval::InUse(services) => Err(in_use(&caller, id, services)),
    }
}

fn in_use(caller: &Caller, id: &str, mut services: Vec<String>) -> ApiError {
    let all = services.len();
    let project = |service: &String| service.split('/').next().map(str::to_owned);
    services.retain(|service| {
        project(service).is_some_and(|project| caller.has_in(P::ServiceRead, &project))
    });
    services.truncate(NAMED);
    let mut named = services.join(", ");
    if services.len() < all {
        named = format!("{named} and {} more", all - services.len());
    }
    let named = named.trim_start_matches(" and ");
    ApiError::conflict(format!(
        "Services have the tag `{id}`; take it from them first: {named}."
    ))
}

/// Notes each of the tags that the team does not have.
pub(super) async fn check(
    state: &State,
    team: &str,
    field: &str,
    ids: &[String],
    problems: &mut Problems,
) -> Result<(), ApiError> {
    let known = known(state, team, ids).await?;
    for (index, id) in ids.iter().enumerate() {
        if !known.contains(id) {
            problems.add(&format!("{field}[{index}]"), unknown(id));
        }
    }
    Ok(())
}

/// What is wrong with a tag that is not there.
pub(super) fn unknown(id: &str) -> String {
    format!("there is no tag `{id}`; `GET /v1/tags` lists them")
}

/// Those of the tags that the team has.
pub(super) async fn known(
    state: &State,
    team: &str,
    ids: &[String],
) -> Result<Vec<String>, ApiError> {
    let mut known = Vec::new();
    for id in ids {
        let tag = state.store.tag(team, id).await?;
        known.extend(tag.map(|tag| tag.id));
    }
    Ok(known)
}
