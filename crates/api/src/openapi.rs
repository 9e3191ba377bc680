//! The OpenAPI document, made from the routes and the signatures of their handlers, and a page on
//! which people read it.

use crate::edge::{ApiError, TOKEN};
use crate::state::State;
use aide::axum::ApiRouter;
use aide::openapi::{
    Info, OpenApi, Operation, Parameter, ParameterData, ParameterSchemaOrContent, PathStyle,
    ReferenceOr, SchemaObject, SecurityScheme,
};
use aide::redoc::Redoc;
use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use http::header;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// Where the document is.
const DOCUMENT: &str = "/v1/openapi.json";
/// Where people read it.
const PAGE: &str = "/v1/docs";
/// What the path of the form of a call that names its team begins with.
const TEAM: &str = "/v1/teams/{teamId}/";

thread_local! {
    /// Whether calls that are declared on this thread describe themselves. It lies beside the gathered
    /// schemas, which are the thread's, too.
    static DESCRIBING: Cell<bool> = const { Cell::new(false) };
}

/// Whether a document is being made of the calls that are declared now.
pub(crate) fn describing() -> bool {
    DESCRIBING.get()
}

/// The calls, with their document and its page beside them. The document is made when somebody asks for
/// it first: most servers are never asked, and need neither the time at their start nor the room.
pub(crate) fn with_document(calls: fn() -> ApiRouter<State>, body_limit: usize) -> Router<State> {
    Router::from(calls())
        .layer(DefaultBodyLimit::max(body_limit))
        .route(DOCUMENT, get(async move || document(calls).await))
        .route(PAGE, get(page))
}

/// The calls' document.
pub(crate) fn described(calls: fn() -> ApiRouter<State>) -> OpenApi {
    // Schemas are gathered while the routes are declared.
    aide::generate::reset_context();
    aide::generate::extract_schemas(true);
    DESCRIBING.set(true);
    let mut api = OpenApi {
        info: Info {
            title: "Boatyard".to_owned(),
            description: Some(DESCRIPTION.to_owned()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..Info::default()
        },
        ..OpenApi::default()
    };
    let _ = calls().finish_api_with(&mut api, |api| api.security_scheme(TOKEN, bearer()));
    DESCRIBING.set(false);
    aide::generate::reset_context();
    complete(&mut api);
    api
}

const DESCRIPTION: &str = "Builds of container images: a commit goes in, an image that can be pulled \
comes out. Success is always status 200 with `{\"data\": …}`, failure `{\"error\": {status, message, id, \
details}}`. Everything under `/v1/projects`, `/v1/integrations`, `/v1/secrets` and `/v1/tags` also \
exists under `/v1/teams/{teamId}`.";

fn bearer() -> SecurityScheme {
    SecurityScheme::Http {
        scheme: "bearer".to_owned(),
        bearer_format: None,
        description: Some("An API token, as `boatyard admin token create` makes one.".to_owned()),
        extensions: Default::default(),
    }
}

async fn document(calls: fn() -> ApiRouter<State>) -> Result<impl IntoResponse, ApiError> {
    static JSON: OnceLock<Bytes> = OnceLock::new();
    let make = move || {
        let json = || Bytes::from(serde_json::to_vec(&described(calls)).unwrap_or_default());
        JSON.get_or_init(json).clone()
    };
    let json = tokio::task::spawn_blocking(make).await;
    let json = json.map_err(|_| ApiError::internal())?;
    Ok(([(header::CONTENT_TYPE, "application/json")], json))
}

async fn page() -> Html<String> {
    Html(Redoc::new(DOCUMENT).with_title("Boatyard API").html())
}

/// Adds what the routes' paths say: their parameters, and a name of its own for each form of a call.
fn complete(api: &mut OpenApi) {
    let Some(paths) = &mut api.paths else { return };
    let known: BTreeSet<String> = paths.paths.keys().cloned().collect();
    for (path, item) in &mut paths.paths {
        let two_forms = path.strip_prefix(TEAM).is_some_and(|rest| {
            let own = format!("/v1/{rest}");
            known.contains(&own)
        });
        let ReferenceOr::Item(item) = item else {
            continue;
        };
        let methods = [
            &mut item.get,
            &mut item.post,
            &mut item.put,
            &mut item.patch,
            &mut item.delete,
        ];
        for operation in methods.into_iter().flatten() {
            name(operation, two_forms);
            let parameters = parameters(path).map(path_parameter).map(ReferenceOr::Item);
            operation.parameters.splice(0..0, parameters);
            operation.parameters.iter_mut().for_each(never_null);
        }
    }
}

/// `get.service.builds` becomes `getServiceBuilds`, and `getServiceBuildsOfTeam` where it is the form of
/// the call with the team in front.
fn name(operation: &mut Operation, of_team: bool) {
    let Some(call) = &operation.operation_id else {
        return;
    };
    let mut words = call.split('.');
    let mut id = words.next().unwrap_or_default().to_owned();
    for word in words {
        let (first, rest) = word.split_at(word.len().min(1));
        id.push_str(&first.to_ascii_uppercase());
        id.push_str(rest);
    }
    if of_team {
        id.push_str("OfTeam");
    }
    operation.operation_id = Some(id);
}

/// A parameter that may be left out is not one that may be null: a query string has no null.
fn never_null(parameter: &mut ReferenceOr<Parameter>) {
    let Some(parameter) = parameter.as_item_mut() else {
        return;
    };
    let ParameterSchemaOrContent::Schema(schema) = &mut parameter.parameter_data_mut().format
    else {
        return;
    };
    schema.json_schema.remove("description");
    if let Some(any) = schema.json_schema.remove("anyOf")
        && let Some(first) = any.as_array().and_then(|any| any.first())
        && let Ok(inner) = schemars::Schema::try_from(first.clone())
    {
        schema.json_schema = inner;
    }
    if let Some(kinds) = schema.json_schema.remove("type") {
        let first = kinds.as_array().and_then(|kinds| kinds.first()).cloned();
        schema
            .json_schema
            .insert("type".to_owned(), first.unwrap_or(kinds));
    }
}

/// The names in the braces of a path.
fn parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn path_parameter(name: &str) -> Parameter {
    Parameter::Path {
        parameter_data: ParameterData {
            name: name.to_owned(),
            description: None,
            required: true,
            deprecated: None,
            format: ParameterSchemaOrContent::Schema(SchemaObject {
                json_schema: schemars::json_schema!({"type": "string"}),
                example: None,
                external_docs: None,
            }),
            example: None,
            examples: Default::default(),
            explode: None,
            extensions: Default::default(),
        },
        style: PathStyle::Simple,
    }
}
