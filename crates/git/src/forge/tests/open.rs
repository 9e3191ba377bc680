//! Open pull requests only: each forge is asked in its own words.

use super::*;
use std::sync::Mutex;

#[tokio::test]
async fn each_forge_is_asked_for_open_ones_in_its_own_words() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    for (kind, words) in [
        (VcsKind::Github, "state=open"),
        (VcsKind::Gitea, "state=open"),
        (VcsKind::Gitlab, "state=opened"),
        (VcsKind::Bitbucket, "state=OPEN"),
        (VcsKind::Azure, "searchCriteria.status=active"),
    ] {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let note = Arc::clone(&asked);
        let answer = move |RawQuery(query): RawQuery| async move {
            note.lock().unwrap().extend(query);
            Json(json!([]))
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        let forge = Forge::new(kind, &url.parse().unwrap(), "s3cret", http()).unwrap();
        let found = forge.pull_requests("acme", "web", Which::Open, &|_| false);
        assert_eq!(found.await.unwrap(), []);
        let asked = asked.lock().unwrap().join(" ");
        let mut parts = asked.split(['&', ' ']);
        assert!(parts.any(|part| part == words), "{kind:?}: {asked}");
        assert_eq!(
            asked.matches("tate=").count(),
            usize::from(kind != VcsKind::Azure)
        );
    }
}
