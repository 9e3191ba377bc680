//! A server made for the tests: it keeps what it is given in memory, speaks the wire contract, and
//! misbehaves on request.

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts, Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// A token that may do everything.
pub const TOKEN: &str = "byt_good";
/// A token that may only read.
pub const READER: &str = "byt_reader";
/// The longest range of a log, as a server may limit it.
const LONGEST_RANGE: usize = 10_000;

type Shared = State<Arc<Inner>>;
type Params = Query<HashMap<String, String>>;

pub struct Fake {
    address: std::net::SocketAddr,
    inner: Arc<Inner>,
    server: tokio::task::JoinHandle<()>,
}

struct Inner {
    world: Mutex<World>,
    changed: watch::Sender<u64>,
}

/// What the server knows, free to change for a test.
#[derive(Default)]
pub struct World {
    pub projects: Vec<Value>,
    pub services: Vec<Value>,
    /// Newest first.
    pub builds: Vec<Value>,
    /// Of the newest build.
    pub log: Vec<Value>,
    /// Whether live logs are closed with a good-bye, as by a server that stops.
    pub stops: bool,
    /// After how many lines the next live logs break, one by one.
    pub breaks: VecDeque<usize>,
    /// What the next calls are answered instead.
    pub refusals: VecDeque<(u16, Value)>,
    /// "GET /v1/… BODY", in order.
    pub calls: Vec<String>,
}

impl Fake {
    /// With one project `shop`, which has the services `web` and `worker`.
    pub async fn start() -> Fake {
        let services = ["web", "worker"].map(|id| {
            json!({ "id": id, "name": id.to_uppercase(), "serviceType": "build", "status": {} })
        });
        let world = World {
            projects: vec![json!({ "id": "shop", "name": "Shop", "description": "Sells things" })],
            services: services.to_vec(),
            ..World::default()
        };
        crate::person::install_tls();
        let (changed, _) = watch::channel(0);
        let inner = Arc::new(Inner {
            world: Mutex::new(world),
            changed,
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = router(inner.clone());
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Fake {
            address,
            inner,
            server,
        }
    }

    pub fn host(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes the world and tells those who follow a log.
    pub fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let outcome = change(&mut self.inner.world.lock().unwrap());
        self.inner.changed.send_modify(|version| *version += 1);
        outcome
    }

    /// Adds a line to the newest build's log.
    pub fn writes(&self, text: &str) {
        self.change(|world| {
            let ts = log_time(world.log.len());
            world
                .log
                .push(json!({ "containerId": "b-1", "log": text, "ts": ts }));
        });
    }

    /// Moves the newest build on.
    pub fn moves(&self, status: &str, more: Value) {
        self.change(|world| {
            let build = world.builds[0].as_object_mut().unwrap();
            build.insert("status".into(), status.into());
            build.extend(more.as_object().cloned().unwrap_or_default());
        });
    }

    /// Waits until the world is as described.
    pub async fn until(&self, described: impl Fn(&World) -> bool) {
        let mut changed = self.inner.changed.subscribe();
        while !described(&self.inner.world.lock().unwrap()) {
            changed.changed().await.unwrap();
        }
    }

    pub fn calls(&self) -> Vec<String> {
        self.inner.world.lock().unwrap().calls.clone()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A finished build; the larger the number the newer.
pub fn build(number: usize) -> Value {
    json!({
        "id": format!("calm-sea-{number}"),
        "branch": "main",
        "pullRequestId": null,
        "status": "SUCCESS",
        "sha": "12c15e7ee25fd78f567ebf87f9178b8ad70025b3",
        "registry": { "uri": format!("127.0.0.1:8484/shop/web:{number}") },
        "concluded": true,
        "createdAt": "2026-11-24T08:00:00.500Z",
        "success": true,
        "message": "Image successfully built",
        "buildConcludedAt": 1_795_507_272,
    })
}

/// Log lines come in pairs of the same time, to make resuming harder.
fn log_time(index: usize) -> String {
    let begin: Timestamp = "2026-11-24T08:00:01.000250Z".parse().unwrap();
    (begin + SignedDuration::from_micros(index as i64 / 2)).to_string()
}

fn router(inner: Arc<Inner>) -> Router {
    let service = "/v1/projects/{p}/services/{s}";
    Router::new()
        .route("/v1/login", get(|| async { data(json!({})) }))
        .route("/v1/plans", get(plans))
        .route("/v1/regions", get(regions))
        .route("/v1/integrations/notifications", get(notifications))
        .route("/v1/projects", get(projects).post(created).put(created))
        .route(
            "/v1/projects/{p}",
            get(project).patch(created).delete(nothing),
        )
        .route("/v1/projects/{p}/services", get(services))
        .route(
            "/v1/projects/{p}/services/build",
            post(created).put(created),
        )
        .route("/v1/projects/{p}/services/build/{s}", patch(created))
        .route(service, get(one_service).delete(nothing))
        .route(&format!("{service}/build"), get(builds).post(start))
        .route(
            &format!("{service}/build/{{b}}"),
            get(one_build).delete(nothing),
        )
        .route(&format!("{service}/build/{{b}}/retry"), post(retry))
        .route(&format!("{service}/build-logs"), get(logs))
        .route(&format!("{service}/build-metrics"), get(metrics))
        .layer(middleware::from_fn_with_state(inner.clone(), gate))
        .with_state(inner)
}

/// Notes each call, refuses those it was told to refuse, and checks tokens and permissions.
async fn gate(State(inner): Shared, headers: HeaderMap, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let line = format!(
        "{} {} {}",
        parts.method,
        parts.uri,
        String::from_utf8_lossy(&body)
    );
    let refusal = {
        let mut world = inner.world.lock().unwrap();
        world.calls.push(line.trim_end().to_owned());
        world.refusals.pop_front()
    };
    inner.changed.send_modify(|version| *version += 1);
    if let Some((status, error)) = refusal {
        let status = StatusCode::from_u16(status).unwrap();
        return (status, Json(json!({ "error": error }))).into_response();
    }
    let token = headers.get("authorization").and_then(|v| v.to_str().ok());
    let writes = parts.method != "GET";
    // A live log shows its token in its first message.
    let tail = headers.contains_key("upgrade");
    match token.and_then(|t| t.strip_prefix("Bearer ")) {
        Some(TOKEN) => {}
        Some(READER) if !writes => {}
        Some(READER) => {
            let permission = "Project > Services > Deployment > Deploy Build";
            return refuse(
                403,
                &format!("The token's role lacks the permission `{permission}`."),
            );
        }
        _ if tail => {}
        _ => return refuse(401, "No valid API token was given."),
    }
    next.run(Request::from_parts(parts, body.into())).await
}

fn data(data: Value) -> Response {
    Json(json!({ "data": data })).into_response()
}

fn refuse(status: u16, message: &str) -> Response {
    let error = json!({ "status": status, "message": message, "id": "x", "details": null });
    (
        StatusCode::from_u16(status).unwrap(),
        Json(json!({ "error": error })),
    )
        .into_response()
}

fn absent() -> Response {
    refuse(404, "There is no such thing, or this token may not see it.")
}

/// Real pages: the cursor is the index of the next row behind a `c`.
fn page(key: &str, rows: &[Value], params: &HashMap<String, String>) -> Response {
    let number = |name: &str| params.get(name).and_then(|v| v.parse::<usize>().ok());
    let per_page = number("per_page").unwrap_or(50);
    let start = match params.get("cursor") {
        Some(cursor) => cursor[1..].parse().unwrap(),
        None => (number("page").unwrap_or(1) - 1) * per_page,
    };
    let shown: Vec<&Value> = rows.iter().skip(start).take(per_page).collect();
    let end = start + shown.len();
    let mut pagination = json!({ "hasNextPage": end < rows.len(), "count": shown.len() });
    if end < rows.len() {
        pagination["cursor"] = json!(format!("c{end}"));
    }
    Json(json!({ "data": { key: shown }, "pagination": pagination })).into_response()
}

async fn plans() -> Response {
    data(json!({ "plans": [
        { "id": "nf-compute-20", "cpuResource": 0.2, "ramResource": 512, "amountPerMonth": 0 },
        { "id": "nf-compute-200-8", "cpuResource": 2, "ramResource": 8192, "amountPerMonth": 0 },
    ]}))
}

async fn regions() -> Response {
    data(json!({ "regions": [{ "id": "local", "name": "Local", "gpuDevices": [] }] }))
}

async fn notifications(Query(params): Params) -> Response {
    let integrations = [
        json!({ "id": "bell", "name": "Bell", "type": "RAW_WEBHOOK", "status": {} }),
        json!({ "id": "chat", "name": "Chat", "type": "DISCORD", "status": {
            "timeOfFirstFailedRequest": "2026-11-24T08:04:30.000Z", "numberOfFailedRequests": 2,
            "lastError": "it answered 404",
        }}),
        json!({ "id": "old", "name": "Old", "type": "TEAMS", "status": { "disabled": true } }),
    ];
    page("notificationIntegrations", &integrations, &params)
}

async fn projects(State(inner): Shared, Query(params): Params) -> Response {
    page("projects", &inner.world.lock().unwrap().projects, &params)
}

async fn project(State(inner): Shared, Path(id): Path<String>) -> Response {
    let world = inner.world.lock().unwrap();
    match find(&world.projects, &id) {
        Some(mut project) => {
            project["services"] = json!(world.services);
            project["deployment"] = json!({ "region": "local" });
            project["createdAt"] = json!("2026-11-22T08:00:00.000Z");
            data(project)
        }
        None => absent(),
    }
}

async fn services(
    State(inner): Shared,
    Path(project): Path<String>,
    Query(params): Params,
) -> Response {
    let world = inner.world.lock().unwrap();
    match find(&world.projects, &project) {
        Some(_) => page("services", &world.services, &params),
        None => absent(),
    }
}

async fn one_service(State(inner): Shared, Path((p, s)): Path<(String, String)>) -> Response {
    let world = inner.world.lock().unwrap();
    match find(&world.projects, &p).and_then(|_| find(&world.services, &s)) {
        Some(service) => data(service),
        None => absent(),
    }
}

async fn builds(
    State(inner): Shared,
    Path((p, s)): Path<(String, String)>,
    Query(params): Params,
) -> Response {
    let world = inner.world.lock().unwrap();
    match find(&world.projects, &p).and_then(|_| find(&world.services, &s)) {
        Some(_) => page("builds", &world.builds, &params),
        None => absent(),
    }
}

async fn one_build(
    State(inner): Shared,
    Path((p, s, b)): Path<(String, String, String)>,
) -> Response {
    let world = inner.world.lock().unwrap();
    let known = find(&world.projects, &p).and_then(|_| find(&world.services, &s));
    match known.and_then(|_| find(&world.builds, &b)) {
        Some(build) => data(build),
        None => absent(),
    }
}

fn find(things: &[Value], id: &str) -> Option<Value> {
    things.iter().find(|thing| thing["id"] == id).cloned()
}

async fn created(Json(mut body): Json<Value>) -> Response {
    body["id"] = json!("made-up");
    data(body)
}

async fn nothing() -> Response {
    data(json!({}))
}

async fn start(State(inner): Shared, Path((p, s)): Path<(String, String)>) -> Response {
    let mut world = inner.world.lock().unwrap();
    if find(&world.projects, &p)
        .and_then(|_| find(&world.services, &s))
        .is_none()
    {
        return absent();
    }
    let build = json!({
        "id": "joyous-view-6290",
        "branch": "main",
        "status": "QUEUED",
        "concluded": false,
        "createdAt": "2026-11-24T08:00:00.500Z",
    });
    world.builds.insert(0, build.clone());
    drop(world);
    inner.changed.send_modify(|version| *version += 1);
    data(build)
}

async fn retry(
    state: State<Arc<Inner>>,
    Path((p, s, _)): Path<(String, String, String)>,
) -> Response {
    start(state, Path((p, s))).await
}

async fn metrics() -> Response {
    let entry = |unit: &str, values: [f64; 2]| {
        let at = |second: u8, value: f64| json!({"value": value, "ts": format!("2026-11-24T08:00:0{second}.400Z")});
        json!({
            "metricInfo": {"metricUnit": unit, "metricResolution": 1},
            "values": [{"metadata": {"containerId": "calm-sea-1"}, "data": [at(1, values[0]), at(2, values[1])]}],
        })
    };
    data(json!({"cpu": entry("vCPU", [0.254, 1.0]), "memory": entry("mb", [93.52, 1024.4])}))
}

async fn logs(State(inner): Shared, Query(params): Params, request: Request) -> Response {
    if params.get("queryType").map(String::as_str) != Some("tail") {
        if limit(&params).is_some_and(|lines| lines > LONGEST_RANGE) {
            return refuse(400, "lineLimit is too large");
        }
        return data(json!(range(&inner.world.lock().unwrap(), &params)));
    }
    let (mut parts, _) = request.into_parts();
    match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade.on_upgrade(move |socket| tail(inner, params, socket)),
        Err(refusal) => refusal.into_response(),
    }
}

fn limit(params: &HashMap<String, String>) -> Option<usize> {
    params.get("lineLimit").map(|n| n.parse().unwrap())
}

fn range(world: &World, params: &HashMap<String, String>) -> Vec<Value> {
    let time = |name: &str| params.get(name).map(|t| t.parse::<Timestamp>().unwrap());
    let (start, end) = (time("startTime"), time("endTime"));
    let wanted = |line: &&Value| {
        let ts: Timestamp = line["ts"].as_str().unwrap().parse().unwrap();
        let text = line["log"].as_str().unwrap();
        start.is_none_or(|start| ts >= start)
            && end.is_none_or(|end| ts <= end)
            && params
                .get("textIncludes")
                .is_none_or(|part| text.contains(part))
    };
    let mut lines: Vec<Value> = world.log.iter().filter(wanted).cloned().collect();
    if params.get("direction").is_some_and(|d| d == "backward") {
        lines.reverse();
    }
    lines.truncate(limit(params).unwrap_or(1000));
    lines
}

async fn tail(inner: Arc<Inner>, params: HashMap<String, String>, mut socket: WebSocket) {
    let hello = socket.recv().await.unwrap().unwrap().into_text().unwrap();
    let hello: Value = serde_json::from_str(&hello).unwrap();
    let welcome = hello["data"]["auth"]["apiToken"] == TOKEN;
    let auth = if welcome { "successful" } else { "failed" };
    say(
        &mut socket,
        json!({ "type": "init", "data": { "auth": auth, "message": "bad token" } }),
    )
    .await;
    if !welcome {
        return;
    }
    let mut changed = inner.changed.subscribe();
    let (mut at, breaks) = {
        let mut world = inner.world.lock().unwrap();
        (first_line(&world, &params), world.breaks.pop_front())
    };
    let mut left = breaks.unwrap_or(usize::MAX);
    loop {
        let (lines, concluded) = {
            let world = inner.world.lock().unwrap();
            (
                world.log[at..].to_vec(),
                world.builds[0]["concluded"] == true,
            )
        };
        at += lines.len();
        let lines = &lines[..lines.len().min(left)];
        left -= lines.len();
        if !lines.is_empty() {
            say(&mut socket, json!({ "type": "log-lines", "data": lines })).await;
        }
        if left == 0 {
            // Gone without a good-bye.
            return;
        }
        let stops = inner.world.lock().unwrap().stops;
        if concluded || stops {
            let _ = socket.send(Message::Close(None)).await;
            return;
        }
        changed.changed().await.unwrap();
    }
}

/// Where a live log begins.
fn first_line(world: &World, params: &HashMap<String, String>) -> usize {
    let start = params
        .get("startTime")
        .map(|t| t.parse::<Timestamp>().unwrap());
    let limit = limit(params).unwrap_or(if start.is_some() { usize::MAX } else { 10 });
    let earlier = |line: &&Value| {
        start.is_some_and(|s| line["ts"].as_str().unwrap().parse::<Timestamp>().unwrap() < s)
    };
    let skipped = world.log.iter().take_while(earlier).count();
    skipped.max(world.log.len().saturating_sub(limit))
}

async fn say(socket: &mut WebSocket, message: Value) {
    let _ = socket.send(Message::text(message.to_string())).await;
}
