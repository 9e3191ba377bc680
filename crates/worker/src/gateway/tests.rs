use axum::Router;
use axum::http::{HeaderMap, Method, Uri, header};

use super::*;

/// A registry that answers everything with what it was asked and by whom.
async fn echo() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = async |method: Method, uri: Uri, headers: HeaderMap, body: String| {
        let caller = headers.get(header::AUTHORIZATION);
        let caller = caller.map_or("nobody", |value| value.to_str().unwrap());
        format!("{method} {uri} {caller} {body}")
    };
    let router = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

struct Asked {
    gateway: Gateway,
    traffic: Traffic,
    http: reqwest::Client,
}

impl Asked {
    async fn new(own: &str, mirror: &str) -> Asked {
        // Another test of this process may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let token = Token::new("hush");
        let upstreams =
            Upstreams::new(own, &token, [mirror].into_iter(), Logins::default()).unwrap();
        let sockets = (0..upstreams.gates()).map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
        let traffic = Traffic::default();
        Asked {
            gateway: Gateway::open(&upstreams, sockets.collect(), &traffic).unwrap(),
            traffic,
            http: reqwest::Client::new(),
        }
    }

    async fn ask(&self, method: Method, gate: &str, path: &str, key: &str) -> (u16, String) {
        let request = self
            .http
            .request(method, format!("http://{gate}{path}"))
            .basic_auth(REGISTRY_USER, Some(key))
            .body("layer");
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}

#[tokio::test]
async fn the_engine_speaks_for_the_build_and_pushes_in_time() {
    let (upstream, mirror) = (echo().await.to_string(), echo().await.to_string());
    let asked = Asked::new(&upstream, &mirror).await;
    let own = asked.gateway.own().to_string();
    let key = asked.gateway.key().reveal();
    let path = "/v2/shop/web/manifests/main";

    assert_eq!(asked.ask(Method::GET, &own, path, "guess").await.0, 401);
    let (status, said) = asked.ask(Method::GET, &own, path, key).await;
    let token = login(&Token::new("hush"));
    assert_eq!(status, 200);
    assert_eq!(said, format!("GET {path} Basic {token} layer"));

    assert_eq!(asked.ask(Method::PUT, &own, path, key).await.0, 403);
    asked.gateway.allow_pushes();
    let (status, said) = asked.ask(Method::PUT, &own, path, key).await;
    assert_eq!(status, 200);
    assert_eq!(said, format!("PUT {path} Basic {token} layer"));
    // Two layers went, their echoes came; what was refused did not pass.
    assert_eq!(asked.traffic.bytes(), (2 * said.len() as u64, 10));
    for path in ["/v1/projects", "/v2/token", "/v2/a/blobs/%2e%2e/token"] {
        assert_eq!(
            asked.ask(Method::GET, &own, path, key).await.0,
            404,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_mirror_is_read_by_nobody_in_particular() {
    let upstream = format!("{}/cache", echo().await);
    let asked = Asked::new("127.0.0.1:1", &upstream).await;
    let gate = asked.gateway.mirror(&upstream);
    let (host, path) = gate.split_once('/').unwrap();
    assert_eq!(path, "cache");
    asked.gateway.allow_pushes();
    let other = "/v2/secret/manifests/1";
    assert_eq!(asked.ask(Method::GET, host, other, "x").await.0, 404);
    let path = "/v2/cache/library/debian/manifests/12";
    let (status, said) = asked.ask(Method::GET, host, path, "x").await;
    assert_eq!(
        (status, &*said),
        (200, &*format!("GET {path} nobody layer"))
    );
    assert_eq!(asked.ask(Method::PUT, host, path, "x").await.0, 403);
    let away = asked.gateway.own().to_string();
    let (status, said) = asked
        .ask(Method::GET, &away, path, asked.gateway.key().reveal())
        .await;
    assert_eq!(status, 502, "{said}");
    let line = format!("pinging {away}: 502");
    assert_eq!(
        asked.gateway.named(&line, "builds.example"),
        "pinging builds.example: 502"
    );
}

#[test]
fn our_own_registry_is_no_mirror() {
    let token = Token::new("hush");
    for mirror in ["127.0.0.1:8484", "localhost:8484/shop", "[::1]:8484"] {
        let refused = Upstreams::new(
            "127.0.0.1:8484",
            &token,
            [mirror].into_iter(),
            Logins::default(),
        );
        assert!(refused.unwrap_err().to_string().contains(mirror));
    }
    let others = ["127.0.0.1:5000", "mirror.example:8484"];
    let upstreams = Upstreams::new(
        "127.0.0.1:8484",
        &token,
        others.into_iter(),
        Logins::default(),
    );
    assert_eq!(upstreams.unwrap().gates(), 2);
}

/// A registry that takes tokens only, and gives them for one login; it counts those it gave.
mod tokens {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::extract::State;
    use axum::http::StatusCode;
    use axum::response::{IntoResponse, Response};
    use axum::routing::get;

    use super::*;

    pub(super) struct Registry {
        pub(super) address: SocketAddr,
        pub(super) given: Arc<AtomicUsize>,
    }

    #[derive(Clone)]
    struct Shared {
        address: SocketAddr,
        given: Arc<AtomicUsize>,
    }

    pub(super) async fn start() -> Registry {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let given = Arc::new(AtomicUsize::new(0));
        let shared = Shared {
            address,
            given: Arc::clone(&given),
        };
        let router = Router::new()
            .route("/token", get(token))
            .fallback(content)
            .with_state(shared);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Registry { address, given }
    }

    async fn token(State(shared): State<Shared>, uri: Uri, headers: HeaderMap) -> Response {
        let login = base64::engine::general_purpose::STANDARD.encode("me:hush");
        if headers.get(header::AUTHORIZATION).unwrap() != &format!("Basic {login}") {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        let count = shared.given.fetch_add(1, Ordering::SeqCst);
        let scope = url::form_urlencoded::parse(uri.query().unwrap().as_bytes())
            .find_map(|(key, value)| (key == "scope").then(|| value.into_owned()))
            .unwrap();
        // The first token is worth nothing, as one whose time is over.
        let token = if count == 0 { "late".into() } else { scope };
        axum::Json(serde_json::json!({"token": token, "expires_in": 300})).into_response()
    }

    async fn content(
        State(shared): State<Shared>,
        method: Method,
        uri: Uri,
        headers: HeaderMap,
    ) -> Response {
        let said = headers.get(header::AUTHORIZATION);
        let said = said.map_or("", |value| value.to_str().unwrap());
        let Some(scope) = said.strip_prefix("Bearer repository:") else {
            let realm = format!("http://{}/token", shared.address);
            let challenge = format!("Bearer realm=\"{realm}\",service=\"test, quoted\"");
            return (
                StatusCode::UNAUTHORIZED,
                [(header::WWW_AUTHENTICATE, challenge)],
            )
                .into_response();
        };
        if method == Method::POST {
            let place = format!("http://{}/elsewhere/1?state=x", shared.address);
            return (StatusCode::ACCEPTED, [(header::LOCATION, place)]).into_response();
        }
        format!("{method} {uri} as {scope}").into_response()
    }
}

fn credential(registry: &str, password: &str) -> protocol::RegistryCredential {
    protocol::RegistryCredential {
        id: "example".into(),
        registry: registry.into(),
        username: "me".into(),
        password: password.into(),
    }
}

async fn with_logins(logins: Logins<'_>) -> Asked {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let token = Token::new("token");
    let upstreams = Upstreams::new("127.0.0.1:1", &token, [].into_iter(), logins).unwrap();
    let sockets = (0..upstreams.gates()).map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    let traffic = Traffic::default();
    Asked {
        gateway: Gateway::open(&upstreams, sockets.collect(), &traffic).unwrap(),
        traffic,
        http: reqwest::Client::new(),
    }
}

#[tokio::test]
async fn a_registry_that_takes_tokens_is_read_with_the_builds_login() {
    let registry = tokens::start().await;
    let login = [credential(&registry.address.to_string(), "hush")];
    let policy = "127.0.0.0/8".parse().unwrap();
    let asked = with_logins(Logins::new(&login, None, policy)).await;
    let key = asked.gateway.key().reveal().to_owned();
    let (_, gate) = asked.gateway.logins().next().unwrap();
    let path = "/v2/shop/base/manifests/1";
    assert_eq!(asked.ask(Method::GET, &gate, path, "guess").await.0, 401);
    let read = async || {
        let request = asked.http.get(format!("http://{gate}{path}"));
        let answer = request.basic_auth(REGISTRY_USER, Some(&key)).send().await;
        answer.unwrap().text().await.unwrap()
    };
    for _ in 0..2 {
        assert_eq!(read().await, format!("GET {path} as shop/base:pull"));
    }
    let given = registry.given.load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!(given, 2, "one that was late, and one for both requests");
    asked.gateway.allow_pushes();
    let (status, _) = asked.ask(Method::PUT, &gate, path, &key).await;
    assert_eq!(status, 403, "a login for base images pushes nothing");
}

#[tokio::test]
async fn an_image_is_pushed_to_its_own_repository_and_where_the_registry_says() {
    let registry = tokens::start().await;
    let host = registry.address.to_string();
    let login = credential(&host, "hush");
    let repository = format!("{host}/images/shop/web");
    let policy = "127.0.0.0/8".parse().unwrap();
    let asked = with_logins(Logins::new(&[], Some((&repository, &login)), policy)).await;
    let key = asked.gateway.key().reveal().to_owned();
    let gate = asked.gateway.destination().1.to_string();
    let path = "/v2/images/shop/web/manifests/1";
    assert_eq!(asked.ask(Method::PUT, &gate, path, &key).await.0, 403);
    asked.gateway.allow_pushes();
    let other = "/v2/images/shop/other/manifests/1";
    assert_eq!(asked.ask(Method::PUT, &gate, other, &key).await.0, 404);
    // The first token is late; a body that was sent is not sent again by the gate.
    assert_eq!(asked.ask(Method::PUT, &gate, path, &key).await.0, 401);
    let (status, said) = asked.ask(Method::PUT, &gate, path, &key).await;
    let signed = format!("PUT {path} as images/shop/web:pull,push");
    assert_eq!((status, said), (200, signed));

    assert_eq!(
        asked
            .ask(Method::PATCH, &gate, "/elsewhere/1", &key)
            .await
            .0,
        404
    );
    let start = format!("http://{gate}/v2/images/shop/web/blobs/uploads/");
    let request = asked.http.post(start).basic_auth(REGISTRY_USER, Some(&key));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()[header::LOCATION], "/elsewhere/1?state=x");
    let (status, said) = asked
        .ask(Method::PATCH, &gate, "/elsewhere/1?state=x", &key)
        .await;
    assert_eq!(status, 200, "{said}");
}

#[tokio::test]
async fn a_login_that_is_not_taken_and_an_address_that_is_not_allowed_are_told() {
    let registry = tokens::start().await;
    let host = registry.address.to_string();
    let path = "/v2/shop/base/manifests/1";
    let allowed = "127.0.0.0/8";
    for (registry, password, policy, said) in [
        (&*host, "wrong", allowed, "refused the login `example`"),
        (&*host, "hush", "", "may not be contacted"),
        ("127.0.0.1:1", "hush", allowed, "cannot be reached"),
    ] {
        let login = [credential(registry, password)];
        let asked = with_logins(Logins::new(&login, None, policy.parse().unwrap())).await;
        let key = asked.gateway.key().reveal();
        let (_, gate) = asked.gateway.logins().next().unwrap();
        let (status, answer) = asked.ask(Method::GET, &gate, path, key).await;
        assert!(
            (400..500).contains(&status) && answer.contains(said),
            "{answer}"
        );
        assert!(
            !answer.contains("hush") && !answer.contains("wrong"),
            "{answer}"
        );
    }
}
