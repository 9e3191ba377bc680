//! Finding builds, asking for one again, and where one stands: beyond the contract.

use crate::harness::{Answer, Place, Repository, Server};
use serde_json::{Value, json};

const ONE: &str = "1111111aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const OTHER: &str = "1111111bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

impl Place {
    async fn list(&self, query: &str) -> Answer {
        self.api
            .get(&format!("{}/build?{query}", self.path()))
            .await
    }

    /// The ids of a list.
    async fn found(&self, query: &str) -> Vec<String> {
        let answer = self.list(query).await;
        let builds = answer.data()["builds"].as_array().unwrap().iter();
        builds
            .map(|build| build["id"].as_str().unwrap().to_owned())
            .collect()
    }

    async fn retry(&self, id: &str) -> Answer {
        let path = format!("{}/build/{id}/retry", self.path());
        self.api.call("POST", &path, None).await
    }
}

/// A server that accepts builds and starts none.
async fn place() -> (Server, Place) {
    let server = Server::with()
        .env("BOATYARD_MAX_CONCURRENT_BUILDS", 0)
        .start()
        .await;
    let place = Place::new(&server, &Repository::with_steps("")).await;
    (server, place)
}

#[tokio::test]
async fn the_list_is_filtered() {
    let (_server, place) = place().await;
    let mut ids = Vec::new();
    for (branch, sha) in [("main", ONE), ("dev", ONE), ("main", OTHER), ("main", ONE)] {
        ids.push(place.start(json!({"branch": branch, "sha": sha})).await);
    }
    place.abort(&ids[0]).await.data();
    place.abort(&ids[2]).await.data();
    let of = |which: &[usize]| which.iter().map(|at| ids[*at].clone()).collect::<Vec<_>>();
    assert_eq!(place.found("branch=main").await, of(&[3, 2, 0]));
    assert_eq!(place.found("status=ABORTED").await, of(&[2, 0]));
    assert_eq!(place.found("status=QUEUED&branch=main").await, of(&[3]));
    assert_eq!(place.found("sha=1111111A").await, of(&[3, 1, 0]));
    assert_eq!(place.found("sha=2222222").await, of(&[]));
    let created = place.get(&ids[1]).await["createdAt"]
        .as_str()
        .unwrap()
        .to_owned();
    let later = place.found(&format!("createdAfter={created}")).await;
    let earlier = place.found(&format!("createdBefore={created}")).await;
    // Builds of the same millisecond are neither.
    assert!(later.iter().all(|id| of(&[3, 2]).contains(id)), "{later:?}");
    assert!(
        earlier.iter().all(|id| of(&[0]).contains(id)),
        "{earlier:?}"
    );
    assert_eq!(
        place.found("createdBefore=2020-01-01T00:00:00Z").await,
        of(&[])
    );

    let first = place.list("branch=main&per_page=2").await;
    let cursor = first.body["pagination"]["cursor"].as_str().unwrap();
    let next = format!("branch=main&per_page=2&cursor={cursor}");
    assert_eq!(place.found(&next).await, of(&[0]));
    assert_eq!(place.found("branch=main&per_page=2&page=2").await, of(&[0]));
    for other in ["", "branch=dev&", "branch=main&status=QUEUED&"] {
        let strange = place.list(&format!("{other}cursor={cursor}")).await;
        assert_eq!(strange.fields(), ["cursor"], "{other}");
    }
    assert_eq!(place.list("sha=1111111").await.fields(), ["sha"]);
    let wrong = place
        .list("status=failed&sha=xyz&createdAfter=monday")
        .await;
    assert_eq!(wrong.fields(), ["status", "sha", "createdAfter"]);
}

#[tokio::test]
async fn a_retry_is_the_same_build_again() {
    let (_server, place) = place().await;
    let body = json!({
        "branch": "main", "sha": ONE,
        "overrides": {"buildArguments": {"KEY": "then"}, "docker": {"dockerfileTarget": "stage"}},
    });
    let id = place.start(body).await;
    let refused = place.retry(&id).await.refusal(409);
    assert!(refused.contains("QUEUED"), "{refused}");
    place.abort(&id).await.data();
    let again = place.retry(&id).await.data().clone();
    assert_ne!(again["id"], id.as_str());
    let wanted = json!([id, ONE, "main", "QUEUED", 2]);
    let fields = ["retryOf", "sha", "branch", "status", "number"];
    assert_eq!(
        Value::from_iter(fields.map(|name| again[name].clone())),
        wanted
    );
    assert_eq!(place.get(&id).await["retryOf"], Value::Null);
    place.retry("no-such-1234").await.refusal(404);
    let path = format!("{}/build/{id}/retry", place.path());
    let fields = json!({"branch": "main"});
    assert_eq!(place.api.post(&path, fields).await.fields(), ["branch"]);
    place.api.post(&path, json!({})).await.data();
    let reader = place.api.with_token("nobody");
    reader.call("POST", &path, None).await.refusal(401);
}

#[tokio::test]
async fn a_waiting_build_knows_its_place() {
    let (server, place) = place().await;
    let sha = json!({"branch": "main", "sha": ONE});
    let mut mine = Vec::new();
    for _ in 0..3 {
        mine.push(place.start(sha.clone()).await);
    }
    let repository = Repository::with_steps("");
    let other = Place::named(&server, "bank", "api", &repository, json!({})).await;
    let theirs = other.start(sha).await;
    // One project's first, the other's first, then the long queue.
    for (build, position) in [(&mine[0], 1), (&mine[1], 3), (&mine[2], 4)] {
        assert_eq!(
            place.get(build).await["queue"],
            json!({"position": position})
        );
    }
    assert_eq!(other.get(&theirs).await["queue"], json!({"position": 2}));
    place.abort(&mine[0]).await.data();
    assert_eq!(place.get(&mine[0]).await["queue"], Value::Null);
    let phases = place.get(&mine[0]).await["phases"].clone();
    assert_eq!(
        (&phases[0]["status"], &phases[1]["status"]),
        (&json!("QUEUED"), &json!("ABORTED"))
    );
    assert!(phases[0]["seconds"].is_number() && phases[1]["seconds"].is_null());
}
