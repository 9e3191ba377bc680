//! Build logs: a range over HTTP, a tail over WebSocket.

use super::builds::find;
use crate::edge::{ApiError, Call, Caller, Data, Params, Path, Place, Problems, call, iso_micros};
use crate::state::State;
use aide::axum::ApiRouter;
use aide::generate::GenContext;
use aide::openapi::Operation;
use aide::operation::OperationOutput;
use axum::extract::State as FromState;
use axum::extract::ws::WebSocketUpgrade;
use axum::response::{IntoResponse, Response};
use domain::{Build, Permission as P, Service};
use logs::{Direction, Filter, LogLine, Query};
use schemars::JsonSchema;
use serde::Serialize;
use std::borrow::Cow;

/// Reads a range or a tail of a build's log.
pub(crate) const BUILD_LOGS: Call = call(
    "get.service.buildLogs",
    "Read a build's log, or follow it over a WebSocket",
)
.also("get.service.buildLogTail")
.needs(P::ServiceRead);

/// Build logs.
pub(crate) fn routes() -> ApiRouter<State> {
    ApiRouter::new().api_route(
        "/projects/{projectId}/services/{serviceId}/build-logs",
        BUILD_LOGS.get(build_logs),
    )
}

/// Lines of a range unless the call says otherwise.
const DEFAULT_LINES: usize = 1000;
/// Lines of a range at the most.
const MAX_LINES: usize = 10_000;

/// A line on the wire.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LineView<'a> {
    container_id: Cow<'a, str>,
    log: String,
    ts: String,
}

impl<'a> LineView<'a> {
    pub(crate) fn new(container_id: impl Into<Cow<'a, str>>, line: LogLine) -> Self {
        LineView {
            container_id: container_id.into(),
            log: line.text,
            ts: iso_micros(line.ts),
        }
    }
}

/// What a range and a tail both ask for.
pub(crate) struct Asked {
    pub(crate) start: Option<i64>,
    pub(crate) end: Option<i64>,
    pub(crate) lines: Option<usize>,
    pub(crate) direction: Direction,
    pub(crate) filter: Option<Filter>,
}

impl Asked {
    pub(crate) fn read(
        params: &Params<LogQuery>,
        build: Option<&Build>,
    ) -> Result<Asked, ApiError> {
        let mut problems = Problems::default();
        let (start, end) = params.window(|| newest(build), &mut problems);
        let lines = params.whole("lineLimit", MAX_LINES as i64, &mut problems);
        let direction = match params.get("direction") {
            None | Some("forward") => Direction::Forward,
            Some("backward") => Direction::Backward,
            Some(_) => {
                problems.add("direction", "must be forward or backward");
                Direction::Forward
            }
        };
        let filter = filter(params, &mut problems);
        problems.into_result()?;
        let lines = lines.and_then(|lines| usize::try_from(lines).ok());
        Ok(Asked {
            start,
            end,
            lines,
            direction,
            filter,
        })
    }
}

/// The latest moment of a build, in microseconds since 1970: its end, or now.
pub(crate) fn newest(build: Option<&Build>) -> i64 {
    let concluded = build.and_then(|build| build.concluded_at);
    concluded.map_or_else(
        || jiff::Timestamp::now().as_microsecond(),
        |millis| (millis + 1) * 1000,
    )
}

fn filter(params: &Params<LogQuery>, problems: &mut Problems) -> Option<Filter> {
    const NAMES: [&str; 4] = [
        "textIncludes",
        "textNotIncludes",
        "regexIncludes",
        "regexNotIncludes",
    ];
    let given: Vec<(&str, &str)> = NAMES
        .iter()
        .filter_map(|name| Some((*name, params.get(name)?)))
        .collect();
    let (name, text) = match given[..] {
        [] => return None,
        [one] => one,
        [_, (second, _), ..] => {
            problems.add(second, "cannot be combined with another text filter");
            return None;
        }
    };
    let filter = match name {
        "textIncludes" => Ok(Filter::TextIncludes(text.to_owned())),
        "textNotIncludes" => Ok(Filter::TextNotIncludes(text.to_owned())),
        "regexIncludes" => Filter::regex_includes(text),
        _ => Filter::regex_not_includes(text),
    };
    filter
        .map_err(|error| problems.add(name, format!("is not a usable pattern: {error}")))
        .ok()
}

/// For the document: what a range and a tail take.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "for the document")]
pub(crate) struct LogQuery {
    /// `range` (the default), or `tail` to follow over a WebSocket.
    query_type: Option<QueryType>,
    /// The build; the service's newest unless given.
    build_id: Option<String>,
    /// No lines before, ISO 8601.
    start_time: Option<String>,
    /// No lines after, ISO 8601.
    end_time: Option<String>,
    /// Seconds from `startTime`, or up to `endTime` or now.
    #[schemars(range(min = 1))]
    duration: Option<u32>,
    /// Lines at the most.
    #[schemars(range(min = 1, max = 10_000))]
    line_limit: Option<u32>,
    /// From which end.
    direction: Option<DirectionName>,
    /// Only lines with this text. One filter at a time.
    text_includes: Option<String>,
    /// Only lines without this text.
    text_not_includes: Option<String>,
    /// Only lines that this pattern finds.
    regex_includes: Option<String>,
    /// Only lines that this pattern does not find.
    regex_not_includes: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(rename = "LogQueryType")]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "for the document")]
enum QueryType {
    Range,
    Tail,
}

#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "for the document")]
enum DirectionName {
    Forward,
    Backward,
}

/// A range, or the upgrade of a tail.
pub(crate) enum LogAnswer {
    Range(Data<Vec<LineView<'static>>>),
    Tail(Response),
}

impl IntoResponse for LogAnswer {
    fn into_response(self) -> Response {
        match self {
            LogAnswer::Range(lines) => lines.into_response(),
            LogAnswer::Tail(upgrade) => upgrade,
        }
    }
}

/// What a document can say: a WebSocket is outside of it.
impl OperationOutput for LogAnswer {
    type Inner = Vec<LineView<'static>>;

    fn inferred_responses(
        ctx: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<u16>, aide::openapi::Response)> {
        Data::<Vec<LineView<'static>>>::inferred_responses(ctx, operation)
    }
}

/// `GET …/build-logs`: a range, or with `queryType=tail` the upgrade to a WebSocket.
pub(crate) async fn build_logs(
    FromState(state): FromState<State>,
    caller: Option<Caller>,
    Path(place): Path<Place>,
    params: Params<LogQuery>,
    upgrade: Option<Upgrade>,
) -> Result<LogAnswer, ApiError> {
    match params.get("queryType") {
        Some("tail") => {
            let Some(Upgrade(upgrade)) = upgrade else {
                return Err(ApiError::bad_request(
                    "websocket-required",
                    "A tail needs a WebSocket: connect with ws:// or wss://.",
                ));
            };
            Ok(LogAnswer::Tail(crate::tail::upgrade(
                state, place, params, upgrade,
            )))
        }
        None | Some("range") => {
            let caller = caller.ok_or_else(ApiError::unauthorized)?;
            range(&state, &caller, &place, &params)
                .await
                .map(LogAnswer::Range)
        }
        Some(_) => Err(ApiError::field("queryType", "must be range or tail")),
    }
}

async fn range(
    state: &State,
    caller: &Caller,
    place: &Place,
    params: &Params<LogQuery>,
) -> Result<Data<Vec<LineView<'static>>>, ApiError> {
    let (_, service) = place.service(state, caller).await?;
    let build = asked_build(state, &service, params).await?;
    let asked = Asked::read(params, build.as_ref())?;
    let Some(build) = build else {
        return Ok(Data { data: Vec::new() });
    };
    let query = Query {
        start_ts: asked.start,
        end_ts: asked.end,
        limit: asked.lines.unwrap_or(DEFAULT_LINES),
        direction: asked.direction,
        filter: asked.filter,
    };
    let lines = state.logs.read(&build.uid, query).await?;
    let data: Vec<_> = lines
        .into_iter()
        .map(|line| LineView::new(build.id.clone(), line))
        .collect();
    Ok(Data { data })
}

/// The build the call names, or the service's newest.
pub(crate) async fn asked_build<Q>(
    state: &State,
    service: &Service,
    params: &Params<Q>,
) -> Result<Option<Build>, ApiError> {
    match params.get("buildId") {
        Some(id) => Ok(Some(find(state, service, id).await?)),
        None => Ok(state
            .store
            .builds(service, store::Page::Skip(0), 1)
            .await?
            .pop()),
    }
}

/// A WebSocket upgrade, where the request asks for one.
pub(crate) struct Upgrade(WebSocketUpgrade);

impl aide::OperationInput for Upgrade {}

impl axum::extract::OptionalFromRequestParts<State> for Upgrade {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        state: &State,
    ) -> Result<Option<Self>, Self::Rejection> {
        let upgrade =
            <WebSocketUpgrade as axum::extract::FromRequestParts<State>>::from_request_parts(
                parts, state,
            );
        Ok(upgrade.await.ok().map(Upgrade))
    }
}
